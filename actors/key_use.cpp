#include "actors/key_use.h"

#include <algorithm>

namespace coffer::actors {
namespace {

constexpr std::uint64_t kBlockMax = 1u << 14;
constexpr std::uint64_t kBlocksPerKey = 64;

}  // namespace

KeyUse::KeyUse(std::uint64_t wraps_max)
    : block_(std::clamp<std::uint64_t>(wraps_max / kBlocksPerKey, 1, kBlockMax)) {}

KeyUse::Wraps KeyUse::begin(const KeyId& key, std::uint64_t count) {
  const std::lock_guard lock(mutex_);
  auto& entry = keys_[key];
  Wraps out;
  out.lease = entry.leases.lock();
  if (!out.lease) {
    out.lease = std::make_shared<char>();
    entry.leases = out.lease;
  }
  entry.used += count;
  if (entry.used > entry.reserved) {
    entry.reserved = entry.used + block_;
    out.reserve = entry.reserved;
  }
  return out;
}

void KeyUse::reservation_failed(const KeyId& key) {
  const std::lock_guard lock(mutex_);
  if (const auto found = keys_.find(key); found != keys_.end()) found->second.reserved = 0;
}

void KeyUse::restore(const KeyId& key, std::uint64_t reserved) {
  const std::lock_guard lock(mutex_);
  auto& entry = keys_[key];
  if (entry.used >= reserved) return;
  entry.used = entry.reserved = reserved;
}

void KeyUse::forget(const KeyId& key) {
  const std::lock_guard lock(mutex_);
  keys_.erase(key);
}

std::uint64_t KeyUse::wraps(const KeyId& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = keys_.find(key);
  return found == keys_.end() ? 0 : found->second.used;
}

bool KeyUse::under_way(const KeyId& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = keys_.find(key);
  return found != keys_.end() && !found->second.leases.expired();
}

}  // namespace coffer::actors
