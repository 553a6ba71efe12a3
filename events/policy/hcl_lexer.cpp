#include "events/policy/hcl_lexer.h"

#include <charconv>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "events/policy/hcl_heredoc.h"

namespace coffer::policy::hcl {
namespace {

bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool is_word(char c) noexcept {
  return is_letter(c) || is_digit(c) || c == '-' || c == '.';
}

std::optional<TokenKind> punctuation(char c) noexcept {
  switch (c) {
    case '=':
      return TokenKind::assign;
    case ',':
      return TokenKind::comma;
    case '{':
      return TokenKind::open_brace;
    case '}':
      return TokenKind::close_brace;
    case '[':
      return TokenKind::open_bracket;
    case ']':
      return TokenKind::close_bracket;
    default:
      return std::nullopt;
  }
}

// The character that a one-letter escape stands for.
std::optional<char> simple_escape(char c) noexcept {
  switch (c) {
    case 'a':
      return '\a';
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'v':
      return '\v';
    case '\\':
    case '"':
      return c;
    default:
      return std::nullopt;
  }
}

bool append_utf8(std::uint32_t point, std::string& out) {
  if (point > 0x10FFFF || (point >= 0xD800 && point < 0xE000)) return false;
  const auto tail = [&](unsigned shift) {
    out += static_cast<char>(0x80 | ((point >> shift) & 0x3F));
  };
  if (point < 0x80) {
    out += static_cast<char>(point);
  } else if (point < 0x800) {
    out += static_cast<char>(0xC0 | (point >> 6));
    tail(0);
  } else if (point < 0x10000) {
    out += static_cast<char>(0xE0 | (point >> 12));
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xF0 | (point >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
  return true;
}

}  // namespace

Error error_at(Position at, std::string_view message) {
  return fail(ErrorCode::invalid_argument,
              fmt::format("At {}:{}: {}", at.line, at.column, message));
}

std::string_view to_string(TokenKind kind) noexcept {
  switch (kind) {
    case TokenKind::end:
      return "end of text";
    case TokenKind::identifier:
      return "name";
    case TokenKind::string:
      return "string";
    case TokenKind::number:
      return "number";
    case TokenKind::boolean:
      return "boolean";
    case TokenKind::assign:
      return "'='";
    case TokenKind::comma:
      return "','";
    case TokenKind::open_brace:
      return "'{'";
    case TokenKind::close_brace:
      return "'}'";
    case TokenKind::open_bracket:
      return "'['";
    case TokenKind::close_bracket:
      return "']'";
  }
  return "";
}

Result<Token> Lexer::next() {
  COFFER_TRY(skip_blanks());
  const Position at = here_;
  if (rest_.empty()) return Token{TokenKind::end, {}, at};
  const char c = peek();
  if (const auto kind = punctuation(c)) {
    skip(1);
    return Token{*kind, {}, at};
  }
  if (c == '"') return string(at);
  if (c == '<' && peek(1) == '<') return heredoc(at);
  if (is_digit(c) || c == '-') return number(at);
  if (is_letter(c)) return word(at);
  return error_at(at, "illegal character");
}

void Lexer::skip(std::size_t count) noexcept {
  for (const char c : rest_.substr(0, count)) {
    if (c == '\n')
      here_ = {here_.line + 1, 1};
    else if ((static_cast<unsigned char>(c) & 0xC0) != 0x80)
      ++here_.column;
  }
  rest_.remove_prefix(count);
}

Result<void> Lexer::skip_blanks() {
  while (!rest_.empty()) {
    const char c = peek();
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      skip(1);
    } else if (c == '#' || rest_.starts_with("//")) {
      skip(std::min(rest_.find('\n'), rest_.size()));
    } else if (rest_.starts_with("/*")) {
      const std::size_t end = rest_.find("*/", 2);
      if (end == std::string_view::npos) return error_at(here_, "comment not terminated");
      skip(end + 2);
    } else {
      break;
    }
  }
  return {};
}

Result<Token> Lexer::string(Position at) {
  Token token{TokenKind::string, {}, at};
  skip(1);
  while (true) {
    const std::size_t plain = std::min(rest_.find_first_of("\"\\\n"), rest_.size());
    token.text.append(rest_.substr(0, plain));
    skip(plain);
    if (rest_.empty() || peek() == '\n') return error_at(at, "literal not terminated");
    if (peek() == '"') break;
    COFFER_TRY(escape(token.text));
  }
  skip(1);
  return token;
}

Result<void> Lexer::escape(std::string& out) {
  const Position at = here_;
  const char kind = peek(1);
  if (const auto c = simple_escape(kind)) {
    out += *c;
    skip(2);
    return {};
  }
  const std::size_t digits = kind == 'x' ? 2 : kind == 'u' ? 4 : kind == 'U' ? 8 : 0;
  std::uint32_t point = 0;
  const std::string_view hex = rest_.size() < 2 ? "" : rest_.substr(2, digits);
  const auto parsed = std::from_chars(hex.data(), hex.data() + hex.size(), point, 16);
  // A byte above 0x7F alone would not be UTF-8.
  const bool valid = digits != 0 && hex.size() == digits && parsed.ec == std::errc() &&
                     parsed.ptr == hex.data() + digits && (kind != 'x' || point < 0x80) &&
                     append_utf8(point, out);
  if (!valid) return error_at(at, "illegal char escape");
  skip(2 + digits);
  return {};
}

Result<Token> Lexer::heredoc(Position at) {
  auto read = read_heredoc(rest_);
  if (!read) return error_at(at, read.error().message);
  skip(read->consumed);
  return Token{TokenKind::string, std::move(read->text), at};
}

// The grammar of JSON's numbers, since a number may go on as JSON text.
Result<Token> Lexer::number(Position at) {
  std::size_t end = 0;
  const auto digits = [&] {
    const std::size_t start = end;
    while (is_digit(peek(end))) ++end;
    return end - start;
  };
  if (peek() == '-') ++end;
  const bool leading_zero = peek(end) == '0';
  const std::size_t whole = digits();
  bool valid = whole == 1 || (whole > 1 && !leading_zero);
  if (peek(end) == '.') {
    ++end;
    valid = digits() != 0 && valid;
  }
  if (peek(end) == 'e' || peek(end) == 'E') {
    ++end;
    if (peek(end) == '+' || peek(end) == '-') ++end;
    valid = digits() != 0 && valid;
  }
  if (!valid || is_word(peek(end))) return error_at(at, "illegal number");
  Token token{TokenKind::number, std::string(rest_.substr(0, end)), at};
  skip(end);
  return token;
}

Token Lexer::word(Position at) {
  std::size_t end = 1;
  while (is_word(peek(end))) ++end;
  Token token{TokenKind::identifier, std::string(rest_.substr(0, end)), at};
  if (token.text == "true" || token.text == "false") token.kind = TokenKind::boolean;
  skip(end);
  return token;
}

}  // namespace coffer::policy::hcl
