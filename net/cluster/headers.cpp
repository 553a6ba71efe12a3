#include "net/cluster/headers.h"

#include <algorithm>
#include <array>

#include "events/base/secret_bytes.h"

namespace coffer::net {
namespace {

char to_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

bool equals_ignoring_case(std::string_view text, std::string_view lower) noexcept {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(),
                    [](char a, char b) { return to_lower(a) == b; });
}

std::string_view trim(std::string_view text) noexcept {
  const auto from = text.find_first_not_of(" \t");
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(" \t") - from + 1);
}

bool list_has(std::string_view list, std::string_view lower_name) noexcept {
  for (;;) {
    const auto comma = list.find(',');
    if (equals_ignoring_case(trim(list.substr(0, comma)), lower_name)) return true;
    if (comma == std::string_view::npos) return false;
    list.remove_prefix(comma + 1);
  }
}

}  // namespace

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), to_lower);
  return lower;
}

bool is_hop_by_hop(std::string_view name, const Headers& headers) {
  static constexpr std::array<std::string_view, 11> kAlways = {"connection",
                                                               "content-length",
                                                               "expect",
                                                               "keep-alive",
                                                               "proxy-authenticate",
                                                               "proxy-authorization",
                                                               "te",
                                                               "trailer",
                                                               "upgrade",
                                                               "proxy-connection",
                                                               "transfer-encoding"};
  if (std::find(kAlways.begin(), kAlways.end(), name) != kAlways.end()) return true;
  return std::any_of(headers.begin(), headers.end(), [name](const auto& header) {
    return equals_ignoring_case(header.first, "connection") && list_has(header.second, name);
  });
}

void replace_headers(Headers& headers, const std::function<bool(std::string_view)>& keep,
                     Headers added) {
  Headers fresh;
  fresh.reserve(headers.size() + added.size());
  for (const auto& [name, value] : headers) {
    if (keep(lower_case(name))) fresh.emplace_back(name, value);
  }
  for (auto& header : added) fresh.push_back(std::move(header));
  wipe_values(headers);
  headers.swap(fresh);
}

void wipe_values(Headers& headers) noexcept {
  for (auto& [name, value] : headers) wipe_memory(value.data(), value.size());
}

}  // namespace coffer::net
