#include "tests/sim/access_audit.h"

#include <fmt/format.h>

#include "actors/tenant_opening.h"
#include "events/log/state_keys.h"

namespace coffer::sim {
namespace {

std::shared_ptr<hsm::LockedArena> make_arena() {
  std::string warning;
  return hsm::LockedArena::create(4096, warning);
}

}  // namespace

AccessAudit::AccessAudit(testing::VaultWorld& world) : world_(world), arena_(make_arena()) {}

void AccessAudit::expect(const std::string& request_id, bool may_repeat) {
  auto& expected = known_[request_id];
  expected.finished = true;
  expected.may_repeat = may_repeat;
}

void AccessAudit::learn_tenants() {
  testing::FakeKeyService keys(world_.token(), world_.random());
  const SecretBytes pin{std::string_view(world_.token()->pin)};
  if (!keys.login(pin)) return;
  actors::Services services(world_.clock(), world_.random(), world_.log(), actors::Limits{}, arena_,
                            {});
  const auto rows = world_.log().scan(log::Family::tenants, {}, {}, 10'000);
  for (const auto& row : *rows) {
    const auto id = TenantId::from_bytes(row.key);
    if (keys_.contains(id)) continue;
    const auto decoded = codec::decode_tenant_row(row.value);
    if (!decoded) continue;
    if (auto opened = actors::open_tenant_keys(keys, services, id, decoded->keyring))
      keys_.emplace(id, *opened);
  }
}

Result<audit::AccessRecord> AccessAudit::open(const log::StoredRecord& stored) {
  COFFER_ASSIGN(const auto envelope, codec::decode_access_envelope(stored.bytes));
  const bool chained =
      previous_ ? std::equal(previous_->begin(), previous_->end(), envelope.previous_hash.begin(),
                             envelope.previous_hash.end())
                : envelope.previous_hash.empty();
  if (!chained) return fail(ErrorCode::corrupt, "the access chain is broken");
  if (envelope.log_key.is_zero()) return codec::decode_access_record(envelope.payload);
  const auto keys = keys_.find(envelope.tenant);
  if (keys == keys_.end()) return fail(ErrorCode::corrupt, "a record of an unknown tenant");
  COFFER_ASSIGN(const auto opened, keys->second->open(envelope.tenant.view(), envelope.payload));
  return codec::decode_access_record(opened.expose());
}

std::optional<std::string> AccessAudit::take(const log::StoredRecord& stored) {
  if (stored.position != next_)
    return fmt::format("access record {} follows {}", stored.position, next_ - 1);
  const auto record = open(stored);
  if (!record) return fmt::format("access record {}: {}", next_, record.error().message);
  previous_ = log::record_hash(stored.bytes);
  ++next_;
  if (record->collapsed_count > 0) return std::nullopt;
  const auto known = known_.find(record->request_id);
  if (known == known_.end())
    return fmt::format("access record of a request that nobody made: {}", record->request_id);
  ++known->second.found;
  return std::nullopt;
}

std::optional<std::string> AccessAudit::check() {
  learn_tenants();
  const auto records = world_.log().read_access(0, next_, ~std::size_t{0});
  if (!records) return records.error().message;
  for (const auto& stored : *records)
    if (auto wrong = take(stored)) return wrong;
  for (const auto& [id, expected] : known_) {
    if (!expected.finished) continue;
    if (expected.found == 0) return fmt::format("request {} left no access record", id);
    if (expected.found > (expected.may_repeat ? 2u : 1u))
      return fmt::format("request {} left {} access records", id, expected.found);
  }
  std::erase_if(known_, [](const auto& item) {
    return item.second.finished && item.second.found > (item.second.may_repeat ? 1u : 0u);
  });
  return std::nullopt;
}

}  // namespace coffer::sim
