// Header lists of requests and answers: what may pass a proxy, and replacing a list without leaving
// a token behind. Pure.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace coffer::net {

using Headers = std::vector<std::pair<std::string, std::string>>;

// Whether the header concerns one connection only, or the framing, which every hop writes anew.
// `name` in lower case; `headers` says what its Connection fields name besides.
[[nodiscard]] bool is_hop_by_hop(std::string_view name, const Headers& headers);

// The headers that `keep` (of a lower-case name) accepts, then `added`. The old values, also those
// that were kept, are wiped: short strings live in the list itself and would stay in freed memory.
void replace_headers(Headers& headers, const std::function<bool(std::string_view name)>& keep,
                     Headers added);

// Zeroes in place of every value; std::string does not wipe.
void wipe_values(Headers& headers) noexcept;

[[nodiscard]] std::string lower_case(std::string_view text);

}  // namespace coffer::net
