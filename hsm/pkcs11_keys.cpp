#include "hsm/pkcs11_keys.h"

#include <fmt/format.h>

#include "hsm/envelope_cipher.h"
#include "hsm/pkcs11_error.h"

namespace coffer::hsm {
namespace {

constexpr std::string_view kCanaryText = "coffer canary 01";
constexpr std::string_view kCanaryAad = "coffer canary";

Error with_code(ErrorCode code, Error error) {
  error.code = code;
  return error;
}

}  // namespace

Pkcs11Keys::Pkcs11Keys(Pkcs11Connection& connection, std::size_t tenant_keys_max)
    : connection_(connection), tenants_(tenant_keys_max) {}

// ---- root keys

Result<std::vector<CK_OBJECT_HANDLE>> Pkcs11Keys::search_root(RootEpoch epoch) {
  auto search = root_key_search(epoch);
  return session().find(search);
}

Result<void> Pkcs11Keys::create_root(RootEpoch epoch) {
  root_missing_ = false;
  COFFER_ASSIGN(const auto present, search_root(epoch));
  auto exists = [&] {
    return fail(ErrorCode::already_exists,
                fmt::format("token '{}' already holds {}", connection_.token_label(),
                            root_key_label(epoch)));
  };
  if (!present.empty()) return exists();
  auto attributes = root_key(epoch);
  COFFER_ASSIGN(const auto handle, session().generate_aes_key(attributes));
  COFFER_ASSIGN(const auto all, search_root(epoch));
  auto proven = prove_root(epoch, handle);
  // Another node may have made the same epoch meanwhile: nobody has used ours, so ours goes.
  if (all.size() > 1 || !proven.ok()) {
    COFFER_TRY(session().destroy(handle));
    return proven.ok() ? exists() : std::move(proven).error();
  }
  roots_[epoch] = std::move(proven).value();
  known_roots_.insert(epoch);
  return {};
}

Result<void> Pkcs11Keys::check_root(RootEpoch epoch) {
  roots_.erase(epoch);
  auto found = root(epoch);
  if (!found.ok()) return std::move(found).error();
  return {};
}

Result<const Pkcs11Keys::Root*> Pkcs11Keys::root(RootEpoch epoch) {
  root_missing_ = false;
  if (const auto known = roots_.find(epoch); known != roots_.end()) return &known->second;
  COFFER_ASSIGN(const auto found, search_root(epoch));
  root_missing_ = found.empty();
  if (found.empty())
    return fail(ErrorCode::not_found,
                fmt::format("{}: token '{}' holds no {}", connection_.module().name(),
                            connection_.token_label(), root_key_label(epoch)));
  if (found.size() > 1)
    return fail(ErrorCode::corrupt,
                fmt::format("token '{}' holds {} keys named {}", connection_.token_label(),
                            found.size(), root_key_label(epoch)));
  COFFER_ASSIGN(auto proven, prove_root(epoch, found.front()));
  known_roots_.insert(epoch);
  return &(roots_[epoch] = std::move(proven));
}

Result<Pkcs11Keys::Root> Pkcs11Keys::prove_root(RootEpoch epoch, CK_OBJECT_HANDLE handle) {
  COFFER_ASSIGN(auto blob, generate_wrapped_key(handle));
  Root root{handle, std::move(blob)};
  auto attributes = loaded_tenant_key();
  COFFER_ASSIGN(const auto key, session().unwrap_key(handle, root.canary, attributes));
  COFFER_TRY(session().destroy(key));
  COFFER_TRY(prove_locked(epoch, root));
  return root;
}

// A root key that others made may lack what protects ours: see root_key().
Result<void> Pkcs11Keys::prove_locked(RootEpoch epoch, const Root& root) {
  struct Expected {
    CK_ATTRIBUTE_TYPE type;
    bool value;
    std::string_view name;
  };
  constexpr Expected kExpected[] = {{CKA_SENSITIVE, true, "CKA_SENSITIVE"},
                                    {CKA_EXTRACTABLE, false, "CKA_EXTRACTABLE"},
                                    {CKA_MODIFIABLE, false, "CKA_MODIFIABLE"},
                                    {CKA_ENCRYPT, false, "CKA_ENCRYPT"},
                                    {CKA_DECRYPT, false, "CKA_DECRYPT"}};
  for (const auto& expected : kExpected) {
    COFFER_ASSIGN(const bool value, session().read_flag(root.handle, expected.type));
    if (value != expected.value)
      return fail(ErrorCode::corrupt, fmt::format("{} is not locked: {} is {}",
                                                  root_key_label(epoch), expected.name, value));
  }
  auto readable = readable_tenant_key();
  auto leak = session().unwrap_key(root.handle, root.canary, readable);
  if (leak.ok()) {
    COFFER_TRY(session().destroy(*leak));
    return fail(ErrorCode::corrupt, fmt::format("{} is not locked: it unwraps keys as extractable",
                                                root_key_label(epoch)));
  }
  if (pkcs11_code(session().last_rv()).reconnect) return std::move(leak).error();
  return {};
}

Result<Bytes> Pkcs11Keys::generate_wrapped_key(CK_OBJECT_HANDLE root) {
  auto attributes = new_tenant_key();
  COFFER_ASSIGN(const auto key, session().generate_aes_key(attributes));
  auto blob = session().wrap_key(root, key);
  const CK_RV wrap_rv = session().last_rv();
  auto destroyed = session().destroy(key);
  // A key that could still leave the token must not stay.
  if (wrap_rv == CKR_OK && !destroyed.ok()) return std::move(destroyed).error();
  return blob;
}

bool Pkcs11Keys::root_works(const Root& root) {
  auto attributes = loaded_tenant_key();
  const auto key = session().unwrap_key(root.handle, root.canary, attributes);
  return key.ok() && session().destroy(*key).ok();
}

Result<CK_OBJECT_HANDLE> Pkcs11Keys::unwrap_tenant_key(const Root& root, BytesView blob) {
  auto attributes = loaded_tenant_key();
  auto key = session().unwrap_key(root.handle, blob, attributes);
  if (key.ok() || key.error().code == ErrorCode::corrupt || !root_works(root)) return key;
  // The root key works. Once more, since a fault may have passed meanwhile.
  key = session().unwrap_key(root.handle, blob, attributes);
  if (key.ok()) return key;
  return with_code(ErrorCode::corrupt, std::move(key).error());
}

// ---- tenant keys

Result<WrappedTenantKey> Pkcs11Keys::create_tenant_key(const KeyId& id, RootEpoch epoch) {
  COFFER_ASSIGN(const auto* parent, root(epoch));
  COFFER_ASSIGN(auto blob, generate_wrapped_key(parent->handle));
  WrappedTenantKey key{id, epoch, std::move(blob)};
  unload_tenant_key(id);
  COFFER_ASSIGN(const auto* made, tenant_key(key));
  if (!tenant_key_works(*made)) {
    unload_tenant_key(id);
    return fail(ErrorCode::unavailable,
                fmt::format("{}: a new tenant key does not decrypt what it encrypted",
                            connection_.module().name()));
  }
  return key;
}

Result<void> Pkcs11Keys::load_tenant_key(const WrappedTenantKey& key) {
  auto loaded = tenant_key(key);
  if (!loaded.ok()) return std::move(loaded).error();
  return {};
}

void Pkcs11Keys::unload_tenant_key(const KeyId& id) noexcept {
  const auto removed = tenants_.remove(id);
  // A handle that cannot be destroyed is dead already.
  if (removed && connection_.session() != nullptr)
    ignore_result(session().destroy(removed->handle));
}

Result<const LoadedTenantKey*> Pkcs11Keys::tenant_key(const WrappedTenantKey& key) {
  root_missing_ = false;
  if (const auto* present = tenants_.find(key.id)) return present;
  auto parent = root(key.root_epoch);
  if (!parent.ok()) {
    // To a caller who wants a tenant key, a root key that is gone is a fault of ours.
    const auto code = parent.error().code;
    return with_code(code == ErrorCode::not_found ? ErrorCode::unavailable : code,
                     std::move(parent).error());
  }
  COFFER_ASSIGN(const auto handle, unwrap_tenant_key(**parent, key.blob));
  auto made = loaded(handle);
  if (!made.ok()) {
    const auto rv = session().last_rv();
    if (!pkcs11_code(rv).reconnect) ignore_result(session().destroy(handle));
    return std::move(made).error();
  }
  if (const auto evicted = tenants_.insert(key.id, std::move(made).value()))
    ignore_result(session().destroy(evicted->handle));
  return tenants_.find(key.id);
}

Result<LoadedTenantKey> Pkcs11Keys::loaded(CK_OBJECT_HANDLE handle) {
  COFFER_ASSIGN(auto canary,
                session().encrypt_gcm(handle, as_bytes(kCanaryAad), as_bytes(kCanaryText)));
  return LoadedTenantKey{handle, std::move(canary)};
}

bool Pkcs11Keys::tenant_key_works(const LoadedTenantKey& key) {
  const auto text = session().decrypt_gcm(key.handle, as_bytes(kCanaryAad), key.canary);
  return text.ok() && text->equals(as_bytes(kCanaryText));
}

Result<Bytes> Pkcs11Keys::wrap(const WrappedTenantKey& key, BytesView aad, BytesView data_key) {
  if (data_key.size() != kDataKeyBytes)
    return fail(ErrorCode::internal, "only a data key of 32 bytes is wrapped");
  COFFER_ASSIGN(const auto* tenant, tenant_key(key));
  return session().encrypt_gcm(tenant->handle, aad, data_key);
}

Result<SecretBytes> Pkcs11Keys::unwrap(const WrappedTenantKey& key, BytesView aad, BytesView blob) {
  if (blob.size() != kDataKeyBytes + kSealOverheadBytes)
    return fail(ErrorCode::corrupt,
                fmt::format("a wrapped data key has 60 bytes, not {}", blob.size()));
  COFFER_ASSIGN(const auto* tenant, tenant_key(key));
  auto data_key = session().decrypt_gcm(tenant->handle, aad, blob);
  if (data_key.ok() || data_key.error().code == ErrorCode::corrupt) return data_key;
  if (!tenant_key_works(*tenant)) return data_key;
  // The tenant key works. Once more, since a fault may have passed meanwhile.
  data_key = session().decrypt_gcm(tenant->handle, aad, blob);
  if (data_key.ok()) return data_key;
  auto error = with_code(ErrorCode::corrupt, std::move(data_key).error());
  error.message += " although its tenant key works: the wrapped key was altered or moved";
  return error;
}

// ---- the connection

bool Pkcs11Keys::may_be_lost(const Error& error) const {
  if (error.code != ErrorCode::unavailable && error.code != ErrorCode::not_found) return false;
  return root_missing_ || pkcs11_code(connection_.session()->last_rv()).reconnect;
}

void Pkcs11Keys::forget_handles() noexcept {
  roots_.clear();
  tenants_.clear();
}

bool Pkcs11Keys::find_known_roots() {
  const auto erased = std::erase_if(known_roots_, [this](RootEpoch epoch) {
    const auto found = search_root(epoch);
    return !found.ok() || found->empty();
  });
  return erased == 0;
}

void Pkcs11Keys::forget_everything() noexcept {
  forget_handles();
  known_roots_.clear();
}

}  // namespace coffer::hsm
