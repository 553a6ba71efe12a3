#include "net/vault_api/trace_context.h"

#include <algorithm>

namespace coffer::net::vault {
namespace {

constexpr std::string_view kHeader = "traceparent";
// version "-" trace-id "-" parent-id "-" trace-flags
constexpr std::size_t kTraceAt = 3;
constexpr std::size_t kTraceSize = 32;
constexpr std::size_t kParentAt = 36;
constexpr std::size_t kParentSize = 16;
constexpr std::size_t kFlagsAt = 53;
constexpr std::size_t kSize = 55;

bool is_lower_hex(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_zero(std::string_view text) noexcept {
  return text.find_first_not_of('0') == std::string_view::npos;
}

}  // namespace

std::string parse_trace_parent(std::string_view header) {
  if (header.size() < kSize) return {};
  const auto version = header.substr(0, 2);
  if (!is_lower_hex(version) || version == "ff") return {};
  // A later version may have more behind, set off by a dash.
  if (header.size() > kSize && (version == "00" || header[kSize] != '-')) return {};
  for (const auto dash : {kTraceAt, kParentAt, kFlagsAt})
    if (header[dash - 1] != '-') return {};
  const auto trace = header.substr(kTraceAt, kTraceSize);
  const auto parent = header.substr(kParentAt, kParentSize);
  const auto flags = header.substr(kFlagsAt, 2);
  if (!is_lower_hex(trace) || is_zero(trace) || !is_lower_hex(parent) || is_zero(parent) ||
      !is_lower_hex(flags))
    return {};
  return std::string("00").append(header.substr(2, kSize - 2));
}

std::string trace_parent(const HttpRequest& request) {
  const std::string* found = nullptr;
  for (const auto& [name, value] : request.headers) {
    if (name != kHeader) continue;
    if (found != nullptr) return {};
    found = &value;
  }
  return found == nullptr ? std::string() : parse_trace_parent(*found);
}

std::string_view trace_id_of(std::string_view trace_parent) noexcept {
  return trace_parent.size() == kSize ? trace_parent.substr(kTraceAt, kTraceSize)
                                      : std::string_view{};
}

}  // namespace coffer::net::vault
