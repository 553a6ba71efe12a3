// KeyService in memory: real AES-GCM through hsm::seal and hsm::open, a PIN and a login state, root
// keys that survive a restart of the service. Faults on demand:
//   fail_next(n)        the next n calls after login answer `unavailable`
//   lose_token()        every call answers `unavailable` until the next login
//   fail_next_open()    the next unwrap answers `corrupt`, as an altered blob does
// The faults that no HSM may have (a wrong key, a blob that opens at another place) cannot be asked
// for. Threads: one, as the port says.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "events/base/ports.h"
#include "hsm/key_service.h"

namespace coffer::testing {

// The token itself: what is left of it when the process ends.
struct FakeToken {
  bool initialized = false;
  std::string pin;
  std::map<hsm::RootEpoch, Bytes> roots;
};

class FakeKeyService final : public hsm::KeyService {
 public:
  FakeKeyService(std::shared_ptr<FakeToken> token, Random& random)
      : token_(std::move(token)), random_(random) {}

  void fail_next(unsigned calls) noexcept { failing_ = calls; }
  void lose_token() noexcept { lost_ = true; }
  void fail_next_open() noexcept { fail_open_ = true; }
  // Ends every fault above.
  void repair() noexcept {
    failing_ = 0;
    lost_ = fail_open_ = false;
  }
  // Calls that reached the keys, so that a test can see what a cache saved.
  [[nodiscard]] std::uint64_t calls() const noexcept { return calls_; }

  Result<void> login(const SecretBytes& pin) override;
  void logout() noexcept override;
  [[nodiscard]] bool logged_in() const noexcept override { return logged_in_; }
  Result<void> create_root_key(hsm::RootEpoch epoch) override;
  Result<void> check_root_key(hsm::RootEpoch epoch) override;
  Result<hsm::WrappedTenantKey> create_tenant_key(const KeyId& id, hsm::RootEpoch epoch) override;
  Result<void> load_tenant_key(const hsm::WrappedTenantKey& key) override;
  void unload_tenant_key(const KeyId& id) noexcept override;
  Result<Bytes> wrap(const hsm::WrappedTenantKey& key, BytesView aad, BytesView data_key) override;
  Result<SecretBytes> unwrap(const hsm::WrappedTenantKey& key, BytesView aad,
                             BytesView blob) override;

 private:
  Result<void> begin_call();
  Result<const Bytes*> root(hsm::RootEpoch epoch) const;
  Result<const Bytes*> tenant_key(const hsm::WrappedTenantKey& key);

  std::shared_ptr<FakeToken> token_;
  Random& random_;
  bool logged_in_ = false;
  bool lost_ = false;
  bool fail_open_ = false;
  unsigned failing_ = 0;
  std::uint64_t calls_ = 0;
  std::map<KeyId, Bytes> loaded_;
};

}  // namespace coffer::testing
