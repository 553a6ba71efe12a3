// What all threads and connections of one server share. Outlives them all.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "net/http/body_budget.h"
#include "net/http/connection_table.h"
#include "net/http/http_server.h"
#include "net/http/tls_context.h"

namespace coffer::net {

struct ServerContext {
  ServerContext(const HttpServerOptions& options, HttpHandler request_handler)
      : limits(options.limits),
        handler(std::move(request_handler)),
        tls({options.certificate_file, options.key_file, options.client_ca_file,
             options.require_client_certificate}),
        connections(options.limits.connections_max, options.limits.connections_per_address_max),
        body_budget(std::make_shared<BodyBudget>(options.limits.bodies_bytes_max)) {}

  const HttpLimits limits;
  const HttpHandler handler;
  TlsContext tls;
  ConnectionTable connections;
  const std::shared_ptr<BodyBudget> body_budget;
  std::atomic<std::uint64_t> handshakes{0};
  std::atomic<std::uint64_t> handshakes_resumed{0};
  std::atomic<std::uint64_t> handshake_failures{0};
  std::atomic<std::uint64_t> requests_refused{0};
};

}  // namespace coffer::net
