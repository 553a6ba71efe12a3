// Which rate limit of a tenant counts a request, and what a limit may say. Pure.
//
// Of several that match, one counts, the one that says most about the path: the longest pattern,
// and of equal ones the exact before the glob (Vault's order: namespace, mount, path). A tenant's
// own limits never replace those of the tenants above it; each of them is asked for its own.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "events/base/result.h"
#include "events/quota/quota_events.h"

namespace coffer::quota {

inline constexpr std::uint64_t kRateMicroMax = 1'000'000'000'000;  // a million an interval
inline constexpr Seconds kIntervalMax{86'400};
inline constexpr std::size_t kPathBytesMax = 1024;

using RateLimits = std::map<std::string, RateLimit>;

// The numbers of a limit. invalid_argument, with Vault's field names.
[[nodiscard]] Result<void> check_limit(const RateLimit& limit);

// `namespace_path` ("" or "a/b/") is the request's namespace relative to the tenant of the limits,
// `path` is relative to that namespace. Null: none counts it.
[[nodiscard]] const RateLimits::value_type* limit_for(const RateLimits& limits,
                                                      std::string_view namespace_path,
                                                      std::string_view path) noexcept;

// Paths that no limit counts: an operator must be able to look and to unseal. `own` replaces
// Vault's list.
[[nodiscard]] const std::vector<std::string>& default_exempt_paths();
[[nodiscard]] bool is_exempt(const std::optional<std::vector<std::string>>& own,
                             std::string_view path) noexcept;

}  // namespace coffer::quota
