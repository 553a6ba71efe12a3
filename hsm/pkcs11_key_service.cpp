#include "hsm/pkcs11_key_service.h"

#include <fmt/format.h>

#include "hsm/pkcs11_connection.h"
#include "hsm/pkcs11_keys.h"
#include "hsm/system_clock.h"

namespace coffer::hsm {

struct Pkcs11KeyService::Impl {
  Impl(std::unique_ptr<Pkcs11Module> module, const Pkcs11Options& options)
      : connection(std::move(module), options.token_label, options.keep_pin),
        keys(connection, options.tenant_keys_max),
        clock(options.clock != nullptr ? *options.clock : system_clock),
        pause_ns(std::chrono::nanoseconds(options.reconnect_pause).count()) {}

  // Runs an operation; if it fails as a lost connection makes it fail, opens the connection again
  // and runs it once more.
  template <class Operation>
  auto run(Operation operation) -> decltype(operation()) {
    if (!connection.logged_in())
      return fail(ErrorCode::unavailable,
                  fmt::format("{}: not logged in to token '{}'", connection.module().name(),
                              connection.token_label()));
    if (connection.session() == nullptr) {
      if (clock.monotonic_ns() < next_attempt_ns) return last_failure;
      COFFER_TRY(reconnect());
    }
    auto first = operation();
    if (first.ok() || !keys.may_be_lost(first.error())) return first;
    // Also after a success: an operation that fails for another reason must not cost every tenant
    // its loaded key each time.
    if (clock.monotonic_ns() < next_attempt_ns) return first;
    COFFER_TRY(reconnect());
    return operation();
  }

  Result<void> reconnect() {
    next_attempt_ns = clock.monotonic_ns() + pause_ns;
    keys.forget_handles();
    auto renewed = connection.renew_session();
    const bool restart_may_help = connection.logged_in() && connection.module().restartable();
    if (restart_may_help && (!renewed.ok() || !keys.find_known_roots())) {
      keys.forget_handles();
      renewed = connection.restart_module();
    }
    if (renewed.ok()) return {};
    last_failure = fail(ErrorCode::unavailable, renewed.error().message);
    return last_failure;
  }

  SystemClock system_clock;
  Pkcs11Connection connection;
  Pkcs11Keys keys;
  const Clock& clock;
  std::int64_t pause_ns;
  std::int64_t next_attempt_ns = 0;
  Error last_failure{ErrorCode::unavailable, ""};
};

Result<std::unique_ptr<Pkcs11KeyService>> Pkcs11KeyService::open(const Pkcs11Options& options) {
  if (options.tenant_keys_max == 0)
    return fail(ErrorCode::invalid_argument, "at least one tenant key must fit into the HSM");
  COFFER_ASSIGN(auto module, Pkcs11Module::load(options.module_path));
  // Refuses a label that no token can have.
  COFFER_TRY(module->find_token(options.token_label));
  return std::unique_ptr<Pkcs11KeyService>(
      new Pkcs11KeyService(std::make_unique<Impl>(std::move(module), options)));
}

Pkcs11KeyService::Pkcs11KeyService(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Pkcs11KeyService::~Pkcs11KeyService() = default;

Result<bool> Pkcs11KeyService::token_present() const {
  COFFER_ASSIGN(const auto slot,
                impl_->connection.module().find_token(impl_->connection.token_label()));
  return slot.has_value();
}

Result<void> Pkcs11KeyService::initialize_token(const SecretBytes& so_pin,
                                                const SecretBytes& user_pin) {
  return impl_->connection.module().initialize_token(impl_->connection.token_label(), so_pin,
                                                     user_pin);
}

Result<void> Pkcs11KeyService::login(const SecretBytes& pin) {
  impl_->keys.forget_everything();
  impl_->next_attempt_ns = 0;
  return impl_->connection.login(pin);
}

void Pkcs11KeyService::logout() noexcept {
  impl_->keys.forget_everything();
  impl_->connection.logout();
}

bool Pkcs11KeyService::logged_in() const noexcept {
  return impl_->connection.logged_in();
}

Result<void> Pkcs11KeyService::create_root_key(RootEpoch epoch) {
  return impl_->run([&] { return impl_->keys.create_root(epoch); });
}

Result<void> Pkcs11KeyService::check_root_key(RootEpoch epoch) {
  return impl_->run([&] { return impl_->keys.check_root(epoch); });
}

Result<WrappedTenantKey> Pkcs11KeyService::create_tenant_key(const KeyId& id, RootEpoch epoch) {
  return impl_->run([&] { return impl_->keys.create_tenant_key(id, epoch); });
}

Result<void> Pkcs11KeyService::load_tenant_key(const WrappedTenantKey& key) {
  return impl_->run([&] { return impl_->keys.load_tenant_key(key); });
}

void Pkcs11KeyService::unload_tenant_key(const KeyId& id) noexcept {
  impl_->keys.unload_tenant_key(id);
}

Result<Bytes> Pkcs11KeyService::wrap(const WrappedTenantKey& key, BytesView aad,
                                     BytesView data_key) {
  return impl_->run([&] { return impl_->keys.wrap(key, aad, data_key); });
}

Result<SecretBytes> Pkcs11KeyService::unwrap(const WrappedTenantKey& key, BytesView aad,
                                             BytesView blob) {
  return impl_->run([&] { return impl_->keys.unwrap(key, aad, blob); });
}

}  // namespace coffer::hsm
