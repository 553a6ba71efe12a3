// A KeyService that measures another one: how long each call took, and which failed. Threads: as
// the other one; the metrics may be read from any.
#pragma once

#include <array>
#include <memory>
#include <string_view>

#include "events/base/instruments.h"
#include "events/base/ports.h"
#include "hsm/key_service.h"

namespace coffer::hsm {

enum class KeyOperation : std::uint8_t {
  login,
  create_root_key,
  check_root_key,
  create_tenant_key,
  load_tenant_key,
  wrap,
  unwrap
};
inline constexpr std::array<std::string_view, 7> kKeyOperationNames = {
    "login", "create_root_key", "check_root_key", "create_tenant_key", "load_tenant_key",
    "wrap",  "unwrap"};

struct KeyServiceMetrics {
  HistogramArray ns{kKeyOperationNames.size(), kLatencyBoundsNs};  // by KeyOperation
  CounterArray errors{kKeyOperationNames.size()};
};

class MeteredKeyService final : public KeyService {
 public:
  // `clock` outlives the service.
  MeteredKeyService(std::shared_ptr<KeyService> keys, std::shared_ptr<KeyServiceMetrics> metrics,
                    const Clock& clock)
      : keys_(std::move(keys)), metrics_(std::move(metrics)), clock_(clock) {}

  Result<void> login(const SecretBytes& pin) override;
  void logout() noexcept override { keys_->logout(); }
  [[nodiscard]] bool logged_in() const noexcept override { return keys_->logged_in(); }
  Result<void> create_root_key(RootEpoch epoch) override;
  Result<void> check_root_key(RootEpoch epoch) override;
  Result<WrappedTenantKey> create_tenant_key(const KeyId& id, RootEpoch epoch) override;
  Result<void> load_tenant_key(const WrappedTenantKey& key) override;
  void unload_tenant_key(const KeyId& id) noexcept override { keys_->unload_tenant_key(id); }
  Result<Bytes> wrap(const WrappedTenantKey& key, BytesView aad, BytesView data_key) override;
  Result<SecretBytes> unwrap(const WrappedTenantKey& key, BytesView aad, BytesView blob) override;

 private:
  template <class Call>
  auto measured(KeyOperation operation, Call&& call);

  const std::shared_ptr<KeyService> keys_;
  const std::shared_ptr<KeyServiceMetrics> metrics_;
  const Clock& clock_;
};

}  // namespace coffer::hsm
