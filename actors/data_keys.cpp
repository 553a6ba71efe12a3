#include "actors/data_keys.h"

#include "actors/append_builder.h"
#include "events/log/state_keys.h"
#include "hsm/envelope_cipher.h"

namespace coffer::actors {
namespace {

constexpr std::size_t kWrappedBytes = hsm::kDataKeyBytes + hsm::kSealOverheadBytes;
constexpr std::size_t kTermBytes = 4;

Bytes aad_of(const TenantKeys& keys, const hsm::WrappedTenantKey& tenant_key,
             const DataKeyPlace& place) {
  return secret_data_key_aad(keys.tenant(), tenant_key.id, place.mount, place.path, place.version);
}

Result<TenantKeyRingPtr> ring_of(const Services& services, const TenantKeys& keys) {
  auto ring = services.tenant_key_rings.find(keys.tenant());
  if (!ring) return fail(ErrorCode::unavailable, "the namespace's keys are not open");
  return ring;
}

Result<SecretBytes> unwrap(hsm::KeyService& hsm, const TenantKeyRing& ring, const TenantKeys& keys,
                           const DataKeyPlace& place, BytesView stored) {
  COFFER_ASSIGN(const auto blob, parse_data_key_blob(stored));
  const auto* tenant_key = ring.find(blob.term);
  if (tenant_key == nullptr)
    return fail(ErrorCode::corrupt, "a data key is wrapped by a tenant key that is not in use");
  return hsm.unwrap(*tenant_key, aad_of(keys, *tenant_key, place), blob.wrapped);
}

}  // namespace

Result<DataKeyBlob> parse_data_key_blob(BytesView stored) {
  if (stored.size() == kWrappedBytes) return DataKeyBlob{keyring::kFirstTerm, stored};
  if (stored.size() == kTermBytes + kWrappedBytes) {
    const auto term = read_u32(stored, 0);
    if (term > keyring::kFirstTerm) return DataKeyBlob{term, stored.subspan(kTermBytes)};
  }
  return fail(ErrorCode::corrupt, "a wrapped data key has a form that is not known");
}

Bytes data_key_blob(keyring::KeyTerm term, BytesView wrapped) {
  Bytes out;
  out.reserve(kTermBytes + wrapped.size());
  if (term != keyring::kFirstTerm) append_u32(out, term);
  append(out, wrapped);
  return out;
}

Result<FreshDataKey> make_data_key(hsm::KeyService& hsm, Services& services, const TenantKeys& keys,
                                   const DataKeyPlace& place) {
  COFFER_ASSIGN(const auto ring, ring_of(services, keys));
  FreshDataKey fresh;
  fresh.id = random_id<KeyId>(services.random);
  fresh.lease = begin_wraps(services, keys, ring->active.id, 1);
  SecretBytes plain(hsm::kDataKeyBytes);
  services.random.fill(plain.writable());
  COFFER_ASSIGN(const auto wrapped,
                hsm.wrap(ring->active, aad_of(keys, ring->active, place), plain.expose()));
  fresh.blob = data_key_blob(ring->state.term, wrapped);
  COFFER_ASSIGN(fresh.plain, services.data_keys.insert(fresh.id, plain.expose()));
  return fresh;
}

Result<SecretBytes> open_data_key(hsm::KeyService& hsm, Services& services, const TenantKeys& keys,
                                  const DataKeyPlace& place, const KeyId& key) {
  // The ring first: when it has no retiring key any more, every blob that is read after it is
  // wrapped by the active one.
  COFFER_ASSIGN(const auto ring, ring_of(services, keys));
  COFFER_ASSIGN(const auto blob,
                services.log.get(log::Family::keys, log::key_row(keys.tenant(), place.mount, key)));
  if (!blob) return fail(ErrorCode::not_found, "");
  return unwrap(hsm, *ring, keys, place, *blob);
}

Result<Bytes> rewrap_data_key(hsm::KeyService& hsm, Services& services, const TenantKeys& keys,
                              const DataKeyPlace& place, BytesView blob) {
  COFFER_ASSIGN(const auto ring, ring_of(services, keys));
  COFFER_ASSIGN(const auto plain, unwrap(hsm, *ring, keys, place, blob));
  COFFER_ASSIGN(const auto wrapped,
                hsm.wrap(ring->active, aad_of(keys, ring->active, place), plain.expose()));
  return data_key_blob(ring->state.term, wrapped);
}

KeyUse::Lease begin_wraps(Services& services, const TenantKeys& keys, const KeyId& tenant_key,
                          std::uint64_t count) {
  auto wraps = services.key_use.begin(tenant_key, count);
  if (!wraps.reserve) return std::move(wraps.lease);
  Bytes number;
  append_u64(number, *wraps.reserve);
  auto row = sealed_row(keys, log::Family::aggregates, log::key_use_row(keys.tenant(), tenant_key),
                        number, false);
  if (!row) {
    services.key_use.reservation_failed(tenant_key);
    return std::move(wraps.lease);
  }
  auto job = std::make_shared<AppendJob>();
  job->appends.emplace_back().changes.push_back(std::move(*row));
  // The lease also keeps the count from being stored after the key was retired.
  job->done = [&services, tenant_key, lease = wraps.lease](const auto& result) {
    if (!result) services.key_use.reservation_failed(tenant_key);
  };
  services.log_writer.send(std::move(job));
  return std::move(wraps.lease);
}

Result<std::uint64_t> stored_wraps(const log::StateReader& store, const TenantKeys& keys,
                                   const KeyId& tenant_key) {
  const auto key = log::key_use_row(keys.tenant(), tenant_key);
  COFFER_ASSIGN(const auto row, store.get(log::Family::aggregates, key));
  if (!row) return std::uint64_t{0};
  COFFER_ASSIGN(const auto number, keys.open(key, *row));
  if (number.size() != 8) return fail(ErrorCode::corrupt, "a key's stored count has a wrong size");
  return read_u64(number.expose(), 0);
}

}  // namespace coffer::actors
