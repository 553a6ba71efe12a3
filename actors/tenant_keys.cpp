#include "actors/tenant_keys.h"

#include "hsm/envelope_cipher.h"

namespace coffer::actors {
namespace {

constexpr std::uint32_t kSealsPerSegmentMax = 1u << 30;
constexpr std::size_t kSaltBytes = 16;

void append_field(Bytes& out, BytesView field) {
  append_u32(out, static_cast<std::uint32_t>(field.size()));
  append(out, field);
}

// Length-prefixed fields after a domain name: no two places share their bytes.
Bytes place(std::string_view domain, std::initializer_list<BytesView> fields) {
  Bytes out;
  append_field(out, as_bytes(domain));
  for (const auto& field : fields) append_field(out, field);
  return out;
}

}  // namespace

TenantKeys::TenantKeys(TenantId tenant, OpenKey log_key, OpenKey index_key,
                       std::shared_ptr<hsm::LockedArena> arena, Random& random)
    : tenant_(tenant),
      log_key_(std::move(log_key)),
      index_key_(std::move(index_key)),
      arena_(std::move(arena)),
      random_(random) {}

Sha256 TenantKeys::derive(BytesView salt) const {
  const auto input = place("coffer segment", {salt});
  return hsm::hmac_sha256(log_key_.plain->bytes(), input);
}

Result<std::shared_ptr<TenantKeys::Segment>> TenantKeys::segment() const {
  const std::lock_guard lock(mutex_);
  if (segment_ && segment_->seals.fetch_add(1, std::memory_order_relaxed) < kSealsPerSegmentMax)
    return segment_;
  auto fresh = std::make_shared<Segment>();
  random_.fill(fresh->salt);
  auto derived = derive(fresh->salt);
  auto stored = arena_->store(derived);
  wipe_memory(derived.data(), derived.size());
  if (!stored) return std::move(stored).error();
  fresh->key = std::move(stored).value();
  fresh->seals = 1;
  segment_ = std::move(fresh);
  return segment_;
}

Result<Bytes> TenantKeys::seal(BytesView aad, BytesView plaintext) const {
  COFFER_ASSIGN(auto current, segment());
  Bytes out;
  out.reserve(kSaltBytes + plaintext.size() + hsm::kSealOverheadBytes);
  append(out, current->salt);
  hsm::seal_onto(out, current->key->bytes(), aad, plaintext);
  return out;
}

Result<SecretBytes> TenantKeys::open(BytesView aad, BytesView sealed) const {
  if (sealed.size() < kSaltBytes + hsm::kSealOverheadBytes)
    return fail(ErrorCode::corrupt, "sealed bytes are too short");
  const auto salt = sealed.first(kSaltBytes);
  auto key = derive(salt);
  auto opened = hsm::open(key, aad, sealed.subspan(kSaltBytes));
  wipe_memory(key.data(), key.size());
  return opened;
}

SecretId TenantKeys::secret_id(const MountId& mount, std::string_view path) const {
  const auto hash =
      hsm::hmac_sha256(index_key_.plain->bytes(), place("secret", {mount.view(), as_bytes(path)}));
  return SecretId::from_bytes(BytesView(hash).first(16));
}

Id128<HashTag> TenantKeys::name_hash(std::string_view domain, const MountId& mount,
                                     std::string_view name) const {
  const auto hash =
      hsm::hmac_sha256(index_key_.plain->bytes(), place(domain, {mount.view(), as_bytes(name)}));
  return Id128<HashTag>::from_bytes(BytesView(hash).first(16));
}

TokenId TenantKeys::token_id(std::string_view token_text) const {
  auto input = place("token", {as_bytes(token_text)});
  const auto hash = hsm::hmac_sha256(index_key_.plain->bytes(), input);
  wipe_memory(input.data(), input.size());
  return TokenId::from_bytes(BytesView(hash).first(16));
}

Sha256 TenantKeys::state_tag(std::string_view state) const {
  return hsm::hmac_sha256(index_key_.plain->bytes(), place("state index", {as_bytes(state)}));
}

Bytes tenant_data_key_aad(const TenantId& tenant, const KeyId& tenant_key, const KeyId& key,
                          std::string_view purpose) {
  return place("tenant data key",
               {tenant.view(), tenant_key.view(), key.view(), as_bytes(purpose)});
}

Bytes secret_data_key_aad(const TenantId& tenant, const KeyId& tenant_key, const MountId& mount,
                          std::string_view path, VersionNumber version) {
  Bytes number;
  append_u64(number, version);
  return place("secret data key",
               {tenant.view(), tenant_key.view(), mount.view(), as_bytes(path), number});
}

Bytes secret_value_aad(const TenantId& tenant, const MountId& mount, std::string_view path,
                       VersionNumber version, const KeyId& data_key) {
  Bytes number;
  append_u64(number, version);
  return place("secret value",
               {tenant.view(), mount.view(), as_bytes(path), number, data_key.view()});
}

}  // namespace coffer::actors
