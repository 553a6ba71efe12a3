// Wrapped answers that nobody fetched in time.
#include "actors/token_desk.h"
#include "actors/wrapping.h"
#include "events/log/state_keys.h"

namespace coffer::actors {
namespace {

constexpr Seconds kFetchTime{60};  // of a fetch that began just before the end
constexpr std::size_t kPage = 1000;

std::optional<TokenId> token_of(const std::string& path) {
  const auto bytes = from_hex(path);
  if (bytes.size() != TokenId{}.bytes.size()) return std::nullopt;
  return TokenId::from_bytes(bytes);
}

// By the token's own time only: one that is used up may belong to a fetch under way. An answer
// whose token was never made goes by the time it was written.
Result<bool> is_over(const Services& services, const TenantKeys& keys, const TokenId& id,
                     const std::string& path) {
  const auto now = services.clock.now();
  COFFER_ASSIGN(const auto token, stored_token(services.log, keys, id));
  if (token) return token->expire_time.is_set() && token->expire_time + kFetchTime < now;
  COFFER_ASSIGN(const auto secret, load_snapshot<secret::SecretState>(
                                       services.log, keys, log::Family::aggregates,
                                       log::secret_row(keys.tenant(), kWrappingMount,
                                                       keys.secret_id(kWrappingMount, path))));
  return secret && secret->state.created_time + kFetchTime < now;
}

// What cannot be read now is looked at again by the next sweep.
Result<void> sweep(const Services& services, const TenantSnapshot& tenant) {
  const auto& keys = *tenant.keys;
  const auto prefix = listing_folder(keys, kWrappingMount, "");
  Bytes after;
  while (true) {
    COFFER_ASSIGN(auto page, services.log.scan(log::Family::listing, prefix, after, kPage));
    if (page.empty()) return {};
    for (const auto& row : page) {
      COFFER_ASSIGN(const auto name, keys.open(row.key, row.value));
      const std::string path(name.expose_text());
      const auto token = token_of(path);
      if (!token) continue;
      COFFER_ASSIGN(const bool over, is_over(services, keys, *token, path));
      if (over) drop_wrapped(services, tenant, *token);
    }
    after = std::move(page.back().key);
  }
}

}  // namespace

void sweep_wrapped(Services& services, const TenantSnapshotPtr& tenant) {
  auto job = std::make_shared<ReadJob>();
  job->run = [&services, tenant] { ignore_result(sweep(services, *tenant)); };
  if (!services.reader.try_send(std::move(job), services.limits.mailbox_max)) return;
}

}  // namespace coffer::actors
