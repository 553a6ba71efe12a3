#include "net/vault_api/vault_api.h"

#include "net/vault_api/exchange.h"

namespace coffer::net {

VaultApi::VaultApi(api::RequestPort& port, Random& random, VaultApiOptions options)
    : context_(std::make_shared<vault::ApiContext>(port, random, std::move(options))) {}

VaultApi::~VaultApi() = default;

void VaultApi::handle(std::shared_ptr<HttpRequest> request, Responder respond) {
  const auto exchange = std::make_shared<vault::Exchange>(context_, std::move(respond));
  exchange->guarded([&] { exchange->begin(*request); });
}

}  // namespace coffer::net
