// Tokens whose signature was found good a moment ago, so that a client that sends one with every
// request costs one signature check. Keyed by SHA-256 over the scope and the token; the token
// itself is not kept. Claims are checked anew at each use: only the signature's verdict is
// remembered. Bounded: the least recently used entry goes first. Thread-safe.
#pragma once

#include <cstdint>
#include <list>
#include <mutex>
#include <string_view>
#include <unordered_map>

#include "events/base/time.h"
#include "net/authn/jwt_verifier.h"

namespace coffer::authn {

// Larger tokens are checked each time, which bounds the memory of an entry.
inline constexpr std::size_t kCachedTokenBytesMax = 4 * 1024;

// Whose keys and rules found the token good. A change of configuration counts `generation` up,
// after which nothing that was found before is found again.
struct CacheScope {
  std::string_view mount;  // unique in the process: tenant and mount
  std::uint64_t generation;
};

class VerifiedTokenCache {
 public:
  // `life_max` bounds how long a key that its issuer has withdrawn still counts.
  VerifiedTokenCache(std::size_t entries_max, Seconds life_max);
  VerifiedTokenCache(const VerifiedTokenCache&) = delete;
  VerifiedTokenCache& operator=(const VerifiedTokenCache&) = delete;

  // Null when unknown or over.
  [[nodiscard]] VerifiedTokenPtr find(const CacheScope& scope, std::string_view token,
                                      Timestamp now);
  // Keeps it until `end` (its exp, skew included) or the life's bound, whichever is first.
  void insert(const CacheScope& scope, std::string_view token, VerifiedTokenPtr verified,
              Timestamp now, Timestamp end);
  [[nodiscard]] std::size_t size() const;

 private:
  struct Entry {
    Sha256 key;
    VerifiedTokenPtr verified;
    Timestamp end;
  };
  using Entries = std::list<Entry>;  // most recently used first
  struct Hash {
    std::size_t operator()(const Sha256& key) const noexcept;
  };

  const std::size_t entries_max_;
  const Seconds life_max_;
  mutable std::mutex mutex_;
  Entries entries_;
  std::unordered_map<Sha256, Entries::iterator, Hash> index_;
};

}  // namespace coffer::authn
