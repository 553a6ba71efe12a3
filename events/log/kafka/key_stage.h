// Wrapped keys that were read from the topic "keys" and whose event has not been applied yet. A
// blob becomes a row only when an event that counts asks for it, so a blob of a zombie, or one that
// outlives its destruction in an old segment, never does. Memory only. Not thread-safe.
#pragma once

#include <map>
#include <optional>

#include "events/base/bytes.h"
#include "events/log/kafka/claim_rule.h"

namespace coffer::log {

// The message key of a blob. It names the content: a blob is never overwritten, only deleted, so a
// node that lost its claim cannot spoil a key that is in use.
[[nodiscard]] Bytes key_message_key(BytesView row, const Sha256& blob_hash);

// The row and hash of a message key; nothing when it is none.
struct KeyMessageKey {
  Bytes row;
  Sha256 hash{};
};
[[nodiscard]] std::optional<KeyMessageKey> parse_key_message_key(BytesView key);

class KeyStage {
 public:
  struct Staged {
    std::uint64_t offset = 0;
    std::uint64_t epoch = 0;
    Bytes blob;
  };

  void put(Bytes message_key, Staged staged);
  void erase(const Bytes& message_key);
  [[nodiscard]] std::optional<Bytes> take(const Bytes& message_key);
  // A claim counts: events under an older one never will.
  void drop_below(std::uint64_t epoch);
  // From where the topic must be read again to find everything that is staged; nothing: nothing is.
  [[nodiscard]] std::optional<std::uint64_t> first_offset() const;
  [[nodiscard]] bool contains(const Bytes& message_key) const {
    return blobs_.contains(message_key);
  }
  [[nodiscard]] std::size_t size() const noexcept { return blobs_.size(); }

 private:
  std::map<Bytes, Staged> blobs_;
  std::map<std::uint64_t, Bytes> by_offset_;
};

}  // namespace coffer::log
