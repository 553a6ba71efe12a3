#include "tests/cluster_sim/spec_replay.h"

#include <fmt/format.h>

#include "events/codec/event_codec.h"
#include "events/log/kafka/key_stage.h"

namespace coffer::sim {
namespace {

using log::Family;

constexpr std::uint32_t kAggregates = static_cast<std::uint32_t>(Family::aggregates) + 1;
constexpr std::uint32_t kKeys = static_cast<std::uint32_t>(Family::keys) + 1;

}  // namespace

std::vector<std::uint64_t> SpecReplay::add_event(std::uint64_t, const BrokerRecord& stored) {
  const auto record = codec::decode_replicated(*stored.value);
  COFFER_CHECK(record.ok());
  if (std::holds_alternative<codec::ClaimBody>(record->body)) {
    if (record->epoch <= epoch_) return {};
    epoch_ = record->epoch;
    nonce_ = record->nonce;
    released_ = false;
    ++claims_;
    return {};
  }
  if (epoch_ == 0 || released_ || record->epoch != epoch_ || record->nonce != nonce_) {
    ++skipped_;
    return {};
  }
  if (std::holds_alternative<codec::ReleaseBody>(record->body)) released_ = true;
  std::vector<std::uint64_t> happened;
  const auto add = [&](const codec::AppendBody& body) {
    if (const auto command = apply(body)) happened.push_back(*command);
  };
  if (const auto* body = std::get_if<codec::AppendBody>(&record->body)) add(*body);
  if (const auto* group = std::get_if<codec::GroupBody>(&record->body))
    for (const auto& body : group->commands) add(body);
  return happened;
}

std::optional<std::uint64_t> SpecReplay::apply(const codec::AppendBody& body) {
  std::optional<std::uint64_t> happened;
  if (!body.event.empty()) {
    const auto event = codec::decode_record(body.event);
    COFFER_CHECK(event.ok());
    std::uint64_t command = 0;
    for (std::size_t i = 8; i-- > 0;) command = command << 8 | event->command_id.bytes[i];
    commands_.insert(command);
    happened = command;
    events_.push_back(body.event);
  }
  for (const auto& change : body.changes) {
    if (const auto* value = std::get_if<Bytes>(&change.content)) {
      COFFER_CHECK(change.family == kAggregates);
      registers_[change.row] = *value;
    } else if (const auto* hash = std::get_if<Sha256>(&change.content)) {
      COFFER_CHECK(change.family == kKeys);
      keys_[change.row] = *hash;
      used_.insert(log::key_message_key(change.row, *hash));
    } else {
      keys_.erase(change.row);
    }
  }
  return happened;
}

void SpecReplay::add_blob(const BrokerRecord& record) {
  if (!record.value) return;
  const auto blob = codec::decode_key_blob(*record.value);
  COFFER_CHECK(blob.ok());
  blobs_[record.key] = blob->blob;
}

std::set<Bytes> SpecReplay::live_blobs() const {
  std::set<Bytes> live;
  for (const auto& [row, hash] : keys_) live.insert(log::key_message_key(row, hash));
  return live;
}

std::string SpecReplay::compare(const SimDisk& disk) const {
  if (disk.table(Family::aggregates) != registers_) return "other registers than the log says";
  const auto& keys = disk.table(Family::keys);
  for (const auto& [row, blob] : keys) {
    const auto found = keys_.find(row);
    if (found == keys_.end()) return "a wrapped key that was destroyed";
    if (log::record_hash(blob) != found->second) return "a wrapped key of another version";
  }
  if (keys.size() != keys_.size()) return "a wrapped key in use is not there";
  const auto& events = disk.table(kEventTable);
  if (events.size() != events_.size())
    return fmt::format("{} events, the log has {}", events.size(), events_.size());
  std::size_t number = 0;
  for (const auto& [position, bytes] : events)
    if (bytes != events_[number++]) return fmt::format("another event {}", number);
  return {};
}

std::string check_chains(const SimDisk& disk) {
  Sha256 last{};
  bool first = true;
  for (const auto& [position, bytes] : disk.table(kEventTable)) {
    const auto record = codec::decode_record(bytes);
    if (!record) return "an event that cannot be read";
    const Bytes wanted = first ? Bytes{} : Bytes(last.begin(), last.end());
    if (record->previous_hash != wanted) return "an event that does not follow the one before it";
    last = log::record_hash(bytes);
    first = false;
  }
  first = true;
  for (const auto& [position, bytes] : disk.table(kAccessTable)) {
    const auto envelope = codec::decode_access_envelope(bytes);
    if (!envelope) return "an access record that cannot be read";
    const Bytes wanted = first ? Bytes{} : Bytes(last.begin(), last.end());
    if (envelope->previous_hash != wanted) return "an access record that does not follow";
    last = log::record_hash(bytes);
    first = false;
  }
  return {};
}

}  // namespace coffer::sim
