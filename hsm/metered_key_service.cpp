#include "hsm/metered_key_service.h"

namespace coffer::hsm {

template <class Call>
auto MeteredKeyService::measured(KeyOperation operation, Call&& call) {
  const auto index = static_cast<std::size_t>(operation);
  const auto began = clock_.monotonic_ns();
  auto result = call();
  metrics_->ns.observe(index, static_cast<std::uint64_t>(clock_.monotonic_ns() - began));
  if (!result.ok()) metrics_->errors.add(index);
  return result;
}

Result<void> MeteredKeyService::login(const SecretBytes& pin) {
  return measured(KeyOperation::login, [&] { return keys_->login(pin); });
}

Result<void> MeteredKeyService::create_root_key(RootEpoch epoch) {
  return measured(KeyOperation::create_root_key, [&] { return keys_->create_root_key(epoch); });
}

Result<void> MeteredKeyService::check_root_key(RootEpoch epoch) {
  return measured(KeyOperation::check_root_key, [&] { return keys_->check_root_key(epoch); });
}

Result<WrappedTenantKey> MeteredKeyService::create_tenant_key(const KeyId& id, RootEpoch epoch) {
  return measured(KeyOperation::create_tenant_key,
                  [&] { return keys_->create_tenant_key(id, epoch); });
}

Result<void> MeteredKeyService::load_tenant_key(const WrappedTenantKey& key) {
  return measured(KeyOperation::load_tenant_key, [&] { return keys_->load_tenant_key(key); });
}

Result<Bytes> MeteredKeyService::wrap(const WrappedTenantKey& key, BytesView aad,
                                      BytesView data_key) {
  return measured(KeyOperation::wrap, [&] { return keys_->wrap(key, aad, data_key); });
}

Result<SecretBytes> MeteredKeyService::unwrap(const WrappedTenantKey& key, BytesView aad,
                                              BytesView blob) {
  return measured(KeyOperation::unwrap, [&] { return keys_->unwrap(key, aad, blob); });
}

}  // namespace coffer::hsm
