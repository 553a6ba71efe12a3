#include "actors/seal_service.h"

#include "actors/tenant_opening.h"
#include "actors/token_desk.h"
#include "actors/token_text.h"
#include "events/log/state_keys.h"
#include "hsm/envelope_cipher.h"
#include "hsm/shamir.h"

namespace coffer::actors {
namespace {

constexpr hsm::RootEpoch kFirstEpoch = 1;

}  // namespace

struct SealService::NewVault {
  NewTenantKeys root;
  log::Append tenant;
  log::Append token;
  SecretBytes root_token;
};

SealService::SealService(Services& services, TokenSetup setup, SealOptions options)
    : services_(services), setup_(std::move(setup)), options_(std::move(options)) {}

Result<void> SealService::load() {
  COFFER_ASSIGN(auto stored, services_.log.get(log::Family::meta, log::meta_row(kVaultRow)));
  if (!stored) return {};
  COFFER_ASSIGN(auto row, codec::decode_vault_row(*stored));
  if (row.shamir != (options_.type == api::SealType::shamir))
    return fail(ErrorCode::invalid_argument,
                "the configured seal type is not the one this vault was initialised with");
  const std::lock_guard lock(mutex_);
  row_ = std::move(row);
  phase_ = Phase::sealed;
  return {};
}

api::ServiceStatus SealService::status() const {
  const auto phase = phase_.load();
  const std::lock_guard lock(mutex_);
  api::ServiceStatus status;
  status.initialized = phase != Phase::uninitialized && phase != Phase::initializing;
  status.sealed = phase != Phase::active;
  status.seal_type = options_.type;
  if (status.initialized) {
    status.threshold = row_.threshold;
    status.shares = row_.shares;
  }
  status.progress = shares_.progress();
  status.nonce = shares_.nonce();
  if (!status.sealed) {
    status.cluster_name = row_.cluster_name;
    status.cluster_id = row_.cluster_id.to_string();
  }
  status.problem = problem_;
  return status;
}

codec::VaultRow SealService::vault_row() const {
  const std::lock_guard lock(mutex_);
  return row_;
}

void SealService::set_problem(std::string problem) {
  const std::lock_guard lock(mutex_);
  problem_ = std::move(problem);
}

// ---------------------------------------------------------------- initialisation
Result<void> SealService::begin_initialize() {
  auto expected = Phase::uninitialized;
  if (!phase_.compare_exchange_strong(expected, Phase::initializing))
    return fail(ErrorCode::invalid_argument, "Vault is already initialized");
  return {};
}

void SealService::initialize(const api::InitRequest& request,
                             api::Callback<api::InitOutcome> done) {
  if (options_.type != api::SealType::shamir)
    return done(fail(ErrorCode::invalid_argument,
                     "parameters secret_shares,secret_threshold not applicable to seal type "
                     "automatic: the server initialises itself from its PIN file"));
  if (auto begun = begin_initialize(); !begun) return done(begun.error());
  SecretBytes entropy(kPinEntropyBytes), unseal_key(kPinEntropyBytes);
  services_.random.fill(entropy.writable());
  services_.random.fill(unseal_key.writable());
  auto shares = hsm::split_secret(unseal_key, request.shares, request.threshold, services_.random);
  if (!shares) {
    phase_ = Phase::uninitialized;
    return done(shares.error());
  }
  codec::VaultRow row;
  row.shamir = true;
  row.shares = request.shares;
  row.threshold = request.threshold;
  row.cluster_id = random_id<Id128<codec::ClusterTag>>(services_.random);
  row.sealed_pin = seal_pin(unseal_key, row.cluster_id, entropy);
  run_initialize(pin_of(entropy), std::move(row), nullptr, std::move(*shares), std::move(done));
}

void SealService::initialize_automatic(SecretBytes pin, KeepRootToken keep,
                                       api::Callback<api::InitOutcome> done) {
  if (options_.type != api::SealType::automatic)
    return done(fail(ErrorCode::invalid_argument, "the seal type is not automatic"));
  if (auto begun = begin_initialize(); !begun) return done(begun.error());
  run_initialize(std::move(pin), {}, std::move(keep), {}, std::move(done));
}

void SealService::run_initialize(SecretBytes pin, codec::VaultRow row, KeepRootToken keep,
                                 std::vector<SecretBytes> shares,
                                 api::Callback<api::InitOutcome> done) {
  row.root_epoch = kFirstEpoch;
  if (row.cluster_id.is_zero())
    row.cluster_id = random_id<Id128<codec::ClusterTag>>(services_.random);
  row.cluster_name = options_.cluster_name;
  row.created_time = services_.clock.now();
  auto secret_pin = std::make_shared<SecretBytes>(std::move(pin));
  auto secret_shares = std::make_shared<std::vector<SecretBytes>>(std::move(shares));
  Promise<api::InitOutcome> promise(
      [this, secret_shares, done = std::move(done)](Result<api::InitOutcome> outcome) {
        if (!outcome)
          phase_ = Phase::uninitialized;
        else
          outcome->key_shares = std::move(*secret_shares);
        done(std::move(outcome));
      });
  auto job = std::make_shared<HsmJob>();
  job->run = [this, secret_pin, row, keep = std::move(keep), promise](hsm::KeyService& hsm) {
    auto vault = make_vault(hsm, *secret_pin, row, keep != nullptr);
    if (vault && keep)
      if (auto kept = keep(vault->root_token); !kept) vault = kept.error();
    // Initialised, not unsealed: the first unseal logs in, as every later one.
    hsm.logout();
    if (!vault) return promise.fail(vault.error());
    {
      const std::lock_guard lock(mutex_);
      row_ = row;
    }
    append_vault(std::move(*vault), promise);
  };
  services_.hsm.send(std::move(job));
}

Result<SealService::NewVault> SealService::make_vault(hsm::KeyService& hsm, const SecretBytes& pin,
                                                      codec::VaultRow row, bool with_secret_mount) {
  COFFER_ASSIGN(const bool present, setup_.token_present());
  if (!present) {
    SecretBytes so_entropy(kPinEntropyBytes);
    services_.random.fill(so_entropy.writable());
    COFFER_TRY(setup_.make_token(pin_of(so_entropy), pin));
  }
  COFFER_TRY(hsm.login(pin));
  // A root key that an interrupted initialisation left behind is used, once it proves itself.
  if (auto created = hsm.create_root_key(kFirstEpoch);
      !created && created.error().code != ErrorCode::already_exists)
    return created.error();
  COFFER_TRY(hsm.check_root_key(kFirstEpoch));
  NewVault vault;
  COFFER_ASSIGN(vault.root, make_tenant_keys(hsm, services_, kRootTenant, kFirstEpoch));
  const auto& keys = *vault.root.keys;
  COFFER_ASSIGN(auto tenant, build_new_tenant(vault.root, keys, services_, DirectoryEntry{}, "", {},
                                              with_secret_mount));
  vault.tenant = std::move(tenant.append);
  vault.tenant.changes.push_back(
      plain_row(log::Family::meta, log::meta_row(kVaultRow), codec::encode_vault_row(row)));

  vault.root_token = random_token_text(services_.random);
  token::TokenCreated created;
  created.id = keys.token_id(vault.root_token.expose_text());
  created.accessor = random_accessor(services_.random);
  created.policies = {"root"};
  created.display_name = "root";
  created.path = "auth/token/root";
  created.created_time = services_.clock.now();
  COFFER_ASSIGN(auto state, token::evolve({}, created));
  COFFER_ASSIGN(
      vault.token.event,
      seal_events(keys, created.id.view(), {codec::AnyEvent{token::Event{created}}},
                  created.created_time, random_id<Id128<codec::CommandTag>>(services_.random)));
  COFFER_ASSIGN(vault.token.changes, token_rows(keys, state));
  return vault;
}

void SealService::append_vault(NewVault vault, Promise<api::InitOutcome> done) {
  auto root_token = std::make_shared<SecretBytes>(std::move(vault.root_token));
  auto job = std::make_shared<AppendJob>();
  job->appends.push_back(std::move(vault.tenant));
  job->appends.push_back(std::move(vault.token));
  job->done = [this, root_token, done](const Result<std::vector<log::Appended>>& result) {
    if (!result) return done.fail(result.error());
    phase_ = Phase::sealed;
    if (options_.on_initialized) options_.on_initialized(vault_row());
    api::InitOutcome outcome;
    outcome.root_token = std::move(*root_token);
    done(std::move(outcome));
  };
  services_.log_writer.send(std::move(job));
}

// ---------------------------------------------------------------- unseal
void SealService::unseal_with_pin(SecretBytes pin, api::Callback<api::ServiceStatus> done) {
  open_with(std::move(pin), false, std::move(done));
}

void SealService::add_share(SecretBytes share, api::Callback<api::ServiceStatus> done) {
  if (phase_ == Phase::uninitialized || phase_ == Phase::initializing)
    return done(fail(ErrorCode::not_initialized, "server is not yet initialized"));
  if (phase_ == Phase::active) return done(status());
  if (options_.type != api::SealType::shamir)
    return done(
        fail(ErrorCode::invalid_argument, "this server unseals itself: no key shares are taken"));
  Result<std::optional<SecretBytes>> pin = std::optional<SecretBytes>();
  {
    const std::lock_guard lock(mutex_);
    pin = shares_.add(std::move(share), scheme_of(row_), services_.random);
  }
  if (!pin) return done(pin.error());
  if (!*pin) return done(status());
  open_with(std::move(**pin), true, std::move(done));
}

api::ServiceStatus SealService::reset() {
  {
    const std::lock_guard lock(mutex_);
    shares_.reset();
  }
  return status();
}

void SealService::open_with(SecretBytes pin, bool shamir, api::Callback<api::ServiceStatus> done) {
  auto expected = Phase::sealed;
  if (!phase_.compare_exchange_strong(expected, Phase::opening)) {
    if (expected == Phase::active) return done(status());
    return done(fail(
        expected == Phase::opening ? ErrorCode::overloaded : ErrorCode::not_initialized,
        expected == Phase::opening ? "an unseal is under way" : "server is not yet initialized"));
  }
  auto secret_pin = std::make_shared<SecretBytes>(std::move(pin));
  Promise<api::ServiceStatus> promise(
      [this, done = std::move(done)](Result<api::ServiceStatus> result) {
        if (!result) phase_ = Phase::sealed;
        done(std::move(result));
      });
  // A request of before the seal may have woken a tenant after all: it ends too.
  services_.partition.send(std::make_shared<DropTenants>());
  open_when_at_rest(std::move(secret_pin), shamir, std::move(promise),
                    services_.clock.monotonic_ns(), 1);
}

// Actors of before the last seal may still be ending. Two actors of one secret would both append,
// so the new ones begin when the old ones have left and the log is past what they appended.
void SealService::open_when_at_rest(std::shared_ptr<SecretBytes> pin, bool shamir,
                                    Promise<api::ServiceStatus> done, std::int64_t began_ns,
                                    std::uint64_t attempt) {
  constexpr std::int64_t kPatienceNs = 10'000'000'000;
  constexpr std::uint64_t kAttemptsPerReminder = 1000;
  auto job = std::make_shared<HsmJob>();
  job->run = [this, pin, shamir, done, began_ns, attempt](hsm::KeyService&) {
    if (services_.secret_actors == 0 && services_.tenant_actors == 0)
      return open_behind_fence(pin, shamir, done);
    if (services_.clock.monotonic_ns() - began_ns > kPatienceNs)
      return done.fail(ErrorCode::unavailable, "the last seal has not ended yet");
    if (attempt % kAttemptsPerReminder == 0)
      services_.partition.send(std::make_shared<DropTenants>());
    // Behind the jobs that wait already.
    open_when_at_rest(pin, shamir, done, began_ns, attempt + 1);
  };
  services_.hsm.send(std::move(job));
}

void SealService::open_behind_fence(std::shared_ptr<SecretBytes> pin, bool shamir,
                                    Promise<api::ServiceStatus> done) {
  auto fence = std::make_shared<AppendJob>();
  fence->done = [this, pin, shamir, done](const auto&) {
    auto job = std::make_shared<HsmJob>();
    job->run = [this, pin, shamir, done](hsm::KeyService& hsm) {
      try_open(hsm, *pin, shamir, done);
    };
    services_.hsm.send(std::move(job));
  };
  services_.log_writer.send(std::move(fence));
}

void SealService::try_open(hsm::KeyService& hsm, const SecretBytes& pin, bool shamir,
                           const Promise<api::ServiceStatus>& done) {
  auto opened = open(hsm, pin);
  if (opened) {
    {
      const std::lock_guard lock(mutex_);
      pin_digest_ = hsm::sha256(pin.expose());
    }
    set_problem("");
    phase_ = Phase::active;
    // Public endpoints show what the root namespace lists; they never wait for it to load. A
    // rotation goes on as soon as its tenant is there.
    activate(kRootTenant);
    for (const auto& tenant : services_.directory.rotating()) activate(tenant);
    return done(status());
  }
  hsm.logout();
  services_.set_root_keys(nullptr);
  services_.directory.clear();
  // A wrong PIN out of shares is the operators' mistake, everything else is the platform's.
  if (shamir && opened.error().code == ErrorCode::permission_denied)
    return done.fail(ErrorCode::invalid_argument, "unseal failed, invalid key");
  set_problem(opened.error().message);
  done.fail(opened.error());
}

void SealService::activate(const TenantId& tenant) {
  auto request = std::make_shared<TenantRequest>();
  request->tenant = tenant;
  request->body = ActivateTenant{Promise<TenantSnapshotPtr>([](Result<TenantSnapshotPtr>) {})};
  services_.partition.send(std::move(request));
}

Result<void> SealService::open(hsm::KeyService& hsm, const SecretBytes& pin) {
  hsm::RootEpoch epoch;
  {
    const std::lock_guard lock(mutex_);
    epoch = row_.root_epoch;
  }
  COFFER_TRY(hsm.login(pin));
  COFFER_TRY(hsm.check_root_key(epoch));
  services_.tenants.clear();
  services_.secrets.clear();
  services_.tokens.clear();
  services_.identities.clear();
  services_.tenant_key_rings.clear();
  services_.root_epoch = epoch;
  COFFER_ASSIGN(auto stored, services_.log.get(log::Family::tenants, log::tenant_row(kRootTenant)));
  if (!stored) return fail(ErrorCode::corrupt, "the root namespace is not in the store");
  COFFER_ASSIGN(auto row, codec::decode_tenant_row(*stored));
  COFFER_ASSIGN(auto keys, open_tenant_keys(hsm, services_, kRootTenant, row.keyring));
  COFFER_TRY(load_directory(*keys));
  services_.set_root_keys(std::move(keys));
  return {};
}

Result<void> SealService::load_directory(const TenantKeys& root) {
  services_.directory.clear();
  std::unordered_map<TenantId, DirectoryEntry> entries;
  Bytes after;
  while (true) {
    COFFER_ASSIGN(auto page, services_.log.scan(log::Family::tenants, {}, after, 1000));
    if (page.empty()) break;
    for (const auto& stored : page) {
      DirectoryEntry entry;
      entry.id = TenantId::from_bytes(stored.key);
      COFFER_ASSIGN(entry.row, codec::decode_tenant_row(stored.value));
      entry.parent = entry.row.parent;
      COFFER_ASSIGN(auto name, root.open(stored.key, entry.row.sealed_name));
      entry.name = name.expose_text();
      entries.emplace(entry.id, std::move(entry));
    }
    after = page.back().key;
  }
  // Paths are built from the parents', whatever the order of the rows.
  for (auto& [id, entry] : entries) {
    std::string path;
    for (const auto* at = &entry; !at->name.empty();) {
      path.insert(0, at->name + "/");
      const auto parent = entries.find(at->parent);
      if (parent == entries.end() || path.size() > 4096)
        return fail(ErrorCode::corrupt, "a namespace's parent is not in the store");
      at = &parent->second;
    }
    entry.path = path;
    services_.directory.add(entry);
  }
  return {};
}

// ---------------------------------------------------------------- seal
void SealService::seal(api::Callback<api::Changed> done) {
  auto expected = Phase::active;
  if (!phase_.compare_exchange_strong(expected, Phase::sealed))
    return done(fail(ErrorCode::sealed, "Vault is sealed"));
  services_.partition.send(std::make_shared<DropTenants>());
  Promise<api::Changed> promise(std::move(done));
  auto job = std::make_shared<HsmJob>();
  job->run = [this, promise](hsm::KeyService& hsm) {
    hsm.logout();
    services_.tenants.clear();
    services_.secrets.clear();
    services_.tokens.clear();
    services_.identities.clear();
    services_.tenant_key_rings.clear();
    services_.data_keys.clear();
    services_.directory.clear();
    services_.set_root_keys(nullptr);
    {
      const std::lock_guard lock(mutex_);
      pin_digest_.reset();
    }
    if (options_.on_sealed) options_.on_sealed();
    promise(api::Changed{});
  };
  services_.hsm.send(std::move(job));
}

}  // namespace coffer::actors
