#include "actors/cubbyhole.h"

#include "actors/token_desk.h"
#include "events/log/state_keys.h"

namespace coffer::actors {
namespace {

constexpr std::size_t kPage = 1000;

std::string place_of(const TokenId& token) {
  return to_hex(token.view());
}

void remove(const Services& services, const TenantSnapshot& tenant, const TokenId& token) {
  auto request = std::make_shared<SecretRequest>();
  request->key = {kCubbyholeMount, place_of(token)};
  request->body = ChangeSecret{nullptr, secret::RemoveSecret{}, 0,
                               Promise<api::SecretChanged>([](Result<api::SecretChanged>) {})};
  const auto sent = tenant.link->ref().try_send(std::move(request), services.limits.mailbox_max);
  if (!sent) return;  // the next sweep finds it
}

// A token that is over by itself. One below a dead token is forgotten by the token sweep, and its
// cubbyhole goes with it.
Result<bool> is_dead(const Services& services, const TenantKeys& keys, const TokenId& id) {
  COFFER_ASSIGN(const auto token, stored_token(services.log, keys, id));
  return !token || !token->is_live(services.clock.now());
}

// What cannot be read now is looked at again by the next sweep.
Result<void> sweep(const Services& services, const TenantSnapshot& tenant) {
  const auto& keys = *tenant.keys;
  const auto prefix = listing_folder(keys, kCubbyholeMount, "");
  Bytes after;
  while (true) {
    COFFER_ASSIGN(auto page, services.log.scan(log::Family::listing, prefix, after, kPage));
    if (page.empty()) return {};
    for (const auto& row : page) {
      COFFER_ASSIGN(const auto name, keys.open(row.key, row.value));
      const auto bytes = from_hex(name.expose_text());
      if (bytes.size() != TokenId{}.bytes.size()) continue;
      const auto token = TokenId::from_bytes(bytes);
      COFFER_ASSIGN(const bool dead, is_dead(services, keys, token));
      if (dead) remove(services, tenant, token);
    }
    after = std::move(page.back().key);
  }
}

}  // namespace

std::optional<tenant::Mount> cubbyhole_mount(std::string_view path) {
  constexpr std::string_view kPath = "cubbyhole/";
  if (!path.starts_with(kPath)) return std::nullopt;
  tenant::Mount mount{};
  mount.id = kCubbyholeMount;
  mount.path = kPath;
  mount.type = "cubbyhole";
  mount.settings = kCubbyholeSettings;
  return mount;
}

void drop_cubbyhole(const Services& services, const TenantSnapshot& tenant, const TokenId& token) {
  const auto& keys = *tenant.keys;
  const auto row = log::secret_row(keys.tenant(), kCubbyholeMount,
                                   keys.secret_id(kCubbyholeMount, place_of(token)));
  // Most tokens never had one. A write that is under way now is found by the sweep.
  const auto stored = services.log.get(log::Family::aggregates, row);
  if (stored && !*stored) return;
  remove(services, tenant, token);
}

void sweep_cubbyholes(Services& services, const TenantSnapshotPtr& tenant) {
  auto job = std::make_shared<ReadJob>();
  job->run = [&services, tenant] { ignore_result(sweep(services, *tenant)); };
  if (!services.reader.try_send(std::move(job), services.limits.mailbox_max)) return;
}

}  // namespace coffer::actors
