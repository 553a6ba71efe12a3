#include "events/log/kafka/key_stage.h"

#include <algorithm>

namespace coffer::log {

Bytes key_message_key(BytesView row, const Sha256& blob_hash) {
  Bytes key(row.begin(), row.end());
  append(key, blob_hash);
  return key;
}

std::optional<KeyMessageKey> parse_key_message_key(BytesView key) {
  KeyMessageKey out;
  if (key.size() < out.hash.size()) return std::nullopt;
  const auto row = key.first(key.size() - out.hash.size());
  out.row.assign(row.begin(), row.end());
  std::copy_n(key.begin() + static_cast<std::ptrdiff_t>(row.size()), out.hash.size(),
              out.hash.begin());
  return out;
}

void KeyStage::put(Bytes message_key, Staged staged) {
  erase(message_key);
  by_offset_[staged.offset] = message_key;
  blobs_[std::move(message_key)] = std::move(staged);
}

void KeyStage::erase(const Bytes& message_key) {
  const auto found = blobs_.find(message_key);
  if (found == blobs_.end()) return;
  by_offset_.erase(found->second.offset);
  blobs_.erase(found);
}

std::optional<Bytes> KeyStage::take(const Bytes& message_key) {
  const auto found = blobs_.find(message_key);
  if (found == blobs_.end()) return std::nullopt;
  auto blob = std::move(found->second.blob);
  erase(message_key);
  return blob;
}

void KeyStage::drop_below(std::uint64_t epoch) {
  for (auto it = blobs_.begin(); it != blobs_.end();) {
    if (it->second.epoch >= epoch) {
      ++it;
      continue;
    }
    by_offset_.erase(it->second.offset);
    it = blobs_.erase(it);
  }
}

std::optional<std::uint64_t> KeyStage::first_offset() const {
  if (by_offset_.empty()) return std::nullopt;
  return by_offset_.begin()->first;
}

}  // namespace coffer::log
