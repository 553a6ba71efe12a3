// The operator's view: living actors, decoded events, the hash chain. Metadata only, never a value.
#include "actors/vault_runtime.h"

namespace coffer::actors {
namespace {

constexpr std::size_t kEventsMax = 1000;

Result<api::EventInfo> describe(const TenantKeys& keys, const log::StoredRecord& stored) {
  COFFER_ASSIGN(auto record, codec::decode_record(stored.bytes));
  api::EventInfo info;
  info.sequence = record.tenant_sequence;
  info.time = record.time;
  info.epoch = record.epoch;
  info.hash = to_hex(log::record_hash(stored.bytes));
  info.previous_hash = to_hex(record.previous_hash);
  COFFER_ASSIGN(auto batch, open_events(keys, record));
  info.stream = to_hex(batch.stream);
  for (std::size_t i = 0; i < batch.bodies.size(); ++i) {
    COFFER_ASSIGN(auto json, codec::event_to_json(record.heads[i], batch.bodies[i]));
    info.events.push_back({std::string(codec::event_name(record.heads[i].type)), std::move(json)});
  }
  return info;
}

Result<std::vector<api::EventInfo>> read_page(const log::EventLog& log, const TenantKeys& keys,
                                              TenantSequence from, std::size_t limit,
                                              const std::optional<std::string>& stream) {
  std::vector<api::EventInfo> out;
  while (out.size() < limit) {
    COFFER_ASSIGN(auto records, log.read_tenant(keys.tenant(), from, 256));
    for (const auto& stored : records) {
      COFFER_ASSIGN(auto info, describe(keys, stored));
      from = info.sequence + 1;
      if (!stream || *stream == info.stream) out.push_back(std::move(info));
      if (out.size() == limit) break;
    }
    if (records.size() < 256) break;
  }
  return out;
}

Result<api::ChainReport> check_chain(const log::EventLog& log, const TenantKeys& keys) {
  api::ChainReport report;
  std::optional<Sha256> previous;
  while (true) {
    COFFER_ASSIGN(auto records, log.read_tenant(keys.tenant(), report.records + 1, 1024));
    for (const auto& stored : records) {
      const auto expected = report.records + 1;
      auto record = codec::decode_record(stored.bytes);
      const auto wrong = [&](std::string_view what) {
        report.problem = fmt::format("record {}: {}", expected, what);
      };
      if (!record)
        wrong("does not decode");
      else if (record->tenant != keys.tenant())
        wrong("belongs to another namespace");
      else if (record->tenant_sequence != expected)
        wrong("has another number");
      else if (previous ? !std::equal(previous->begin(), previous->end(),
                                      record->previous_hash.begin(), record->previous_hash.end())
                        : !record->previous_hash.empty())
        wrong("previous hash does not match");
      else if (!open_events(keys, *record))
        wrong("does not open");
      if (report.problem) return report;
      previous = log::record_hash(stored.bytes);
      report.records = expected;
    }
    if (records.size() < 1024) break;
  }
  if (previous) report.head_hash = to_hex(*previous);
  return report;
}

}  // namespace

void VaultRuntime::list_actors(api::AdmissionPtr, api::Callback<std::vector<api::ActorInfo>> done) {
  done(services_->registry.list());
}

void VaultRuntime::read_events(api::AdmissionPtr admission, TenantSequence from, std::size_t limit,
                               std::optional<std::string> stream_hex,
                               api::Callback<std::vector<api::EventInfo>> done) {
  Promise<std::vector<api::EventInfo>> promise(std::move(done));
  auto job = std::make_shared<ReadJob>();
  job->run = [&services = *services_, admission, from, limit, stream = std::move(stream_hex),
              promise] {
    promise(read_page(services.log, *gate_of(admission).snapshot->keys,
                      std::max<TenantSequence>(1, from), std::min(limit, kEventsMax), stream));
  };
  if (!services_->reader.try_send(std::move(job), services_->limits.mailbox_max))
    promise.fail(ErrorCode::overloaded, "too many reads are under way");
}

void VaultRuntime::verify_chain(api::AdmissionPtr admission, api::Callback<api::ChainReport> done) {
  Promise<api::ChainReport> promise(std::move(done));
  auto job = std::make_shared<ReadJob>();
  job->run = [&services = *services_, admission, promise] {
    promise(check_chain(services.log, *gate_of(admission).snapshot->keys));
  };
  if (!services_->reader.try_send(std::move(job), services_->limits.mailbox_max))
    promise.fail(ErrorCode::overloaded, "too many reads are under way");
}

}  // namespace coffer::actors
