#include "actors/tenant_opening.h"

#include "actors/data_keys.h"
#include "events/log/state_keys.h"
#include "events/policy/policy_document.h"
#include "hsm/envelope_cipher.h"

namespace coffer::actors {
namespace {

constexpr std::string_view kLogPurpose = "log";
constexpr std::string_view kIndexPurpose = "index";
constexpr PartitionId kEmbeddedPartition = 0;

Result<Bytes> read_blob(Services& services, const TenantId& tenant,
                        const keyring::KeyReference& reference) {
  COFFER_ASSIGN(auto blob,
                services.log.get(log::Family::keys, log::key_row(tenant, {}, reference.id)));
  if (!blob) return fail(ErrorCode::corrupt, "a wrapped key of the tenant is not in the key store");
  if (hsm::sha256(*blob) != reference.blob_hash)
    return fail(ErrorCode::corrupt, "a wrapped key of the tenant was altered in the key store");
  return std::move(*blob);
}

Result<hsm::WrappedTenantKey> load_key(hsm::KeyService& hsm, Services& services,
                                       const TenantId& tenant,
                                       const keyring::KeyReference& reference,
                                       hsm::RootEpoch root_epoch) {
  hsm::WrappedTenantKey key{reference.id, root_epoch, {}};
  COFFER_ASSIGN(key.blob, read_blob(services, tenant, reference));
  COFFER_TRY(hsm.load_tenant_key(key));
  return key;
}

Result<hsm::KeyHandle> unwrap_into_arena(hsm::KeyService& hsm, Services& services,
                                         const hsm::WrappedTenantKey& tenant_key,
                                         const TenantId& tenant,
                                         const keyring::KeyReference& reference,
                                         std::string_view purpose) {
  COFFER_ASSIGN(auto blob, read_blob(services, tenant, reference));
  const auto aad = tenant_data_key_aad(tenant, tenant_key.id, reference.id, purpose);
  COFFER_ASSIGN(auto plain, hsm.unwrap(tenant_key, aad, blob));
  return services.arena->store(plain.expose());
}

template <class State>
Result<State> load_state(Services& services, const TenantKeys& keys, log::AggregateKind kind) {
  COFFER_ASSIGN(auto snapshot,
                load_snapshot<State>(services.log, keys, log::Family::aggregates,
                                     log::tenant_aggregate_row(keys.tenant(), kind)));
  if (!snapshot) return fail(ErrorCode::corrupt, "a snapshot of the tenant is not in the store");
  return std::move(snapshot->state);
}

struct MadeKey {
  keyring::KeyReference reference;
  hsm::KeyHandle plain;
};

Result<MadeKey> make_data_key(hsm::KeyService& hsm, Services& services, const TenantId& tenant,
                              const hsm::WrappedTenantKey& tenant_key, std::string_view purpose,
                              std::vector<log::StateChange>& rows) {
  MadeKey made;
  made.reference.id = random_id<KeyId>(services.random);
  SecretBytes plain(hsm::kDataKeyBytes);
  services.random.fill(plain.writable());
  const auto aad = tenant_data_key_aad(tenant, tenant_key.id, made.reference.id, purpose);
  COFFER_ASSIGN(auto blob, hsm.wrap(tenant_key, aad, plain.expose()));
  made.reference.blob_hash = hsm::sha256(blob);
  COFFER_ASSIGN(made.plain, services.arena->store(plain.expose()));
  rows.push_back(
      plain_row(log::Family::keys, log::key_row(tenant, {}, made.reference.id), std::move(blob)));
  return made;
}

struct KeyChange {
  const hsm::WrappedTenantKey& from;
  const hsm::WrappedTenantKey& to;
};

// The same key under another tenant key, which has to give it back before anything relies on it.
// The row is deleted first, so that the log knows that a wrapped key has to leave the files.
Result<keyring::KeyReference> wrap_again(hsm::KeyService& hsm, Services& services,
                                         const TenantId& tenant, const KeyChange& change,
                                         const keyring::KeyReference& reference,
                                         std::string_view purpose,
                                         std::vector<log::StateChange>& rows) {
  COFFER_ASSIGN(const auto blob, read_blob(services, tenant, reference));
  const auto from_aad = tenant_data_key_aad(tenant, change.from.id, reference.id, purpose);
  COFFER_ASSIGN(const auto plain, hsm.unwrap(change.from, from_aad, blob));
  const auto to_aad = tenant_data_key_aad(tenant, change.to.id, reference.id, purpose);
  COFFER_ASSIGN(auto wrapped, hsm.wrap(change.to, to_aad, plain.expose()));
  COFFER_ASSIGN(const auto proof, hsm.unwrap(change.to, to_aad, wrapped));
  if (!proof.equals(plain.expose()))
    return fail(ErrorCode::internal, "the new tenant key does not give back what it wrapped");
  const keyring::KeyReference out{reference.id, hsm::sha256(wrapped)};
  const auto row = log::key_row(tenant, {}, reference.id);
  rows.push_back(deleted_row(log::Family::keys, row));
  rows.push_back(plain_row(log::Family::keys, row, std::move(wrapped)));
  return out;
}

template <class State, class Event>
Result<State> evolve_all(const std::vector<Event>& events) {
  State state;
  for (const auto& event : events) {
    COFFER_ASSIGN(state, evolve(std::move(state), event));
  }
  return state;
}

Result<std::vector<tenant::Event>> first_events(Services& services, const DirectoryEntry& entry,
                                                tenant::TextMap custom_metadata,
                                                bool with_secret_mount) {
  const auto now = services.clock.now();
  COFFER_ASSIGN(
      auto events,
      tenant::decide({}, tenant::CreateTenant{entry.parent, entry.name, std::move(custom_metadata)},
                     now));
  if (!with_secret_mount) return events;
  COFFER_ASSIGN(auto state, (evolve_all<tenant::TenantState>(events)));
  tenant::EnableMount mount;
  mount.id = random_id<MountId>(services.random);
  mount.path = "secret/";
  mount.type = "kv";
  mount.accessor_suffix = to_hex(BytesView(mount.id.bytes).first(4));
  mount.options = {{"version", "2"}};
  mount.tuning.description = "key/value secret storage";
  COFFER_ASSIGN(auto more, tenant::decide(state, mount, now));
  events.insert(events.end(), more.begin(), more.end());
  return events;
}

}  // namespace

Result<TenantKeysPtr> open_tenant_keys(hsm::KeyService& hsm, Services& services,
                                       const TenantId& tenant,
                                       const keyring::KeyringState& keyring) {
  auto ring = std::make_shared<TenantKeyRing>();
  ring->state = keyring;
  COFFER_ASSIGN(ring->active,
                load_key(hsm, services, tenant, keyring.tenant_key, keyring.root_epoch));
  if (keyring.retiring) {
    COFFER_ASSIGN(ring->retiring, load_key(hsm, services, tenant, keyring.retiring->key,
                                           keyring.retiring->root_epoch));
  }
  COFFER_ASSIGN(auto log_key, unwrap_into_arena(hsm, services, ring->active, tenant,
                                                keyring.log_key, kLogPurpose));
  COFFER_ASSIGN(auto index_key, unwrap_into_arena(hsm, services, ring->active, tenant,
                                                  keyring.index_key, kIndexPurpose));
  auto keys = std::make_shared<const TenantKeys>(
      tenant, TenantKeys::OpenKey{keyring.log_key.id, std::move(log_key)},
      TenantKeys::OpenKey{keyring.index_key.id, std::move(index_key)}, services.arena,
      services.random);
  COFFER_ASSIGN(const auto stored, stored_wraps(services.log, *keys, keyring.tenant_key.id));
  // A key that is older than the counting has wrapped at most once a record of the log.
  const auto wraps = stored == 0 && !keyring.installed_time.is_set()
                         ? services.log.events_end(kEmbeddedPartition)
                         : stored;
  services.key_use.restore(keyring.tenant_key.id, wraps);
  services.tenant_key_rings.set(tenant, std::move(ring));
  return TenantKeysPtr(std::move(keys));
}

Result<TenantMaterial> open_tenant(hsm::KeyService& hsm, Services& services,
                                   const DirectoryEntry& entry) {
  TenantMaterial material;
  COFFER_ASSIGN(material.keys, open_tenant_keys(hsm, services, entry.id, entry.row.keyring));
  COFFER_ASSIGN(material.state, load_state<tenant::TenantState>(services, *material.keys,
                                                                log::AggregateKind::tenant));
  COFFER_ASSIGN(material.policies, load_state<policy::PolicySet>(services, *material.keys,
                                                                 log::AggregateKind::policies));
  return material;
}

Result<NewTenantKeys> make_tenant_keys(hsm::KeyService& hsm, Services& services,
                                       const TenantId& tenant, hsm::RootEpoch root_epoch) {
  NewTenantKeys made;
  COFFER_ASSIGN(auto tenant_key,
                hsm.create_tenant_key(random_id<KeyId>(services.random), root_epoch));
  made.rows.push_back(
      plain_row(log::Family::keys, log::key_row(tenant, {}, tenant_key.id), tenant_key.blob));
  COFFER_ASSIGN(auto log_key,
                make_data_key(hsm, services, tenant, tenant_key, kLogPurpose, made.rows));
  COFFER_ASSIGN(auto index_key,
                make_data_key(hsm, services, tenant, tenant_key, kIndexPurpose, made.rows));
  const keyring::KeyReference tenant_reference{tenant_key.id, hsm::sha256(tenant_key.blob)};
  COFFER_ASSIGN(auto events,
                keyring::decide({},
                                keyring::CreateKeyring{root_epoch, tenant_reference,
                                                       log_key.reference, index_key.reference},
                                services.clock.now()));
  made.event = events.front();
  COFFER_ASSIGN(made.keyring, (evolve_all<keyring::KeyringState>(events)));
  made.keys = std::make_shared<const TenantKeys>(
      tenant, TenantKeys::OpenKey{log_key.reference.id, log_key.plain},
      TenantKeys::OpenKey{index_key.reference.id, index_key.plain}, services.arena,
      services.random);
  return made;
}

Result<RotatedKeys> make_rotated_keys(hsm::KeyService& hsm, Services& services,
                                      const TenantId& tenant, bool automatic) {
  const auto ring = services.tenant_key_rings.find(tenant);
  if (!ring) return fail(ErrorCode::unavailable, "the namespace's keys are not open");
  RotatedKeys out;
  COFFER_ASSIGN(out.tenant_key,
                hsm.create_tenant_key(random_id<KeyId>(services.random), services.root_epoch));
  out.rows.push_back(plain_row(log::Family::keys, log::key_row(tenant, {}, out.tenant_key.id),
                               out.tenant_key.blob));
  const auto again = [&](const keyring::KeyReference& reference, std::string_view purpose) {
    return wrap_again(hsm, services, tenant, {ring->active, out.tenant_key}, reference, purpose,
                      out.rows);
  };
  auto log_key = again(ring->state.log_key, kLogPurpose);
  auto index_key = again(ring->state.index_key, kIndexPurpose);
  if (!log_key || !index_key) {
    hsm.unload_tenant_key(out.tenant_key.id);
    const auto row = services.log.get(log::Family::tenants, log::tenant_row(tenant));
    if (row && !*row) return fail(ErrorCode::not_found, "namespace not found");  // meanwhile
    return log_key ? index_key.error() : log_key.error();
  }
  out.command = keyring::RotateTenantKey{services.root_epoch,
                                         {out.tenant_key.id, hsm::sha256(out.tenant_key.blob)},
                                         *log_key,
                                         *index_key,
                                         automatic};
  return out;
}

Result<NewTenant> build_new_tenant(const NewTenantKeys& made, const TenantKeys& root_keys,
                                   Services& services, const DirectoryEntry& parent,
                                   std::string name, tenant::TextMap custom_metadata,
                                   bool with_secret_mount) {
  const auto now = services.clock.now();
  const auto& keys = *made.keys;
  NewTenant out;
  out.entry.id = keys.tenant();
  out.entry.parent = parent.id;
  out.entry.path = name.empty() ? "" : parent.path + name + "/";
  out.entry.name = std::move(name);

  COFFER_ASSIGN(auto tenant_events,
                first_events(services, out.entry, std::move(custom_metadata), with_secret_mount));
  const std::vector<policy::Event> policy_events{
      policy::PolicyWritten{"default", std::string(policy::default_policy_text()), now}};
  std::vector<codec::AnyEvent> events;
  events.emplace_back(made.event);
  events.insert(events.end(), tenant_events.begin(), tenant_events.end());
  events.insert(events.end(), policy_events.begin(), policy_events.end());

  COFFER_ASSIGN(auto state, (evolve_all<tenant::TenantState>(tenant_events)));
  COFFER_ASSIGN(auto policies, (evolve_all<policy::PolicySet>(policy_events)));
  COFFER_ASSIGN(out.append.event,
                seal_events(keys, TenantId{}.view(), events, now,
                            random_id<Id128<codec::CommandTag>>(services.random)));
  auto& changes = out.append.changes;
  changes = made.rows;
  COFFER_ASSIGN(
      auto tenant_row,
      sealed_row(keys, log::Family::aggregates,
                 log::tenant_aggregate_row(keys.tenant(), log::AggregateKind::tenant),
                 codec::encode_snapshot(codec::Snapshot<tenant::TenantState>{0, state}), true));
  changes.push_back(std::move(tenant_row));
  COFFER_ASSIGN(
      auto policy_row,
      sealed_row(keys, log::Family::aggregates,
                 log::tenant_aggregate_row(keys.tenant(), log::AggregateKind::policies),
                 codec::encode_snapshot(codec::Snapshot<policy::PolicySet>{0, policies}), true));
  changes.push_back(std::move(policy_row));

  out.entry.row.parent = out.entry.parent;
  out.entry.row.keyring = made.keyring;
  const auto row_key = log::tenant_row(keys.tenant());
  COFFER_ASSIGN(out.entry.row.sealed_name, root_keys.seal(row_key, as_bytes(out.entry.name)));
  changes.push_back(
      plain_row(log::Family::tenants, row_key, codec::encode_tenant_row(out.entry.row)));
  return out;
}

}  // namespace coffer::actors
