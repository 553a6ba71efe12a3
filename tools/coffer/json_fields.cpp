#include "tools/coffer/json_fields.h"

#include <charconv>
#include <chrono>
#include <cstring>
#include <limits>

#include <fmt/format.h>

namespace coffer::cli {
namespace {

template <class Number>
bool to_number(std::string_view text, Number& out) {
  const auto* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, out);
  return error == std::errc{} && stopped == end && !text.empty();
}

template <class Number>
bool to_number(const json::Value& value, Number& out) {
  return value.kind() == json::Kind::number && to_number(value.text(), out);
}

// A string, or {"hex": "..."} for bytes that are no text.
bool to_text(const json::Value& value, std::string& out) {
  if (value.is_string()) {
    out = value.text();
    return true;
  }
  const auto* hex = value.find("hex");
  if (hex == nullptr || !hex->is_string()) return false;
  const auto bytes = from_hex(hex->text());
  if (bytes.empty() && !hex->text().empty()) return false;
  out = as_text(bytes);
  return true;
}

// A number of exactly these characters.
std::optional<int> digits(std::string_view text, std::size_t at, std::size_t count) {
  int out = 0;
  for (const char c : text.substr(at, count)) {
    if (c < '0' || c > '9') return std::nullopt;
    out = out * 10 + (c - '0');
  }
  return out;
}

std::optional<std::int64_t> fraction_ns(std::string_view text) {
  if (text.empty()) return 0;
  if (text.front() != '.' || text.size() < 2 || text.size() > 10) return std::nullopt;
  const auto number = digits(text, 1, text.size() - 1);
  if (!number) return std::nullopt;
  std::int64_t ns = *number;
  for (auto i = text.size(); i < 10; ++i) ns *= 10;
  return ns;
}

}  // namespace

std::optional<Timestamp> parse_rfc3339(std::string_view text) {
  constexpr std::string_view kShape = "0000-00-00T00:00:00";
  if (text.size() <= kShape.size() || text.back() != 'Z') return std::nullopt;
  for (std::size_t i = 0; i < kShape.size(); ++i)
    if (kShape[i] != '0' && text[i] != kShape[i]) return std::nullopt;
  std::array<int, 6> parts{};  // year, month, day, hours, minutes, seconds
  for (std::size_t i = 0, at = 0; i < parts.size(); ++i) {
    const std::size_t count = i == 0 ? 4 : 2;
    const auto part = digits(text, at, count);
    if (!part) return std::nullopt;
    parts[i] = *part;
    at += count + 1;
  }
  const std::chrono::year_month_day date{std::chrono::year{parts[0]},
                                         std::chrono::month{static_cast<unsigned>(parts[1])},
                                         std::chrono::day{static_cast<unsigned>(parts[2])}};
  if (!date.ok() || parts[3] > 23 || parts[4] > 59 || parts[5] > 59) return std::nullopt;
  const auto fraction = fraction_ns(text.substr(kShape.size(), text.size() - kShape.size() - 1));
  if (!fraction) return std::nullopt;
  const __int128 days = std::chrono::sys_days{date}.time_since_epoch().count();
  const __int128 seconds = ((days * 24 + parts[3]) * 60 + parts[4]) * 60 + parts[5];
  const __int128 ns = seconds * 1'000'000'000 + *fraction;
  using Limits = std::numeric_limits<std::int64_t>;
  if (ns < Limits::min() || ns > Limits::max()) return std::nullopt;
  return Timestamp{static_cast<std::int64_t>(ns)};
}

const json::Value* JsonFields::find(std::string_view name) {
  const auto* found = object_.find(name);
  if (found == nullptr && !fault_) fault_ = fmt::format("{} is missing", name);
  return found;
}

void JsonFields::wrong(std::string_view name) {
  if (!fault_) fault_ = fmt::format("{} is not what it should be", name);
}

void JsonFields::read(std::string_view name, std::string& out) {
  const auto* value = find(name);
  if (value != nullptr && !to_text(*value, out)) wrong(name);
}

void JsonFields::read(std::string_view name, std::uint64_t& out) {
  const auto* value = find(name);
  if (value != nullptr && !to_number(*value, out)) wrong(name);
}

void JsonFields::read(std::string_view name, std::uint32_t& out) {
  const auto* value = find(name);
  if (value != nullptr && !to_number(*value, out)) wrong(name);
}

void JsonFields::read(std::string_view name, bool& out) {
  const auto* value = find(name);
  if (value == nullptr) return;
  if (value->kind() != json::Kind::boolean) return wrong(name);
  out = value->boolean();
}

void JsonFields::read(std::string_view name, Timestamp& out) {
  const auto* value = find(name);
  if (value == nullptr) return;
  out = Timestamp{};
  if (value->is_null()) return;
  const auto time = value->is_string() ? parse_rfc3339(value->text()) : std::nullopt;
  if (!time) return wrong(name);
  out = *time;
}

void JsonFields::read(std::string_view name, Seconds& out) {
  const auto* value = find(name);
  if (value != nullptr && !to_number(*value, out.count)) wrong(name);
}

void JsonFields::read(std::string_view name, std::vector<std::uint64_t>& out) {
  const auto* value = find(name);
  if (value == nullptr) return;
  if (!value->is_array()) return wrong(name);
  for (const auto* item : value->items())
    if (!to_number(*item, out.emplace_back())) return wrong(name);
}

void JsonFields::read(std::string_view name, std::vector<std::string>& out) {
  const auto* value = find(name);
  if (value == nullptr) return;
  if (!value->is_array()) return wrong(name);
  for (const auto* item : value->items())
    if (!to_text(*item, out.emplace_back())) return wrong(name);
}

void JsonFields::read(std::string_view name, TextMap& out) {
  const auto* value = object_.find(name);
  if (value == nullptr) return;
  for (const auto& member : value->members())
    if (!to_text(*member.value, out[std::string(member.key)])) return wrong(name);
  // A list of pairs when a key is no text.
  for (const auto* item : value->items()) {
    JsonFields pair(*item, fault_);
    std::string key;
    pair.read("key", key);
    pair.read("value", out[key]);
  }
  if (!value->is_object() && !value->is_array()) wrong(name);
}

std::vector<JsonFields> JsonFields::objects(std::string_view name) {
  std::vector<JsonFields> out;
  const auto* list = find(name);
  if (list == nullptr) return out;
  if (!list->is_array()) wrong(name);
  for (const auto* item : list->items()) {
    if (!item->is_object()) wrong(name);
    out.emplace_back(*item, fault_);
  }
  return out;
}

JsonFields JsonFields::object(std::string_view name) {
  const auto* value = find(name);
  if (value == nullptr) return {object_, fault_};
  if (!value->is_object()) wrong(name);
  return {*value, fault_};
}

void JsonFields::read_bytes(std::string_view name, std::uint8_t* out, std::size_t size) {
  const auto* value = find(name);
  if (value == nullptr) return;
  const auto bytes = value->is_string() ? from_hex(value->text()) : Bytes{};
  if (bytes.size() != size) return wrong(name);
  std::memcpy(out, bytes.data(), size);
}

}  // namespace coffer::cli
