#include "events/quota/rate_limit.h"

#include <fmt/format.h>

#include <algorithm>

namespace coffer::quota {
namespace {

bool matches(const RateLimit& limit, std::string_view namespace_path, std::string_view path,
             std::string& full) {
  const std::string_view pattern = limit.path;
  if (pattern.empty()) return namespace_path.empty() || limit.inheritable;
  if (full.empty()) full.append(namespace_path).append(path);
  if (pattern.ends_with('*')) {
    const auto prefix = pattern.substr(0, pattern.size() - 1);
    return prefix.size() >= namespace_path.size() && std::string_view(full).starts_with(prefix);
  }
  if (!pattern.ends_with('/')) return full == pattern;
  if (namespace_path.starts_with(pattern))
    return namespace_path.size() == pattern.size() || limit.inheritable;
  return pattern.starts_with(namespace_path) && std::string_view(full).starts_with(pattern);
}

}  // namespace

Result<void> check_limit(const RateLimit& limit) {
  if (limit.rate_micro == 0 || limit.rate_micro > kRateMicroMax)
    return fail(ErrorCode::invalid_argument, "'rate' must be greater than 0, and at most 1000000");
  if (limit.interval.count < 1 || limit.interval > kIntervalMax)
    return fail(ErrorCode::invalid_argument, "'interval' must be between 1 second and 1 day");
  if (limit.block_interval.count < 0 || limit.block_interval > kIntervalMax)
    return fail(ErrorCode::invalid_argument, "'block_interval' must be between 0 and 1 day");
  if (limit.path.size() > kPathBytesMax)
    return fail(ErrorCode::invalid_argument,
                fmt::format("'path' is longer than {} bytes", kPathBytesMax));
  const auto star = limit.path.find('*');
  if (star != std::string::npos && star + 1 != limit.path.size())
    return fail(ErrorCode::invalid_argument, "'path' may hold a '*' only at its end");
  return {};
}

const RateLimits::value_type* limit_for(const RateLimits& limits, std::string_view namespace_path,
                                        std::string_view path) noexcept {
  const RateLimits::value_type* best = nullptr;
  const auto rank = [](const RateLimit& limit) {
    const bool glob = limit.path.ends_with('*');
    return 2 * (limit.path.size() - (glob ? 1 : 0)) + (glob ? 0 : 1);
  };
  std::string full;
  for (const auto& named : limits)
    if (matches(named.second, namespace_path, path, full) &&
        (best == nullptr || rank(named.second) > rank(best->second)))
      best = &named;
  return best;
}

const std::vector<std::string>& default_exempt_paths() {
  static const std::vector<std::string> kPaths = {"sys/generate-root/attempt",
                                                  "sys/generate-root/update", "sys/health",
                                                  "sys/seal-status", "sys/unseal"};
  return kPaths;
}

bool is_exempt(const std::optional<std::vector<std::string>>& own, std::string_view path) noexcept {
  const auto& paths = own ? *own : default_exempt_paths();
  return std::find(paths.begin(), paths.end(), path) != paths.end();
}

}  // namespace coffer::quota
