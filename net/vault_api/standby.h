// What a node of a cluster answers by itself while it is not the active one: how it stands
// (sys/health, sys/leader, sys/seal-status, sys/init) and what is done to this node alone
// (sys/unseal, sys/seal, sys/cluster/drain and undrain). Everything else is the active node's, and
// of a sealed node nobody's: it answers 503, as a sealed Vault does.
//
// Sealing and draining need a token, which a standby cannot judge: the request goes to the active
// node, which checks and records it without doing it (HttpRequest::forwarded_by says whose it is),
// and the node that was asked does it when the answer is 204. So it goes with sys/metrics: every
// node shows its own, and the active one judges who may see them, unless the options let everybody.
#pragma once

#include <functional>
#include <optional>

#include "events/api/request_port.h"
#include "net/vault_api/vault_api.h"

namespace coffer::net {

// Threads: any, at once. Callbacks come once, on any thread.
class StandbyPort {
 public:
  virtual ~StandbyPort() = default;
  // Of this node. Sealed: initialised, and without the keys. Cheap: asked for every request.
  [[nodiscard]] virtual bool sealed() const = 0;
  [[nodiscard]] virtual api::ServiceStatus status() const = 0;
  // The status, and if the vault is not initialised as far as this node knows, as of some time
  // after the call: whoever has initialised it through another node sees that.
  virtual void look_again(std::function<void(api::ServiceStatus)> done) = 0;
  virtual void unseal(SecretBytes share, api::Callback<api::ServiceStatus> done) = 0;
  virtual api::ServiceStatus reset_unseal() = 0;
  virtual void seal() = 0;
  // Not to become the active node for so long; nothing: until volunteer().
  virtual void stand_back(std::optional<Seconds> length) = 0;
  virtual void volunteer() = 0;
};

// True: answered, now or later. False: the request is the active node's; `respond` may be another
// one then, which looks at the answer on its way. `options.ha` must be set; it is called only for
// an answer that shows it.
[[nodiscard]] bool answer_as_standby(const std::shared_ptr<HttpRequest>& request,
                                     Responder& respond, StandbyPort& port, Timestamp now,
                                     const VaultApiOptions& options);

// What a sealed node answers to everything else.
[[nodiscard]] HttpResponse sealed_response();

}  // namespace coffer::net
