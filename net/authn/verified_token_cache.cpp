#include "net/authn/verified_token_cache.h"

#include <algorithm>
#include <cstring>

#include "hsm/envelope_cipher.h"

namespace coffer::authn {
namespace {

Sha256 key_of(const CacheScope& scope, std::string_view token) {
  Bytes prefix;
  append_u64(prefix, scope.generation);
  append_u64(prefix, scope.mount.size());  // so that no mount and token read as another pair
  append(prefix, as_bytes(scope.mount));
  return hsm::sha256_chain(prefix, as_bytes(token));
}

}  // namespace

std::size_t VerifiedTokenCache::Hash::operator()(const Sha256& key) const noexcept {
  std::size_t hash = 0;
  std::memcpy(&hash, key.data(), sizeof hash);
  return hash;
}

VerifiedTokenCache::VerifiedTokenCache(std::size_t entries_max, Seconds life_max)
    : entries_max_(entries_max), life_max_(life_max) {
  COFFER_CHECK(entries_max > 0);
}

VerifiedTokenPtr VerifiedTokenCache::find(const CacheScope& scope, std::string_view token,
                                          Timestamp now) {
  const Sha256 key = key_of(scope, token);
  const std::lock_guard lock(mutex_);
  const auto found = index_.find(key);
  if (found == index_.end()) return nullptr;
  if (now >= found->second->end) {
    entries_.erase(found->second);
    index_.erase(found);
    return nullptr;
  }
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->verified;
}

void VerifiedTokenCache::insert(const CacheScope& scope, std::string_view token,
                                VerifiedTokenPtr verified, Timestamp now, Timestamp end) {
  const Timestamp last = std::min(end, now + life_max_);
  if (last <= now || token.size() > kCachedTokenBytesMax) return;
  const Sha256 key = key_of(scope, token);
  const std::lock_guard lock(mutex_);
  if (const auto found = index_.find(key); found != index_.end()) {
    found->second->verified = std::move(verified);
    found->second->end = last;
    entries_.splice(entries_.begin(), entries_, found->second);
    return;
  }
  if (entries_.size() == entries_max_) {
    index_.erase(entries_.back().key);
    entries_.pop_back();
  }
  entries_.push_front({key, std::move(verified), last});
  index_.emplace(key, entries_.begin());
}

std::size_t VerifiedTokenCache::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace coffer::authn
