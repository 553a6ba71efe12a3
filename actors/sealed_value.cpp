#include "actors/sealed_value.h"

#include "actors/append_builder.h"
#include "events/log/state_keys.h"

namespace coffer::actors {
namespace {

// A sealed value is longer than this: it has a nonce and a tag.
constexpr std::size_t kReferenceBytes = sizeof(TenantSequence);

Error damaged(std::string_view what) {
  return fail(ErrorCode::corrupt, fmt::format("a version's sealed value: {}", what));
}

Result<Bytes> value_in(const codec::Record& record, const codec::Batch& batch,
                       VersionNumber version) {
  for (std::size_t i = 0; i < batch.bodies.size(); ++i) {
    COFFER_ASSIGN(auto event, codec::decode_event(record.heads[i], batch.bodies[i]));
    auto* of_secret = std::get_if<secret::Event>(&event);
    if (of_secret == nullptr) continue;
    if (auto* written = std::get_if<secret::SecretVersionWritten>(of_secret);
        written != nullptr && written->version == version)
      return std::move(written->sealed_value);
  }
  return damaged("its event does not hold it");
}

}  // namespace

log::StateChange sealed_value_row(Bytes key) {
  return {log::Family::values, std::move(key), Bytes{}, true};
}

Result<Bytes> read_sealed_value(const log::EventLog& log, const TenantKeys& keys,
                                const SecretId& secret, VersionNumber version, BytesView key) {
  COFFER_ASSIGN(auto row, log.get(log::Family::values, key));
  if (!row) return damaged("not in the store");
  if (row->size() > kReferenceBytes) return std::move(*row);
  if (row->size() < kReferenceBytes) return damaged("its row has a wrong size");
  const auto sequence = log::unstamp(*row).sequence;
  COFFER_ASSIGN(const auto records, log.read_tenant(keys.tenant(), sequence, 1));
  if (records.empty()) return damaged("its event is not in the log");
  COFFER_ASSIGN(const auto record, codec::decode_record(records.front().bytes));
  if (record.tenant != keys.tenant() || record.tenant_sequence != sequence)
    return damaged("its event is not in the log");
  COFFER_ASSIGN(const auto batch, open_events(keys, record));
  if (!std::ranges::equal(batch.stream, secret.view()))
    return damaged("its event is of another secret");
  return value_in(record, batch, version);
}

}  // namespace coffer::actors
