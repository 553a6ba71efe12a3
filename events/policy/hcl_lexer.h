// Tokens of HCL version 1 as policies use it: comments, strings with escapes, heredocs, numbers.
// Errors: invalid_argument, "At <line>:<column>: ..."; columns count characters.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "events/base/result.h"

namespace coffer::policy::hcl {

struct Position {
  std::uint32_t line = 0;  // from 1; 0 = unknown
  std::uint32_t column = 0;
};

[[nodiscard]] Error error_at(Position at, std::string_view message);

enum class TokenKind : std::uint8_t {
  end,
  identifier,
  string,
  number,
  boolean,
  assign,
  comma,
  open_brace,
  close_brace,
  open_bracket,
  close_bracket,
};

// As error messages call it.
[[nodiscard]] std::string_view to_string(TokenKind kind) noexcept;

struct Token {
  TokenKind kind = TokenKind::end;
  std::string text;  // unescaped; of identifiers, strings, numbers and booleans
  Position at;
};

class Lexer {
 public:
  // `text` must outlive the lexer.
  explicit Lexer(std::string_view text) : rest_(text) {}
  [[nodiscard]] Result<Token> next();

 private:
  [[nodiscard]] char peek(std::size_t ahead = 0) const noexcept {
    return ahead < rest_.size() ? rest_[ahead] : '\0';
  }
  void skip(std::size_t count) noexcept;
  Result<void> skip_blanks();
  Result<Token> string(Position at);
  Result<void> escape(std::string& out);
  Result<Token> heredoc(Position at);
  Result<Token> number(Position at);
  Token word(Position at);

  std::string_view rest_;
  Position here_{1, 1};
};

}  // namespace coffer::policy::hcl
