#include "actors/rewrap_scan.h"

#include "actors/append_builder.h"
#include "events/log/state_keys.h"

namespace coffer::actors {
namespace {

constexpr std::size_t kBlobsPerPage = 4096;
constexpr std::size_t kSecretsPerPage = 32;

Result<void> add_candidates(const log::StateReader& store, const TenantKeys& keys,
                            keyring::KeyTerm term, const secret::SecretState& secret,
                            std::vector<RewrapCandidate>& out) {
  for (const auto& [number, version] : secret.versions) {
    if (version.destroyed) continue;
    const auto row = log::key_row(keys.tenant(), secret.mount, version.data_key);
    COFFER_ASSIGN(auto blob, store.get(log::Family::keys, row));
    if (!blob) continue;  // destroyed since the snapshot was read
    COFFER_ASSIGN(const auto parsed, parse_data_key_blob(*blob));
    if (parsed.term != term) continue;
    out.push_back({{secret.mount, secret.path, number}, version.data_key, std::move(*blob)});
  }
  return {};
}

}  // namespace

Result<void> count_blobs(const log::StateReader& store, const TenantId& tenant,
                         keyring::KeyTerm term, BlobCount& count) {
  COFFER_ASSIGN(auto page,
                store.scan(log::Family::keys, tenant.view(), count.after, kBlobsPerPage));
  // The tenant's own keys have rows of mount zero; the keyring says what wraps them.
  const auto own = log::mount_prefix(tenant, {});
  for (const auto& row : page) {
    if (std::equal(own.begin(), own.end(), row.key.begin())) continue;
    COFFER_ASSIGN(const auto parsed, parse_data_key_blob(row.value));
    if (parsed.term == term) ++count.left;
  }
  count.ended = page.size() < kBlobsPerPage;
  if (!page.empty()) count.after = std::move(page.back().key);
  return {};
}

Result<RewrapPage> find_candidates(const log::StateReader& store, const TenantKeys& keys,
                                   keyring::KeyTerm term, const Bytes& after) {
  const auto prefix = log::tenant_aggregate_row(keys.tenant(), log::AggregateKind::secret);
  COFFER_ASSIGN(auto rows, store.scan(log::Family::aggregates, prefix, after, kSecretsPerPage));
  RewrapPage page;
  page.ended = rows.size() < kSecretsPerPage;
  for (const auto& row : rows) {
    COFFER_ASSIGN(const auto opened, keys.open(row.key, log::unstamp(row.value).value));
    COFFER_ASSIGN(const auto snapshot,
                  codec::decode_snapshot<secret::SecretState>(opened.expose()));
    COFFER_TRY(add_candidates(store, keys, term, snapshot.state, page.found));
  }
  if (!rows.empty()) page.after = std::move(rows.back().key);
  return page;
}

}  // namespace coffer::actors
