#include "events/log/kafka/append_encoder.h"

#include <fmt/format.h>

#include "events/log/kafka/key_stage.h"
#include "events/log/listing_removal.h"
#include "events/log/row_replacement.h"
#include "events/log/state_keys.h"

namespace coffer::log {
namespace {

// Commands, and access records, share messages up to this size. Not only for the sake of fewer
// messages: the library keeps the next request of a partition back while five messages or more are
// under way, and turns in a loop meanwhile (2.0.2 counts messages where it means requests).
constexpr std::size_t kSharedMessageBytes = 256u << 10;

std::uint32_t number_of(Family family) {
  return static_cast<std::uint32_t>(family) + 1;
}

std::size_t bytes_of(const codec::AppendBody& body) {
  std::size_t bytes = body.event.size();
  for (const auto& change : body.changes) {
    bytes += change.row.size() + sizeof(Sha256);
    if (const auto* value = std::get_if<Bytes>(&change.content)) bytes += value->size();
  }
  for (const auto& range : body.row_ranges) bytes += range.prefix.size();
  return bytes;
}

class Encoder {
 public:
  Encoder(StateStore& state, const std::map<PartitionId, Claim>& claims,
          std::span<const Append> batch, std::uint32_t record_version)
      : state_(state), claims_(claims), shares_messages_(record_version >= 2), replaced_(batch) {}

  Result<void> add(Append& element);
  Result<EncodedBatch> finish(std::size_t message_bytes_max);

 private:
  struct PartitionWork {
    const Claim& claim;
    ChainBuilder chain;
    std::size_t access_bytes = 0;  // in the last access message
    std::size_t event_bytes = 0;   // in the last event message
  };

  Result<PartitionWork*> work_of(PartitionId partition);
  Result<codec::AppendBody> state_changes(Append& element, TenantSequence sequence,
                                          EncodedAppends& out);
  static codec::RowChange row_change(Family family, Bytes row, Bytes value, EncodedAppends& out);
  void add_access(Append& element, PartitionWork& work, EncodedAppends& out);
  void add_command(codec::AppendBody body, PartitionWork& work, EncodedAppends& out) const;

  StateStore& state_;
  const std::map<PartitionId, Claim>& claims_;
  const bool shares_messages_;
  std::map<PartitionId, PartitionWork> work_;
  ListingOverlay overlay_;
  RowReplacement replaced_;
  EncodedBatch batch_;
};

Result<Encoder::PartitionWork*> Encoder::work_of(PartitionId partition) {
  auto found = work_.find(partition);
  if (found == work_.end()) {
    const auto claim = claims_.find(partition);
    if (claim == claims_.end())
      return fail(ErrorCode::unavailable,
                  fmt::format("this node does not own partition {}", partition));
    found =
        work_.emplace(partition, PartitionWork{claim->second, state_.chain(claim->second)}).first;
  }
  return &found->second;
}

// Wrapped keys go beside the event, their hashes into it.
codec::RowChange Encoder::row_change(Family family, Bytes row, Bytes value, EncodedAppends& out) {
  codec::RowChange change{number_of(family), std::move(row), {}};
  if (family != Family::keys) {
    change.content = std::move(value);
    return change;
  }
  const auto hash = record_hash(value);
  out.blobs[key_message_key(change.row, hash)] = std::move(value);
  change.content = hash;
  return change;
}

Result<codec::AppendBody> Encoder::state_changes(Append& element, TenantSequence sequence,
                                                 EncodedAppends& out) {
  codec::AppendBody body;
  replaced_.note(element);
  for (auto& change : element.changes) {
    if (change.family == Family::listing) overlay_.note(change.key, change.value.has_value());
    if (!change.value) {
      body.changes.push_back({number_of(change.family), std::move(change.key), {}});
      continue;
    }
    auto value = change.stamped ? stamp(sequence, *change.value) : std::move(*change.value);
    body.changes.push_back(row_change(change.family, std::move(change.key), std::move(value), out));
  }
  // None of these rows is in a range below: then it would not hold.
  for (auto& replacement : element.replacements) {
    COFFER_ASSIGN(const bool holds, replaced_.holds(state_, replacement));
    if (holds)
      body.changes.push_back(row_change(replacement.family, std::move(replacement.key),
                                        std::move(replacement.value), out));
  }
  for (const auto& removal : element.listing_removals) {
    COFFER_ASSIGN(auto rows, overlay_.rows_to_delete(state_, removal));
    for (auto& row : rows) body.changes.push_back({number_of(Family::listing), std::move(row), {}});
  }
  for (auto& range : element.prefix_deletes)
    body.row_ranges.push_back({number_of(range.family), std::move(range.prefix)});
  return body;
}

void Encoder::add_access(Append& element, PartitionWork& work, EncodedAppends& out) {
  for (auto& access : element.access) {
    auto linked = work.chain.link_access(element.partition, std::move(access));
    if (out.access.empty() || work.access_bytes > kSharedMessageBytes) {
      codec::AppendBody body;
      body.access_position = linked.position;
      out.access.push_back({{work.claim.epoch, work.claim.nonce, std::move(body)}, {}});
      work.access_bytes = 0;
    }
    work.access_bytes += linked.bytes.size();
    std::get<codec::AppendBody>(out.access.back().record.body)
        .access.push_back(std::move(linked.bytes));
  }
}

void Encoder::add_command(codec::AppendBody body, PartitionWork& work, EncodedAppends& out) const {
  const auto bytes = bytes_of(body);
  if (out.events.empty() || !shares_messages_ || work.event_bytes + bytes > kSharedMessageBytes) {
    out.events.push_back({{work.claim.epoch, work.claim.nonce, std::move(body)}, {}});
    work.event_bytes = bytes;
    return;
  }
  work.event_bytes += bytes;
  auto& last = out.events.back().record.body;
  if (auto* single = std::get_if<codec::AppendBody>(&last)) {
    codec::GroupBody group;
    group.commands.push_back(std::move(*single));
    last = std::move(group);
  }
  std::get<codec::GroupBody>(last).commands.push_back(std::move(body));
}

Result<void> Encoder::add(Append& element) {
  COFFER_ASSIGN(auto* work, work_of(element.partition));
  auto& out = batch_.partitions[element.partition];
  Appended appended;
  Bytes event;
  if (element.event) {
    COFFER_ASSIGN(auto linked,
                  work->chain.link_event(element.partition, std::move(*element.event)));
    appended = {linked.sequence, linked.position};
    event = std::move(linked.bytes);
  }
  add_access(element, *work, out);
  COFFER_ASSIGN(auto body, state_changes(element, appended.tenant_sequence, out));
  body.event = std::move(event);
  if (!body.event.empty() || !body.changes.empty() || !body.row_ranges.empty())
    add_command(std::move(body), *work, out);
  batch_.appended.push_back(appended);
  return {};
}

Result<EncodedBatch> Encoder::finish(std::size_t message_bytes_max) {
  for (auto& [partition, appends] : batch_.partitions) {
    for (auto* messages : {&appends.events, &appends.access}) {
      for (auto& message : *messages) {
        message.bytes = codec::encode_replicated(message.record);
        if (message.bytes.size() > message_bytes_max)
          return fail(ErrorCode::too_large,
                      fmt::format("a change of {} bytes; the log takes up to {}",
                                  message.bytes.size(), message_bytes_max));
      }
    }
  }
  return std::move(batch_);
}

}  // namespace

Result<EncodedBatch> encode_appends(std::span<Append> batch, StateStore& state,
                                    const std::map<PartitionId, Claim>& claims,
                                    std::size_t message_bytes_max, std::uint32_t record_version) {
  Encoder encoder(state, claims, batch, record_version);
  for (auto& element : batch) COFFER_TRY(encoder.add(element));
  return encoder.finish(message_bytes_max);
}

}  // namespace coffer::log
