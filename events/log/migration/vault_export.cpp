#include "events/log/migration/vault_export.h"

#include <fmt/format.h>

#include "events/log/kafka/key_stage.h"
#include "events/log/meta_rows.h"
#include "events/log/state_keys.h"

namespace coffer::log {
namespace {

// Small things share a message up to this size.
constexpr std::size_t kMessageBytes = 256u << 10;
constexpr std::size_t kEnvelopeBytes = 4096;  // key, headers of the batch

std::uint32_t number_of(Family family) {
  return static_cast<std::uint32_t>(family) + 1;
}

Bytes to_bytes(BytesView view) {
  return {view.begin(), view.end()};
}

}  // namespace

VaultExport::VaultExport(const RocksDbState& source, const KafkaLogOptions& options,
                         std::unique_ptr<KafkaProducer> producer, std::uint64_t epoch,
                         const Nonce128& nonce)
    : source_(source),
      message_bytes_max_(options.client.message_bytes_max - kEnvelopeBytes),
      producer_(std::move(producer)),
      events_(*producer_, topic_names(options.topics.prefix).events),
      access_(*producer_, topic_names(options.topics.prefix).access),
      keys_(*producer_, topic_names(options.topics.prefix).keys),
      own_{epoch, nonce} {}

Result<std::unique_ptr<VaultExport>> VaultExport::start(const RocksDbState& source,
                                                        const KafkaLogOptions& options,
                                                        std::uint64_t last_epoch,
                                                        const Nonce128& nonce) {
  const auto topics = topic_names(options.topics.prefix);
  COFFER_ASSIGN(auto producer,
                KafkaProducer::create(options.client,
                                      std::vector{topics.events, topics.access, topics.keys}));
  return std::unique_ptr<VaultExport>(
      new VaultExport(source, options, std::move(producer), last_epoch + 1, nonce));
}

Result<void> VaultExport::send(TopicWriter& topic, const codec::ReplicatedRecord& record) {
  const auto bytes = codec::encode_replicated(record);
  if (bytes.size() > message_bytes_max_)
    return fail(ErrorCode::too_large,
                fmt::format("a record or row of {} bytes; the cluster's log takes up to {}",
                            bytes.size(), message_bytes_max_));
  return topic.send({{}, BytesView(bytes)});
}

Result<void> VaultExport::claim(TopicWriter& topic, const Claim& claim, std::string node) {
  return send(topic, {claim.epoch, claim.nonce, codec::ClaimBody{std::move(node)}});
}

// ---------------------------------------------------------------- events
// The first record decides whether the topic is ours: nothing more is sent before that is known.
Result<void> VaultExport::begin(const Claim& first, const codec::MigrationRow& mark) {
  COFFER_TRY(claim(events_, first, "embedded"));
  COFFER_TRY(events_.drain());
  codec::AppendBody body;
  body.changes.push_back(
      {number_of(Family::meta), meta_row(kMigrationRow), codec::encode_migration_row(mark)});
  COFFER_TRY(send(events_, {first.epoch, first.nonce, std::move(body)}));
  return events_.drain();
}

Result<void> VaultExport::write_event(BytesView bytes, Claim& current) {
  COFFER_ASSIGN(const auto record, codec::decode_record(bytes));
  // Readers take a record only under the claim that it names.
  if (record.epoch != current.epoch) {
    current = {record.epoch, record.nonce};
    COFFER_TRY(claim(events_, current, "embedded"));
  }
  codec::AppendBody body;
  body.event = to_bytes(bytes);
  return send(events_, {record.epoch, record.nonce, std::move(body)});
}

Result<void> VaultExport::write_events(const codec::MigrationRow& mark) {
  auto cursor = source_.cursor(Table::events);
  if (!cursor.valid()) {
    COFFER_TRY(cursor.status());
    return fail(ErrorCode::not_found, "the store has no records");
  }
  COFFER_ASSIGN(const auto first, codec::decode_record(cursor.value()));
  Claim current{first.epoch, first.nonce};
  COFFER_TRY(begin(current, mark));
  for (; cursor.valid(); cursor.next()) COFFER_TRY(write_event(cursor.value(), current));
  COFFER_TRY(cursor.status());
  COFFER_TRY(claim(events_, own_, "migration"));
  return events_.drain();
}

// ---------------------------------------------------------------- access records
Result<void> VaultExport::write_access() {
  COFFER_TRY(claim(access_, own_, "migration"));
  COFFER_ASSIGN(const auto trim, source_.read_access_trim(0));
  codec::AppendBody body;
  if (trim.last > 0) body.access_start = {trim.first, trim.last, trim.last_hash};
  std::size_t bytes = 0;
  const auto flush = [&]() -> Result<void> {
    if (body.access.empty()) return {};
    bytes = 0;
    return send(access_, {own_.epoch, own_.nonce, std::exchange(body, {})});
  };
  auto cursor = source_.cursor(Table::access);
  for (; cursor.valid(); cursor.next()) {
    if (body.access.empty()) body.access_position = read_u64(cursor.key(), 4);
    body.access.push_back(to_bytes(cursor.value()));
    bytes += cursor.value().size();
    if (bytes >= kMessageBytes) COFFER_TRY(flush());
  }
  COFFER_TRY(cursor.status());
  COFFER_TRY(flush());
  return access_.drain();
}

// ---------------------------------------------------------------- state
Result<void> VaultExport::send_rows(codec::AppendBody& body) {
  if (body.changes.empty()) return {};
  return send(events_, {own_.epoch, own_.nonce, std::exchange(body, {})});
}

Result<void> VaultExport::write_family(Family family) {
  codec::AppendBody body;
  std::size_t bytes = 0;
  auto cursor = source_.cursor(static_cast<Table>(family));
  for (; cursor.valid(); cursor.next()) {
    if (family == Family::meta && is_engine_row(cursor.key())) continue;
    const auto size = cursor.key().size() + cursor.value().size();
    if (bytes + size > kMessageBytes) {
      COFFER_TRY(send_rows(body));
      bytes = 0;
    }
    body.changes.push_back({number_of(family), to_bytes(cursor.key()), to_bytes(cursor.value())});
    bytes += size;
  }
  COFFER_TRY(cursor.status());
  return send_rows(body);
}

// A reader looks for a blob in what the topic "keys" held when it read the row.
Result<void> VaultExport::write_keys() {
  constexpr std::size_t kKeysOfMessage = 1000;
  codec::AppendBody body;
  const auto flush = [&]() -> Result<void> {
    COFFER_TRY(keys_.drain());
    return send_rows(body);
  };
  auto cursor = source_.cursor(Table::keys);
  for (; cursor.valid(); cursor.next()) {
    const auto hash = record_hash(cursor.value());
    const auto key = key_message_key(cursor.key(), hash);
    const auto blob = codec::encode_key_blob({own_.epoch, own_.nonce, to_bytes(cursor.value())});
    COFFER_TRY(keys_.send({BytesView(key), BytesView(blob)}));
    body.changes.push_back({number_of(Family::keys), to_bytes(cursor.key()), hash});
    if (body.changes.size() == kKeysOfMessage) COFFER_TRY(flush());
  }
  COFFER_TRY(cursor.status());
  return flush();
}

Result<void> VaultExport::write_rows() {
  for (std::size_t i = 0; i < kFamilyCount; ++i) {
    const auto family = static_cast<Family>(i);
    COFFER_TRY(family == Family::keys ? write_keys() : write_family(family));
  }
  return events_.drain();
}

Result<void> VaultExport::finish() {
  codec::AppendBody body;
  body.changes.push_back({number_of(Family::meta), meta_row(kMigrationRow), {}});
  COFFER_TRY(send_rows(body));
  const codec::ReplicatedRecord release{own_.epoch, own_.nonce, codec::ReleaseBody{}};
  COFFER_TRY(send(access_, release));
  COFFER_TRY(access_.drain());
  COFFER_TRY(send(events_, release));
  return events_.drain();
}

}  // namespace coffer::log
