#include "net/vault_api/fields.h"

#include <fmt/format.h>

#include <charconv>

#include "net/vault_api/url_text.h"

namespace coffer::net::vault {
namespace {

Error invalid(std::string why) {
  return fail(ErrorCode::invalid_argument, std::move(why));
}

std::string_view go_type(const json::Value& value) noexcept {
  switch (value.kind()) {
    case json::Kind::null:
      return "nil";
    case json::Kind::boolean:
      return "bool";
    case json::Kind::number:
      return "json.Number";
    case json::Kind::string:
      return "string";
    case json::Kind::array:
      return "[]interface {}";
    case json::Kind::object:
      return "map[string]interface {}";
  }
  return "nil";
}

Error unconvertible(std::string_view wanted, const json::Value& value) {
  return invalid(
      fmt::format("'' expected type '{}', got unconvertible type '{}'", wanted, go_type(value)));
}

// Vault quotes the value here. A value that ends in the wrong field may be a secret, so it is not
// repeated.
Error unparsable(std::string_view type, std::string_view function, std::string_view why) {
  return invalid(fmt::format("cannot parse '' as {}: strconv.{}: {}", type, function, why));
}

Result<std::int64_t> parse_integer(std::string_view text) {
  if (text.empty()) return 0;
  auto digits = text;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  std::int64_t number = 0;
  const auto* end = digits.data() + digits.size();
  const auto [stop, problem] = std::from_chars(digits.data(), end, number);
  if (problem == std::errc::result_out_of_range)
    return unparsable("int", "ParseInt", "value out of range");
  const bool sign_twice = digits.size() < text.size() && digits.starts_with('-');
  if (problem != std::errc{} || stop != end || sign_twice)
    return unparsable("int", "ParseInt", "invalid syntax");
  return number;
}

std::string_view trim(std::string_view text) noexcept {
  constexpr std::string_view kBlank = " \t\r\n";
  const auto first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

// The items of "a, b"; none for blank text.
std::vector<std::string_view> split_commas(std::string_view text) {
  std::vector<std::string_view> items;
  if (trim(text).empty()) return items;
  while (true) {
    const auto comma = text.find(',');
    items.push_back(trim(text.substr(0, comma)));
    if (comma == std::string_view::npos) return items;
    text.remove_prefix(comma + 1);
  }
}

Result<std::vector<std::string>> to_text_list(const json::Value& value) {
  std::vector<std::string> out;
  if (value.is_null()) return out;
  if (value.is_string()) {
    for (const auto item : split_commas(value.text())) out.emplace_back(item);
    return out;
  }
  if (value.is_object()) return unconvertible("[]string", value);
  if (!value.is_array()) {
    COFFER_ASSIGN(auto text, to_text(value));
    out.push_back(std::move(text));
    return out;
  }
  out.reserve(value.items().size());
  for (const auto* item : value.items()) {
    COFFER_ASSIGN(auto text, to_text(*item));
    out.emplace_back(trim(text));
  }
  return out;
}

Result<std::vector<std::int64_t>> to_integer_list(const json::Value& value) {
  std::vector<std::int64_t> out;
  if (value.is_null()) return out;
  if (value.is_string()) {
    for (const auto item : split_commas(value.text())) {
      COFFER_ASSIGN(const auto number, parse_integer(item));
      out.push_back(number);
    }
    return out;
  }
  if (value.is_object()) return unconvertible("[]int", value);
  if (!value.is_array()) {
    COFFER_ASSIGN(const auto number, to_integer(value));
    out.push_back(number);
    return out;
  }
  out.reserve(value.items().size());
  for (const auto* item : value.items()) {
    COFFER_ASSIGN(const auto number, to_integer(*item));
    out.push_back(number);
  }
  return out;
}

}  // namespace

Result<std::int64_t> to_integer(const json::Value& value) {
  switch (value.kind()) {
    case json::Kind::null:
      return 0;
    case json::Kind::boolean:
      return value.boolean() ? 1 : 0;
    case json::Kind::number:
    case json::Kind::string:
      return parse_integer(value.text());
    case json::Kind::array:
    case json::Kind::object:
      break;
  }
  return unconvertible("int", value);
}

Result<bool> to_boolean(const json::Value& value) {
  switch (value.kind()) {
    case json::Kind::null:
      return false;
    case json::Kind::boolean:
      return value.boolean();
    case json::Kind::number: {
      COFFER_ASSIGN(const auto number, parse_integer(value.text()));
      return number != 0;
    }
    case json::Kind::string: {
      if (value.text().empty()) return false;
      if (const auto flag = parse_bool(value.text())) return *flag;
      return unparsable("bool", "ParseBool", "invalid syntax");
    }
    case json::Kind::array:
    case json::Kind::object:
      break;
  }
  return unconvertible("bool", value);
}

Result<Seconds> to_duration(const json::Value& value) {
  if (value.kind() == json::Kind::number || value.is_string()) return parse_duration(value.text());
  if (value.is_null()) return Seconds{0};
  return invalid("could not parse duration from input");
}

Result<std::string> to_text(const json::Value& value) {
  switch (value.kind()) {
    case json::Kind::null:
      return std::string{};
    case json::Kind::boolean:
      return std::string(value.boolean() ? "1" : "0");
    case json::Kind::number:
    case json::Kind::string:
      return std::string(value.text());
    case json::Kind::array:
    case json::Kind::object:
      break;
  }
  return unconvertible("string", value);
}

Result<TextMap> to_text_map(const json::Value& value) {
  TextMap out;
  if (value.is_null() || (value.is_array() && value.items().empty())) return out;
  if (!value.is_object()) return unconvertible("map[string]string", value);
  for (const auto& [key, item] : value.members()) {
    COFFER_ASSIGN(auto text, to_text(*item));
    out.emplace(key, std::move(text));
  }
  return out;
}

Error Fields::bad_field(std::string_view name, const std::string& why) const {
  const std::string_view prefix = prefix_ == Prefix::validation ? "Field validation failed: " : "";
  return invalid(fmt::format("{}error converting input for field \"{}\": {}", prefix, name, why));
}

template <class T, class Convert>
Result<std::optional<T>> Fields::convert(std::string_view name, Convert to) const {
  const auto* value = find(name);
  if (value == nullptr) return std::optional<T>{};
  auto converted = to(*value);
  if (!converted) return bad_field(name, converted.error().message);
  return std::optional<T>{std::move(converted).value()};
}

Result<std::optional<std::int64_t>> Fields::integer(std::string_view name) const {
  return convert<std::int64_t>(name, to_integer);
}
Result<std::optional<bool>> Fields::boolean(std::string_view name) const {
  return convert<bool>(name, to_boolean);
}
Result<std::optional<std::string>> Fields::text(std::string_view name) const {
  return convert<std::string>(name, to_text);
}
Result<std::optional<TextMap>> Fields::text_map(std::string_view name) const {
  return convert<TextMap>(name, to_text_map);
}
Result<std::optional<std::vector<std::string>>> Fields::text_list(std::string_view name) const {
  return convert<std::vector<std::string>>(name, to_text_list);
}
Result<std::optional<std::vector<std::int64_t>>> Fields::integer_list(std::string_view name) const {
  return convert<std::vector<std::int64_t>>(name, to_integer_list);
}

Result<std::optional<Seconds>> Fields::signed_duration(std::string_view name) const {
  const auto* value = find(name);
  if (value == nullptr || value->is_null()) return std::optional<Seconds>{};
  return convert<Seconds>(name, to_duration);
}

Result<std::optional<Seconds>> Fields::duration(std::string_view name) const {
  COFFER_ASSIGN(auto span, signed_duration(name));
  if (span && span->count < 0)
    return bad_field(name, fmt::format("cannot provide negative value '{}'", span->count));
  return span;
}

Result<Fields::Map> Fields::map(std::string_view name) const {
  const auto* value = find(name);
  if (value == nullptr || value->is_null()) return Map{};
  if (value->is_object()) return Map{value, false};
  if (value->is_array() && value->items().empty()) return Map{nullptr, true};
  return bad_field(name, unconvertible("map[string]interface {}", *value).message);
}

}  // namespace coffer::net::vault
