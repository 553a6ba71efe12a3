// Tokens: creation, lookup, renewal, revocation, capabilities.
#include "actors/vault_runtime.h"

#include "actors/token_desk.h"
#include "actors/token_text.h"

namespace coffer::actors {
namespace {

constexpr unsigned kAncestorsMax = 64;
constexpr std::size_t kAccessorsMax = 1'000'000;

Error bad_token() {
  return fail(ErrorCode::permission_denied, "bad token");
}
Error bad_accessor() {
  return fail(ErrorCode::invalid_argument, "1 error occurred:\n\t* invalid accessor\n\n");
}

// `prefix` absent: the paths lie where the token has no say.
std::vector<std::vector<std::string>> capability_names_of(const policy::AccessList& list,
                                                          const std::optional<std::string>& prefix,
                                                          const std::vector<std::string>& paths) {
  std::vector<std::vector<std::string>> out;
  for (const auto& path : paths) {
    if (!prefix) {
      out.push_back({"deny"});
    } else if (list.is_root()) {
      out.push_back({"root"});
    } else {
      const auto bits = list.capabilities(*prefix + path);
      out.push_back(bits == 0 || (bits & policy::kDeny) != 0 ? std::vector<std::string>{"deny"}
                                                             : policy::capability_names(bits));
    }
  }
  return out;
}

}  // namespace

// ---------------------------------------------------------------- loading
void VaultRuntime::load_token(const TokenId& id, TokenResolved done) {
  if (auto cached = services_->tokens.find(id)) return done(std::move(cached));
  auto owner = token_tenant(services_->log, id);
  if (!owner) return done(owner.error());
  if (!*owner || !services_->directory.find(**owner)) return done(TokenStatePtr{});
  auto request = std::make_shared<TenantRequest>();
  request->tenant = **owner;
  request->body = LoadToken{id, Promise<TokenStatePtr>(std::move(done))};
  if (!services_->partition.try_send(request, services_->limits.mailbox_max))
    std::get<LoadToken>(request->body).done.fail(ErrorCode::overloaded, "too many requests");
}

// Null when the token or one of its ancestors is dead.
void VaultRuntime::check_token_live(TokenStatePtr token, TokenResolved done) {
  if (!token || !token->is_live(services_->clock.now())) return done(TokenStatePtr{});
  const auto parent = token->parent;
  check_parent(std::move(token), parent, 0, std::move(done));
}

void VaultRuntime::check_parent(TokenStatePtr token, TokenId parent, unsigned depth,
                                TokenResolved done) {
  if (parent.is_zero()) return done(std::move(token));
  if (depth >= kAncestorsMax) return done(TokenStatePtr{});
  load_token(parent, [this, token = std::move(token), depth,
                      done = std::move(done)](Result<TokenStatePtr> loaded) mutable {
    if (!loaded) return done(std::move(loaded).error());
    const auto& state = *loaded;
    if (!state) return done(TokenStatePtr{});
    if (state->revoked && state->children_live_on) return done(std::move(token));
    if (!state->is_live(services_->clock.now())) return done(TokenStatePtr{});
    check_parent(std::move(token), state->parent, depth + 1, std::move(done));
  });
}

// A live token that the caller's namespace may see: its own or one below it.
void VaultRuntime::resolve_token(const api::AdmissionPtr& admission,
                                 const api::TokenReference& reference, TokenResolved done) {
  const auto& gate = gate_of(admission);
  // The gate has just judged the caller's own token, and may have spent its last use on this.
  if (reference.self) return done(gate.token);
  TokenId id;
  const bool by_accessor = !reference.accessor.empty();
  if (by_accessor) {
    auto found = find_accessor(services_->log, *gate.snapshot->keys, reference.accessor);
    if (!found) return done(found.error());
    if (!*found) return done(bad_accessor());
    id = **found;
  } else {
    const auto root = services_->root_keys();
    if (!root) return done(fail(ErrorCode::sealed, "Vault is sealed"));
    id = root->token_id(reference.token.expose_text());
  }
  const auto tenant = gate.snapshot->view.id;
  load_token(id, [this, admission, tenant, by_accessor,
                  done = std::move(done)](Result<TokenStatePtr> loaded) mutable {
    if (!loaded) return done(std::move(loaded).error());
    check_token_live(std::move(*loaded), [this, tenant, by_accessor,
                                          done = std::move(done)](Result<TokenStatePtr> live) {
      if (!live) return done(std::move(live).error());
      const bool visible =
          *live && services_->directory.relative_path(tenant, (*live)->tenant).has_value();
      if (!visible) return done(by_accessor ? bad_accessor() : bad_token());
      done(std::move(live));
    });
  });
}

void VaultRuntime::find_token(api::AdmissionPtr admission, api::TokenReference reference,
                              api::Callback<api::TokenFound> done) {
  resolve_token(admission, reference, [this, done = std::move(done)](Result<TokenStatePtr> token) {
    if (!token) return done(std::move(token).error());
    const auto state = *token;
    with_identity_policies(state, [this, state, done](Result<std::vector<std::string>> policies) {
      if (!policies) return done(std::move(policies).error());
      api::TokenFound found{*state, "", std::move(*policies)};
      if (const auto entry = services_->directory.find(state->tenant))
        found.namespace_path = entry->path;
      done(std::move(found));
    });
  });
}

// ---------------------------------------------------------------- changes
void VaultRuntime::send_token_change(ChangeToken change, const TenantId& tenant) {
  auto request = std::make_shared<TenantRequest>();
  request->tenant = tenant;
  request->body = std::move(change);
  if (!services_->partition.try_send(request, services_->limits.mailbox_max))
    std::get<ChangeToken>(request->body).done.fail(ErrorCode::overloaded, "too many requests");
}

void VaultRuntime::create_token(api::AdmissionPtr admission, token::TokenRequest request,
                                SecretBytes custom_token, int success_status,
                                api::Callback<api::TokenIssued> done) {
  const auto& gate = gate_of(admission);
  const auto root = services_->root_keys();
  if (!root) return done(fail(ErrorCode::sealed, "Vault is sealed"));
  const bool sudo = gate.decision.root || (gate.decision.capabilities & policy::kSudo) != 0;
  request.custom_id = !custom_token.empty();
  const auto& roles = gate.snapshot->view.state.token_roles;
  const auto role = roles.find(request.role);
  auto plan =
      token::plan_token(*gate.token, sudo, gate.snapshot->view.id, request,
                        {services_->limits.token_default_ttl, services_->limits.token_max_ttl},
                        services_->clock.now(), role == roles.end() ? nullptr : &role->second);
  if (!plan) return done(plan.error());
  const auto& policies = gate.snapshot->view.policies.texts;
  for (const auto& name : plan->created.policies)
    if (name != "root" && !policies.contains(name))
      plan->warnings.push_back(fmt::format("Policy \"{}\" does not exist", name));
  std::optional<identity::LoginSubject> subject;
  if (!plan->entity_alias.empty())
    subject = identity::LoginSubject{request.entity_alias_mount, plan->entity_alias, {}, {}, true};
  auto text = custom_token.empty() ? random_token_text(services_->random) : std::move(custom_token);
  // Chosen texts are unique in their namespace only, so the namespace becomes part of the token.
  if (request.custom_id && gate.snapshot->view.id != kRootTenant)
    text.append("." + to_hex(BytesView(gate.snapshot->view.id.bytes).first(6)));
  plan->created.chosen_id = request.custom_id;
  plan->created.id = root->token_id(text.expose_text());
  plan->created.accessor = random_accessor(services_->random);
  auto shared_text = std::make_shared<SecretBytes>(std::move(text));
  auto message = std::make_shared<TenantRequest>();
  message->tenant = gate.snapshot->view.id;
  message->body = CreateToken{
      admission, std::move(plan->created), success_status,
      Promise<TokenStatePtr>([this, shared_text, warnings = std::move(plan->warnings),
                              done = std::move(done)](Result<TokenStatePtr> created) {
        if (!created) return done(std::move(created).error());
        const auto state = *created;
        with_identity_policies(state, [shared_text, warnings, state, done](auto own) {
          if (!own) return done(std::move(own).error());
          done(api::TokenIssued{std::move(*shared_text), *state, warnings, true, std::move(*own)});
        });
      }),
      std::move(subject)};
  if (!services_->partition.try_send(message, services_->limits.mailbox_max))
    std::get<CreateToken>(message->body).done.fail(ErrorCode::overloaded, "too many requests");
}

void VaultRuntime::renew_token(api::AdmissionPtr admission, api::TokenReference reference,
                               Seconds increment, int success_status,
                               api::Callback<api::TokenRenewal> done) {
  resolve_token(
      admission, reference,
      [this, admission, increment, success_status,
       done = std::move(done)](Result<TokenStatePtr> token) {
        if (!token) return done(std::move(token).error());
        const auto state = *token;
        const auto finished = [this, state, increment, done](Result<TokenStatePtr> renewed) {
          if (!renewed) return done(std::move(renewed).error());
          api::TokenRenewal renewal{**renewed, {}, *renewed != state};
          const auto& after = renewal.state;
          const Seconds got{after.expire_time.seconds() - after.last_renewal_time.seconds()};
          if (increment.count > 0 && after.period.count == 0 && got < increment)
            renewal.warnings.push_back(
                fmt::format("TTL of \"{}\" exceeded the effective max_ttl of \"{}\"; TTL value is "
                            "capped accordingly",
                            to_go_duration(increment), to_go_duration(got)));
          with_identity_policies(*renewed, [renewal, done](auto own) mutable {
            if (!own) return done(std::move(own).error());
            renewal.identity_policies = std::move(*own);
            done(std::move(renewal));
          });
        };
        send_token_change(ChangeToken{admission, state->id,
                                      token::RenewToken{increment, services_->limits.token_max_ttl,
                                                        services_->limits.token_default_ttl},
                                      success_status, Promise<TokenStatePtr>(finished)},
                          state->tenant);
      });
}

void VaultRuntime::revoke_token(api::AdmissionPtr admission, api::TokenReference reference,
                                bool children_live_on, int success_status,
                                api::Callback<api::Changed> done) {
  resolve_token(
      admission, reference,
      [this, admission, children_live_on, success_status,
       done = std::move(done)](Result<TokenStatePtr> token) {
        if (!token) return done(std::move(token).error());
        const auto state = *token;
        send_token_change(
            ChangeToken{admission, state->id, token::RevokeToken{children_live_on}, success_status,
                        Promise<TokenStatePtr>([state, done](Result<TokenStatePtr> r) {
                          if (!r) return done(std::move(r).error());
                          done(api::Changed{.recorded = *r != state});
                        })},
            state->tenant);
      });
}

void VaultRuntime::list_accessors(api::AdmissionPtr admission,
                                  api::Callback<std::vector<std::string>> done) {
  Promise<std::vector<std::string>> promise(std::move(done));
  auto job = std::make_shared<ReadJob>();
  job->run = [&services = *services_, admission, promise] {
    auto entries =
        actors::list_accessors(services.log, *gate_of(admission).snapshot->keys, kAccessorsMax);
    if (!entries) return promise.fail(entries.error());
    std::vector<std::string> names;
    for (auto& entry : *entries) names.push_back(std::move(entry.accessor));
    std::sort(names.begin(), names.end());
    promise(std::move(names));
  };
  if (!services_->reader.try_send(std::move(job), services_->limits.mailbox_max))
    promise.fail(ErrorCode::overloaded, "too many lists are under way");
}

void VaultRuntime::capabilities(api::AdmissionPtr admission, api::TokenReference reference,
                                std::vector<std::string> paths,
                                api::Callback<std::vector<std::vector<std::string>>> done) {
  resolve_token(
      admission, reference,
      [this, admission, paths = std::move(paths),
       done = std::move(done)](Result<TokenStatePtr> token) {
        if (!token) return done(std::move(token).error());
        const auto state = *token;
        activate(
            state->tenant, [this, admission, paths, state, done](Result<TenantSnapshotPtr> owner) {
              if (!owner) return done(std::move(owner).error());
              const auto snapshot = *owner;
              with_identity(
                  snapshot, state,
                  [this, admission, paths, state, snapshot, done](Result<IdentityViewPtr> view) {
                    if (!view) return done(std::move(view).error());
                    const auto list =
                        snapshot->policies->access_list(state->policies, *view, std::nullopt);
                    const auto prefix = services_->directory.relative_path(
                        state->tenant, gate_of(admission).snapshot->view.id);
                    done(capability_names_of(*list, prefix, paths));
                  });
            });
      });
}

}  // namespace coffer::actors
