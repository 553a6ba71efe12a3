#include "tests/support/fake_key_service.h"

#include "hsm/envelope_cipher.h"

namespace coffer::testing {

Result<void> FakeKeyService::login(const SecretBytes& pin) {
  if (!token_->initialized) return fail(ErrorCode::unavailable, "no token");
  if (pin.expose_text() != token_->pin) return fail(ErrorCode::permission_denied, "wrong PIN");
  lost_ = false;
  logged_in_ = true;
  loaded_.clear();
  return {};
}

void FakeKeyService::logout() noexcept {
  logged_in_ = false;
  loaded_.clear();
}

Result<void> FakeKeyService::begin_call() {
  ++calls_;
  if (!logged_in_ || lost_) return fail(ErrorCode::unavailable, "the token is gone");
  if (failing_ == 0) return {};
  --failing_;
  return fail(ErrorCode::unavailable, "the HSM does not answer");
}

Result<void> FakeKeyService::create_root_key(hsm::RootEpoch epoch) {
  COFFER_TRY(begin_call());
  if (token_->roots.contains(epoch)) return fail(ErrorCode::already_exists, "root key exists");
  Bytes key(hsm::kDataKeyBytes);
  random_.fill(key);
  token_->roots.emplace(epoch, std::move(key));
  return {};
}

Result<const Bytes*> FakeKeyService::root(hsm::RootEpoch epoch) const {
  const auto found = token_->roots.find(epoch);
  if (found == token_->roots.end()) return fail(ErrorCode::unavailable, "no such root key");
  return &found->second;
}

Result<void> FakeKeyService::check_root_key(hsm::RootEpoch epoch) {
  COFFER_TRY(begin_call());
  COFFER_TRY(root(epoch));
  return {};
}

Result<hsm::WrappedTenantKey> FakeKeyService::create_tenant_key(const KeyId& id,
                                                                hsm::RootEpoch epoch) {
  COFFER_TRY(begin_call());
  COFFER_ASSIGN(const auto* wrapping, root(epoch));
  Bytes key(hsm::kDataKeyBytes);
  random_.fill(key);
  hsm::WrappedTenantKey wrapped{id, epoch, hsm::seal(*wrapping, id.view(), key)};
  loaded_[id] = std::move(key);
  return wrapped;
}

Result<const Bytes*> FakeKeyService::tenant_key(const hsm::WrappedTenantKey& key) {
  const auto found = loaded_.find(key.id);
  if (found != loaded_.end()) return &found->second;
  COFFER_ASSIGN(const auto* wrapping, root(key.root_epoch));
  COFFER_ASSIGN(const auto opened, hsm::open(*wrapping, key.id.view(), key.blob));
  const auto bytes = opened.expose();
  return &loaded_.emplace(key.id, Bytes(bytes.begin(), bytes.end())).first->second;
}

Result<void> FakeKeyService::load_tenant_key(const hsm::WrappedTenantKey& key) {
  COFFER_TRY(begin_call());
  COFFER_TRY(tenant_key(key));
  return {};
}

void FakeKeyService::unload_tenant_key(const KeyId& id) noexcept {
  loaded_.erase(id);
}

Result<Bytes> FakeKeyService::wrap(const hsm::WrappedTenantKey& key, BytesView aad,
                                   BytesView data_key) {
  COFFER_TRY(begin_call());
  COFFER_ASSIGN(const auto* wrapping, tenant_key(key));
  return hsm::seal(*wrapping, aad, data_key);
}

Result<SecretBytes> FakeKeyService::unwrap(const hsm::WrappedTenantKey& key, BytesView aad,
                                           BytesView blob) {
  COFFER_TRY(begin_call());
  if (std::exchange(fail_open_, false)) return fail(ErrorCode::corrupt, "the blob does not open");
  COFFER_ASSIGN(const auto* wrapping, tenant_key(key));
  return hsm::open(*wrapping, aad, blob);
}

}  // namespace coffer::testing
