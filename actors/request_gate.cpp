// Admission: namespace, token, ancestors, mount, policy, in this order, on published snapshots.
// What is not loaded yet is asked from its actor and the walk starts again, so the usual request
// never leaves its thread.
#include "actors/vault_runtime.h"

#include "actors/cubbyhole.h"
#include "actors/sudo_paths.h"
#include "actors/token_desk.h"
#include "events/quota/rate_limit.h"

namespace coffer::actors {
namespace {

// Loads of one request: its tenant, its token's tenant, the token and its ancestors. Beyond it the
// tables are being emptied faster than they fill, and the request is turned away.
constexpr unsigned kLoadsMax = 80;
constexpr unsigned kAncestorsMax = 64;

Error denied() {
  return fail(ErrorCode::permission_denied, "permission denied");
}

// The clients' preflight asks for mounts it may not know; the handler judges what the caller sees.
bool is_preflight(std::string_view path) {
  constexpr std::string_view kPath = "sys/internal/ui/mounts";
  return path == kPath || (path.starts_with(kPath) && path[kPath.size()] == '/');
}

bool is_write(policy::Operation operation) {
  return operation == policy::Operation::update || operation == policy::Operation::create ||
         operation == policy::Operation::patch;
}

}  // namespace

struct VaultRuntime::GateWalk {
  std::shared_ptr<GateAdmission> admission;
  TenantId tenant;
  bool tenant_known = false;
  TokenId token;
  TokenStatePtr token_state;
  std::optional<bool> exists;  // of the secret that an update names
  unsigned loads = 0;
  bool counted = false;                 // against the rate limits
  std::optional<TenantId> to_be_known;  // whose rate limits are to be loaded first
  Admitted done;

  void refuse(Error error) {
    admission->refusal = std::move(error);
    finish();
  }
  void finish() {
    admission->head.token.wipe();
    auto run = std::move(done);
    run(admission);
  }
};

void VaultRuntime::admit(api::RequestHead head, std::function<void(api::AdmissionPtr)> done) {
  auto walk = std::make_shared<GateWalk>();
  // Counts until the last holder of the admission lets go: requests under way are bounded.
  const auto in_flight = requests_in_flight_.fetch_add(1, std::memory_order_relaxed);
  walk->admission = std::shared_ptr<GateAdmission>(new GateAdmission, [this](auto* admission) {
    requests_in_flight_.fetch_sub(1, std::memory_order_relaxed);
    delete admission;
  });
  walk->admission->head = std::move(head);
  walk->done = std::move(done);
  if (!seal_->active()) return walk->refuse(fail(ErrorCode::sealed, "Vault is sealed"));
  if (in_flight >= services_->limits.requests_max)
    return walk->refuse(fail(ErrorCode::overloaded, "too many requests are under way"));
  walk->tenant_known = find_tenant(*walk);
  if (!count_request(*walk)) return walk->finish();
  const auto& request = walk->admission->head;
  if (is_write(request.operation) && request.path.ends_with('/'))
    return walk->refuse(fail(ErrorCode::invalid_argument, "cannot write to a path ending in '/'"));
  walk_gate(std::move(walk));
}

bool VaultRuntime::find_tenant(GateWalk& walk) {
  auto& head = walk.admission->head;
  const auto root = services_->root_keys();
  if (root && !head.token.empty()) {
    walk.token = root->token_id(head.token.expose_text());
    walk.admission->token_hmac = to_hex(walk.token.view());
  }
  const auto tenant = services_->directory.resolve(head.namespace_path);
  if (!tenant) return false;
  std::string_view path = head.path;
  walk.tenant = services_->directory.descend(*tenant, path);
  if (path.size() != head.path.size()) head.path.erase(0, head.path.size() - path.size());
  return true;
}

// Before anything that costs much, the look at the token included. A tenant that is not loaded has
// its limits looked at once it is, which nobody without a token can bring about. False: refused.
bool VaultRuntime::count_request(GateWalk& walk) {
  if (walk.counted || !walk.tenant_known) return true;
  auto& admission = *walk.admission;
  const auto missing = count_against_limits(walk.tenant, admission);
  walk.to_be_known = missing;
  walk.counted = !missing;
  if (!admission.refusal) return true;
  admission.snapshot = services_->tenants.find(walk.tenant);
  return false;
}

std::optional<TenantId> VaultRuntime::count_against_limits(const TenantId& tenant,
                                                           GateAdmission& admission) {
  struct Counted {
    TenantSnapshotPtr of;
    const quota::RateLimits::value_type* limit;
  };
  const auto& head = admission.head;
  std::vector<Counted> counted;
  const auto look = [&](const TenantId& id, std::string_view below) {
    auto snapshot = services_->tenants.find(id);
    if (!snapshot) return false;
    const auto& state = snapshot->view.state;
    if (state.rate_limits.empty() || quota::is_exempt(state.quota_exempt_paths, head.path))
      return true;
    if (const auto* limit = quota::limit_for(state.rate_limits, below, head.path))
      counted.push_back({std::move(snapshot), limit});
    return true;
  };
  if (tenant == kRootTenant) {
    if (!look(tenant, {})) return tenant;
  } else {
    for (const auto& ancestor : services_->directory.lineage(tenant))
      if (!look(ancestor.id, ancestor.relative_path)) return ancestor.id;
  }
  const auto now_ns = services_->clock.monotonic_ns();
  for (const auto& [of, limit] : counted) {
    const auto wait =
        quota_gate_.take(of->view.id, limit->first, limit->second, head.remote_address, now_ns);
    if (!wait) continue;
    admission.retry_after = *wait;
    admission.refusal =
        fail(ErrorCode::quota_exceeded,
             fmt::format("request path \"{}\": rate limit quota exceeded", head.path));
    break;
  }
  return std::nullopt;
}

void VaultRuntime::walk_gate(std::shared_ptr<GateWalk> walk) {
  auto& admission = *walk->admission;
  // The token first: whether a namespace exists is only told to whom it may concern, and nobody
  // without a token makes one load.
  if (!find_token_state(walk)) return;
  if (!check_ancestors(walk)) return;
  if (!walk->tenant_known) return refuse_unknown_namespace(walk);
  if (walk->to_be_known && !services_->tenants.find(*walk->to_be_known))
    return load_tenant_and_retry(walk, *walk->to_be_known);
  if (!count_request(*walk)) return walk->finish();
  if (!walk->counted) return load_tenant_and_retry(walk, *walk->to_be_known);
  admission.snapshot = services_->tenants.find(walk->tenant);
  if (!admission.snapshot) return load_tenant_and_retry(walk, walk->tenant);
  admission.tenant =
      std::shared_ptr<const api::TenantView>(admission.snapshot, &admission.snapshot->view);
  if (!authorize(walk)) return;
  spend_use(walk);
}

void VaultRuntime::load_tenant_and_retry(const std::shared_ptr<GateWalk>& walk,
                                         const TenantId& id) {
  if (++walk->loads > kLoadsMax)
    return walk->refuse(fail(ErrorCode::overloaded, "the server is busy loading"));
  activate(id, [this, walk](Result<TenantSnapshotPtr> loaded) {
    if (!loaded) return walk->refuse(std::move(loaded).error());
    walk_gate(walk);
  });
}

void VaultRuntime::load_token_and_retry(const std::shared_ptr<GateWalk>& walk, const TokenId& id) {
  if (++walk->loads > kLoadsMax)
    return walk->refuse(fail(ErrorCode::overloaded, "the server is busy loading"));
  load_token(id, [this, walk](Result<TokenStatePtr> loaded) {
    if (!loaded) return walk->refuse(std::move(loaded).error());
    if (!*loaded) return walk->refuse(denied());
    walk_gate(walk);
  });
}

// Not found below the token's own namespace; anywhere else the answer is that of a namespace that
// exists and is none of the token's business.
void VaultRuntime::refuse_unknown_namespace(const std::shared_ptr<GateWalk>& walk) {
  walk->admission->token = walk->token_state;
  const auto owner = services_->directory.find(walk->token_state->tenant);
  if (owner && walk->admission->head.namespace_path.starts_with(owner->path))
    return walk->refuse(fail(ErrorCode::not_found, "namespace not found"));
  walk->refuse(denied());
}

bool VaultRuntime::find_token_state(const std::shared_ptr<GateWalk>& walk) {
  if (walk->token.is_zero()) {
    walk->refuse(denied());
    return false;
  }
  walk->token_state = services_->tokens.find(walk->token);
  if (!walk->token_state) {
    load_token_and_retry(walk, walk->token);
    return false;
  }
  return true;
}

bool VaultRuntime::check_ancestors(const std::shared_ptr<GateWalk>& walk) {
  const auto now = services_->clock.now();
  auto at = walk->token_state;
  for (unsigned depth = 0; depth < kAncestorsMax; ++depth) {
    if (!at->is_live(now) && !(depth > 0 && at->revoked && at->children_live_on)) break;
    if (at->revoked || at->parent.is_zero()) return true;  // an orphan, or orphaned
    auto parent = services_->tokens.find(at->parent);
    if (!parent) {
      load_token_and_retry(walk, at->parent);
      return false;
    }
    at = std::move(parent);
  }
  walk->refuse(denied());
  return false;
}

void VaultRuntime::load_identity_and_retry(const std::shared_ptr<GateWalk>& walk,
                                           const TenantId& tenant, const identity::EntityId& id) {
  if (++walk->loads > kLoadsMax)
    return walk->refuse(fail(ErrorCode::overloaded, "the server is busy loading"));
  load_identity(tenant, id, [this, walk](Result<bool> loaded) {
    if (!loaded) return walk->refuse(std::move(loaded).error());
    walk_gate(walk);
  });
}

// Whose token it is, and that they may come in: nobody may who is disabled or gone.
bool VaultRuntime::find_identity(const std::shared_ptr<GateWalk>& walk,
                                 const TenantSnapshot& owner) {
  auto& admission = *walk->admission;
  auto id = walk->token_state->entity;
  admission.identity.reset();
  if (id.is_zero()) return true;
  auto view = find_identity_view(owner, id);
  if (view && !view->merged_into.is_zero()) {
    id = view->merged_into;
    view = find_identity_view(owner, id);
  }
  if (!view) {
    load_identity_and_retry(walk, owner.view.id, id);
    return false;
  }
  if (!view->exists || view->disabled) {
    admission.token = walk->token_state;
    walk->refuse(denied());
    return false;
  }
  admission.identity_policies = view->policies;
  admission.identity = std::move(view);
  return true;
}

bool VaultRuntime::authorize(const std::shared_ptr<GateWalk>& walk) {
  auto& admission = *walk->admission;
  auto& head = admission.head;
  const auto owner = services_->tenants.find(walk->token_state->tenant);
  if (!owner) {
    load_tenant_and_retry(walk, walk->token_state->tenant);
    return false;
  }
  if (!find_identity(walk, *owner)) return false;
  // The token works in its own tenant and below.
  const auto prefix = services_->directory.relative_path(owner->view.id, walk->tenant);
  admission.token = walk->token_state;
  if (!prefix) {
    walk->refuse(denied());
    return false;
  }
  admission.access_prefix = *prefix;
  const auto full = *prefix + head.path;
  // The preflight asks for more than its own path.
  std::optional<std::string_view> asked = full;
  if (is_preflight(head.path)) asked.reset();
  admission.access =
      owner->policies->access_list(walk->token_state->policies, admission.identity, asked);
  if (const auto* mount = admission.snapshot->view.state.find_mount(head.path)) {
    admission.mount = *mount;
    admission.mount_relative_path = head.path.substr(mount->path.size());
  } else if (auto cubbyhole = cubbyhole_mount(head.path)) {
    if (walk->token_state->tenant != walk->tenant) {
      walk->refuse(fail(ErrorCode::invalid_argument,
                        "a token's cubbyhole is in the namespace of the token"));
      return false;
    }
    admission.mount_relative_path = head.path.substr(cubbyhole->path.size());
    admission.mount = std::move(cubbyhole);
  }
  policy::AccessRequest request{.operation = head.operation,
                                .path = full,
                                .parameters = head.parameters,
                                .needs_sudo = needs_sudo(head.operation, head.path),
                                .wrap_ttl = head.wrap_ttl};
  admission.decision = admission.access->decide(request);
  if (is_preflight(head.path)) admission.decision.allowed = true;
  if (head.operation == policy::Operation::update && !walk->exists)
    walk->exists = named_role_exists(admission);
  if (head.operation == policy::Operation::update &&
      (walk->exists || has_existence_check(admission))) {
    request.operation = policy::Operation::create;
    auto as_create = admission.access->decide(request);
    // Only where the two differ does it matter whether the secret exists.
    if (as_create.allowed != admission.decision.allowed) {
      if (!walk->exists && admission.mount->id == kCubbyholeMount) {
        find_in_cubbyhole(walk);
        return false;
      }
      if (!walk->exists) {
        with_secret(admission, secret_path_of(admission),
                    [this, walk](Result<SecretSnapshotPtr> secret) {
                      if (!secret) return walk->refuse(std::move(secret).error());
                      walk->exists = (*secret)->state.exists;
                      walk_gate(walk);
                    });
        return false;
      }
      admission.operation_is_create = !*walk->exists;
      if (admission.operation_is_create) admission.decision = std::move(as_create);
    }
  }
  if (!admission.decision.allowed) {
    refuse_access(walk);
    return false;
  }
  return true;
}

void VaultRuntime::find_in_cubbyhole(const std::shared_ptr<GateWalk>& walk) {
  const auto& admission = walk->admission;
  read_secret(
      admission, to_hex(admission->token->id.view()), 0,
      [this, walk](Result<api::SecretRead> read) {
        if (!read) return walk->refuse(std::move(read).error());
        walk->exists = false;
        if (read->value) {
          const auto entries = json::Document::parse(read->value->expose_text(), kCubbyholeLimits);
          if (!entries) return walk->refuse(entries.error());
          walk->exists = entries->root().find(walk->admission->mount_relative_path) != nullptr;
        }
        walk_gate(walk);
      });
}

// A wrapping token is used up by whatever is tried with it: whoever it was meant for then learns
// that somebody else had it.
void VaultRuntime::refuse_access(const std::shared_ptr<GateWalk>& walk) {
  if (!walk->token_state->is_wrapping()) return walk->refuse(denied());
  send_token_change(ChangeToken{nullptr, walk->token, token::UseToken{}, 0,
                                Promise<TokenStatePtr>([walk](Result<TokenStatePtr> used) {
                                  if (!used) return walk->refuse(std::move(used).error());
                                  walk->refuse(denied());
                                })},
                    walk->token_state->tenant);
}

void VaultRuntime::spend_use(const std::shared_ptr<GateWalk>& walk) {
  if (walk->token_state->num_uses == 0) return walk->finish();
  send_token_change(ChangeToken{nullptr, walk->token, token::UseToken{}, 0,
                                Promise<TokenStatePtr>([walk](Result<TokenStatePtr> used) {
                                  if (!used) return walk->refuse(std::move(used).error());
                                  walk->admission->token = std::move(*used);
                                  walk->finish();
                                })},
                    walk->token_state->tenant);
}

api::AdmissionPtr VaultRuntime::admit_public(api::RequestHead head) {
  auto admission = std::make_shared<GateAdmission>();
  admission->head = std::move(head);
  admission->head.token.wipe();
  if (!seal_->active()) return admission;
  if (const auto tenant = services_->directory.resolve(admission->head.namespace_path))
    admission->snapshot = services_->tenants.find(*tenant);
  if (admission->snapshot)
    admission->tenant =
        std::shared_ptr<const api::TenantView>(admission->snapshot, &admission->snapshot->view);
  if (admission->snapshot) count_against_limits(admission->snapshot->view.id, *admission);
  return admission;
}

void VaultRuntime::record(api::AdmissionPtr admission, api::Outcome outcome,
                          api::Callback<void> done) {
  recorder_->record(admission, outcome, std::move(done));
}

}  // namespace coffer::actors
