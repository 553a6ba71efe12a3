// Document::parse: simdjson's on-demand walk, made complete. On-demand checks only what it visits,
// so the walk visits every value and checks every atom and number itself.
#include <simdjson.h>

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "events/json/json_arena.h"
#include "events/json/json_value.h"
#include "events/json/utf8.h"

namespace coffer::json {
namespace {

namespace ondemand = simdjson::ondemand;

constexpr std::string_view kWhiteSpace = " \t\n\r";

std::string_view trim(std::string_view text) noexcept {
  const std::size_t begin = text.find_first_not_of(kWhiteSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kWhiteSpace) - begin + 1);
}

// RFC 8259 section 6. simdjson's own check also converts, and refuses what no double can hold.
bool is_number(std::string_view text) noexcept {
  std::size_t at = 0;
  const auto digits = [&] {
    const std::size_t start = at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
    return at - start;
  };
  const auto accept = [&](char c) { return at < text.size() && text[at] == c && (++at, true); };
  accept('-');
  const bool leading_zero = at < text.size() && text[at] == '0';
  const std::size_t whole = digits();
  if (whole == 0 || (leading_zero && whole > 1)) return false;
  if (accept('.') && digits() == 0) return false;
  if (accept('e') || accept('E')) {
    if (!accept('+')) accept('-');
    if (digits() == 0) return false;
  }
  return at == text.size();
}

Error to_error(simdjson::error_code code) {
  switch (code) {
    case simdjson::EMPTY:
      return fail(ErrorCode::invalid_argument, "unexpected end of JSON input");
    case simdjson::UTF8_ERROR:
      return fail(ErrorCode::invalid_argument, "invalid UTF-8");
    case simdjson::UNCLOSED_STRING:
      return fail(ErrorCode::invalid_argument, "unterminated string");
    case simdjson::UNESCAPED_CHARS:
      return fail(ErrorCode::invalid_argument, "control character in string");
    case simdjson::STRING_ERROR:
      return fail(ErrorCode::invalid_argument, "invalid escape sequence in string");
    case simdjson::TRAILING_CONTENT:
      return fail(ErrorCode::invalid_argument, "unexpected data after the JSON value");
    case simdjson::NUMBER_ERROR:
      return fail(ErrorCode::invalid_argument, "invalid number");
    case simdjson::CAPACITY:
      return fail(ErrorCode::too_large, "JSON input is too long");
    case simdjson::MEMALLOC:
      return fail(ErrorCode::internal, "out of memory");
    default:
      return fail(ErrorCode::invalid_argument, "malformed JSON");
  }
}

// Of members with equal keys the last stays, at its own place; returns how many stay. Sorted rather
// than hashed: nobody can choose keys that make this slow.
std::size_t drop_overridden(std::span<Member> members) {
  if (members.size() < 2) return members.size();
  std::vector<std::uint32_t> order(members.size());
  for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    const int compared = members[a].key.compare(members[b].key);
    return compared != 0 ? compared < 0 : a < b;
  });
  for (std::size_t i = 0; i + 1 < order.size(); ++i) {
    if (members[order[i]].key == members[order[i + 1]].key) members[order[i]].value = nullptr;
  }
  const auto end = std::remove_if(members.begin(), members.end(),
                                  [](const Member& member) { return member.value == nullptr; });
  return static_cast<std::size_t>(end - members.begin());
}

}  // namespace

// Builds the tree of one text. A step that returns null or false has left its reason in error_.
class TreeBuilder {
 public:
  TreeBuilder(Document& document, const ParseLimits& limits)
      : arena_(*document.arena_), limits_(limits) {}

  const Value* build(std::string_view text);
  [[nodiscard]] Error take_error() { return std::move(*error_); }

 private:
  const Value* root(ondemand::document& source);
  const Value* root_scalar(ondemand::document& source);
  const Value* value(ondemand::value source, std::size_t depth);
  const Value* array(ondemand::array source, std::size_t depth);
  const Value* object(ondemand::object source, std::size_t depth);
  const Value* string(ondemand::raw_json_string raw);
  const Value* atom(std::string_view token);
  bool text(ondemand::raw_json_string raw, std::string_view& out);
  bool unescape(ondemand::raw_json_string raw, std::string_view escaped, std::string_view& out);
  bool enter(std::size_t depth);
  bool count_node();

  std::nullptr_t refuse(Error error) {
    if (!error_) error_ = std::move(error);
    return nullptr;
  }
  std::nullptr_t refuse(simdjson::error_code code) { return refuse(to_error(code)); }

  Document::Arena& arena_;
  const ParseLimits& limits_;
  ondemand::parser parser_;
  std::string_view input_;  // the padded copy; strings without escapes and numbers point into it
  std::size_t nodes_ = 0;
  std::size_t strings_ = 0;
  // Children of the containers that are open now, innermost last.
  std::vector<const Value*> items_;
  std::vector<Member> members_;
  std::optional<Error> error_;
};

const Value* TreeBuilder::build(std::string_view text) {
  const std::size_t padded = text.size() + simdjson::SIMDJSON_PADDING;
  char* copy = arena_.allocate(padded, 1);
  if (!text.empty()) std::memcpy(copy, text.data(), text.size());
  std::memset(copy + text.size(), 0, simdjson::SIMDJSON_PADDING);
  input_ = {copy, text.size()};

  ondemand::document source;
  if (auto code = parser_.iterate(copy, text.size(), padded).get(source)) return refuse(code);
  return root(source);
}

const Value* TreeBuilder::root(ondemand::document& source) {
  ondemand::json_type type;
  if (auto code = source.type().get(type)) return refuse(code);
  const Value* built = nullptr;
  if (type == ondemand::json_type::array) {
    ondemand::array children;
    if (auto code = source.get_array().get(children)) return refuse(code);
    built = count_node() ? array(children, 1) : nullptr;
  } else if (type == ondemand::json_type::object) {
    ondemand::object children;
    if (auto code = source.get_object().get(children)) return refuse(code);
    built = count_node() ? object(children, 1) : nullptr;
  } else {
    return root_scalar(source);
  }
  if (built == nullptr) return nullptr;
  if (source.current_location().error() != simdjson::OUT_OF_BOUNDS) {
    return refuse(simdjson::TRAILING_CONTENT);
  }
  return built;
}

const Value* TreeBuilder::root_scalar(ondemand::document& source) {
  std::string_view token;
  if (auto code = source.raw_json_token().get(token)) return refuse(code);
  if (trim(token) != trim(input_)) return refuse(simdjson::TRAILING_CONTENT);
  if (!count_node()) return nullptr;
  if (token.front() != '"') return atom(trim(token));
  ondemand::raw_json_string raw;
  if (auto code = source.get_raw_json_string().get(raw)) return refuse(code);
  return string(raw);
}

const Value* TreeBuilder::value(ondemand::value source, std::size_t depth) {
  if (!count_node()) return nullptr;
  ondemand::json_type type;
  if (auto code = source.type().get(type)) return refuse(code);
  switch (type) {
    case ondemand::json_type::array: {
      ondemand::array children;
      if (auto code = source.get_array().get(children)) return refuse(code);
      return array(children, depth + 1);
    }
    case ondemand::json_type::object: {
      ondemand::object children;
      if (auto code = source.get_object().get(children)) return refuse(code);
      return object(children, depth + 1);
    }
    case ondemand::json_type::string: {
      // Consumed here: skipping an unread string would also swallow a ':' that follows it.
      ondemand::raw_json_string raw;
      if (auto code = source.get_raw_json_string().get(raw)) return refuse(code);
      return string(raw);
    }
    default:
      return atom(trim(source.raw_json_token()));
  }
}

const Value* TreeBuilder::array(ondemand::array source, std::size_t depth) {
  if (!enter(depth)) return nullptr;
  const std::size_t base = items_.size();
  for (auto element : source) {
    ondemand::value child;
    if (auto code = std::move(element).get(child)) return refuse(code);
    const Value* built = value(child, depth);
    if (built == nullptr) return nullptr;
    items_.push_back(built);
  }
  const auto mine = std::span<const Value* const>(items_).subspan(base);
  const Value* built = arena_.make(arena_.copy(mine));
  items_.resize(base);
  return built;
}

const Value* TreeBuilder::object(ondemand::object source, std::size_t depth) {
  if (!enter(depth)) return nullptr;
  const std::size_t base = members_.size();
  for (auto entry : source) {
    ondemand::field field;
    if (auto code = std::move(entry).get(field)) return refuse(code);
    Member member{};
    if (!count_node() || !text(field.key(), member.key)) return nullptr;
    member.value = value(field.value(), depth);
    if (member.value == nullptr) return nullptr;
    members_.push_back(member);
  }
  const auto mine = std::span<Member>(members_).subspan(base);
  const std::span<const Member> kept = mine.first(drop_overridden(mine));
  if (limits_.unique_keys && kept.size() != mine.size())
    return refuse(fail(ErrorCode::invalid_argument, "duplicate key"));
  const Value* built = arena_.make(arena_.copy(kept));
  members_.resize(base);
  return built;
}

const Value* TreeBuilder::string(ondemand::raw_json_string raw) {
  std::string_view out;
  return text(raw, out) ? arena_.make(Kind::string, out) : nullptr;
}

const Value* TreeBuilder::atom(std::string_view token) {
  if (token == "null") return arena_.make(Kind::null);
  if (token == "true") return arena_.make(Kind::boolean, true);
  if (token == "false") return arena_.make(Kind::boolean, false);
  if (is_number(token)) return arena_.make(Kind::number, token);
  return refuse(simdjson::NUMBER_ERROR);
}

// `raw` stands behind the opening quote of a string that simdjson's first stage saw closed.
bool TreeBuilder::text(ondemand::raw_json_string raw, std::string_view& out) {
  if (limits_.strings_max != 0 && ++strings_ > limits_.strings_max) {
    refuse(fail(ErrorCode::too_large, "exceeded maximum number of strings"));
    return false;
  }
  const auto offset = static_cast<std::size_t>(raw.raw() - input_.data());
  const std::string_view rest = input_.substr(offset);
  const std::string_view plain = rest.substr(0, rest.find('"'));
  const std::size_t first_escape = plain.find('\\');
  if (first_escape == std::string_view::npos) {
    out = plain;
    return true;
  }
  std::size_t end = first_escape;
  while (end < rest.size() && rest[end] != '"') end += rest[end] == '\\' ? 2 : 1;
  return unescape(raw, rest.substr(0, end), out);
}

// Unescaping never lengthens a text, and into our own memory it leaves nothing in the parser's.
bool TreeBuilder::unescape(ondemand::raw_json_string raw, std::string_view escaped,
                           std::string_view& out) {
  char* start = arena_.reserve(escaped.size() + simdjson::SIMDJSON_PADDING);
  auto* end = reinterpret_cast<std::uint8_t*>(start);
  if (auto code = parser_.unescape(raw, end).get(out)) {
    refuse(code);
    return false;
  }
  arena_.commit(out.size());
  return true;
}

bool TreeBuilder::enter(std::size_t depth) {
  if (depth <= limits_.depth_max) return true;
  refuse(fail(ErrorCode::too_large, "JSON is nested too deeply"));
  return false;
}

bool TreeBuilder::count_node() {
  if (++nodes_ <= limits_.nodes_max) return true;
  refuse(fail(ErrorCode::too_large, "JSON holds too many values"));
  return false;
}

Result<Document> Document::parse(std::string_view text, const ParseLimits& limits) {
  Document document;
  TreeBuilder builder(document, limits);
  const Value* root = builder.build(text);
  if (root == nullptr) return builder.take_error();
  document.set_root(root);
  return document;
}

bool is_utf8(std::string_view text) noexcept {
  return simdjson::validate_utf8(text.data(), text.size());
}

}  // namespace coffer::json
