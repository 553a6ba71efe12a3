// Puts what the parts of the server count onto a page. The counters themselves live as long as the
// process, so that a node that becomes the active one again goes on counting.
// Threads: any, each with its own page.
#pragma once

#include <memory>
#include <string_view>

#include "actors/instruments.h"
#include "actors/runtime_readings.h"
#include "hsm/metered_key_service.h"
#include "net/cluster/request_router.h"
#include "net/http/http_server.h"
#include "net/vault_api/request_metrics.h"
#include "tools/cofferd/metrics_page.h"

namespace coffer::server {

struct Instruments {
  std::shared_ptr<net::vault::RequestMetrics> requests =
      std::make_shared<net::vault::RequestMetrics>();
  std::shared_ptr<actors::Instruments> actors = std::make_shared<actors::Instruments>();
  std::shared_ptr<hsm::KeyServiceMetrics> keys = std::make_shared<hsm::KeyServiceMetrics>();
};

// Build, requests, log, HSM: what is counted whether this node is active or not.
void add_instruments(MetricsPage& page, const Instruments& instruments);
void add_runtime(MetricsPage& page, const actors::RuntimeReadings& readings);
// Instead of add_runtime() where there is no runtime.
void add_seal_state(MetricsPage& page, bool initialized, bool sealed, bool active);
// `listener`: "api", "peer".
void add_http(MetricsPage& page, std::string_view listener, const net::HttpCounters& counters);
void add_routing(MetricsPage& page, const net::RequestRouter::Counts& counts);
void add_process_metrics(MetricsPage& page);

}  // namespace coffer::server
