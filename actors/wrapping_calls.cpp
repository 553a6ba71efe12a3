// Response wrapping: an answer becomes a secret under a key of its own, and a token that is good
// for one fetch. The secret is durable before the token, the token is used up before the secret is
// read, and the secret's key is destroyed before the content leaves.
#include "actors/token_text.h"
#include "actors/vault_runtime.h"
#include "actors/wrapping.h"

namespace coffer::actors {
namespace {

Error not_valid() {
  return fail(ErrorCode::invalid_argument, "wrapping token is not valid or does not exist");
}

SecretKey place_of(const TokenId& token) {
  return {kWrappingMount, to_hex(token.view())};
}

SecretRequestPtr removal_of(const TokenId& token, Promise<api::SecretChanged> done) {
  auto request = std::make_shared<SecretRequest>();
  request->key = place_of(token);
  request->body = ChangeSecret{nullptr, secret::RemoveSecret{}, 0, std::move(done)};
  return request;
}

// Takes the accessor of a token that is of no use any more out of the tenant's list.
void retire_token(const Services& services, const TenantSnapshot& tenant, const TokenId& token) {
  auto request = std::make_shared<TenantRequest>();
  request->tenant = tenant.view.id;
  request->body = ChangeToken{nullptr, token, token::RevokeToken{}, 0,
                              Promise<TokenStatePtr>([](Result<TokenStatePtr>) {})};
  const auto sent = tenant.link->ref().try_send(std::move(request), services.limits.mailbox_max);
  if (!sent) return;  // it is dead all the same
}

// What reading a secret asks of an admission; nobody's request.
std::shared_ptr<GateAdmission> wrapping_admission(const TenantSnapshotPtr& tenant) {
  auto admission = std::make_shared<GateAdmission>();
  admission->snapshot = tenant;
  admission->mount.emplace();
  admission->mount->id = kWrappingMount;
  return admission;
}

}  // namespace

void drop_wrapped(const Services& services, const TenantSnapshot& tenant, const TokenId& token) {
  retire_token(services, tenant, token);
  const auto sent = tenant.link->ref().try_send(
      removal_of(token, Promise<api::SecretChanged>([](Result<api::SecretChanged>) {})),
      services.limits.mailbox_max);
  if (!sent) return;  // the next sweep finds it
}

void VaultRuntime::wrap(api::AdmissionPtr admission, SecretBytes content, Seconds ttl,
                        std::string creation_path, api::Callback<api::Wrapped> done) {
  const auto tenant = gate_of(admission).snapshot;
  const auto root = services_->root_keys();
  if (!root) return done(fail(ErrorCode::sealed, "Vault is sealed"));
  if (content.size() > services_->limits.value_bytes_max)
    return done(fail(ErrorCode::too_large, fmt::format("an answer to wrap has at most {} bytes",
                                                       services_->limits.value_bytes_max)));
  auto text = std::make_shared<SecretBytes>(random_token_text(services_->random));
  auto created =
      token::wrapping_token(tenant->view.id, std::move(creation_path),
                            std::min(ttl, services_->limits.token_max_ttl), services_->clock.now());
  created.id = root->token_id(text->expose_text());
  created.accessor = random_accessor(services_->random);
  auto issue = [this, tenant, text, created, done](Result<api::SecretWritten> written) {
    if (!written) return done(std::move(written).error());
    auto request = std::make_shared<TenantRequest>();
    request->tenant = tenant->view.id;
    request->body = CreateToken{nullptr, created, 0,
                                Promise<TokenStatePtr>([this, tenant, text, id = created.id,
                                                        done](Result<TokenStatePtr> issued) {
                                  if (issued) return done(api::Wrapped{std::move(*text), **issued});
                                  drop_wrapped(*services_, *tenant, id);
                                  done(std::move(issued).error());
                                })};
    if (!services_->partition.try_send(request, services_->limits.mailbox_max))
      std::get<CreateToken>(request->body).done.fail(ErrorCode::overloaded, "too many requests");
  };
  auto request = std::make_shared<SecretRequest>();
  request->key = place_of(created.id);
  api::WriteSecret write;
  write.path = request->key.path;
  write.value = std::move(content);
  request->body =
      WriteValue{nullptr, std::move(write), 0, Promise<api::SecretWritten>(std::move(issue))};
  send_secret_request(gate_of(admission), std::move(request));
}

// The token was used up for this fetch.
void VaultRuntime::take_wrapped(TokenStatePtr token, api::Callback<api::Unwrapped> done) {
  activate(token->tenant, [this, token, done = std::move(done)](Result<TenantSnapshotPtr> tenant) {
    if (!tenant) return done(std::move(tenant).error());
    const auto admission = wrapping_admission(*tenant);
    read_secret(
        admission, place_of(token->id).path, 0,
        [this, admission, token, done](Result<api::SecretRead> read) {
          if (!read) return done(std::move(read).error());
          if (!read->value) return done(not_valid());
          auto content = std::make_shared<SecretBytes>(std::move(*read->value));
          send_secret_request(
              *admission,
              removal_of(token->id, Promise<api::SecretChanged>(
                                        [this, admission, token, content, done](auto removed) {
                                          if (!removed) return done(removed.error());
                                          retire_token(*services_, *admission->snapshot, token->id);
                                          done(api::Unwrapped{std::move(*content), *token});
                                        })));
        });
  });
}

void VaultRuntime::unwrap(api::AdmissionPtr admission, api::TokenReference reference,
                          api::Callback<api::Unwrapped> done) {
  const auto& gate = gate_of(admission);
  if (reference.self) {
    if (!gate.token->is_wrapping()) return done(not_valid());
    return take_wrapped(gate.token, std::move(done));
  }
  const auto root = services_->root_keys();
  if (!root) return done(fail(ErrorCode::sealed, "Vault is sealed"));
  const auto tenant = gate.snapshot->view.id;
  load_token(root->token_id(reference.token.expose_text()),
             [this, admission, tenant, done = std::move(done)](Result<TokenStatePtr> loaded) {
               if (!loaded) return done(std::move(loaded).error());
               const auto token = *loaded;
               if (!token || !token->is_wrapping() ||
                   !services_->directory.relative_path(tenant, token->tenant))
                 return done(not_valid());
               auto used = [this, token, done](Result<TokenStatePtr> result) {
                 if (result) return take_wrapped(token, done);
                 const bool dead = result.error().code == ErrorCode::permission_denied;
                 done(dead ? not_valid() : result.error());
               };
               send_token_change(ChangeToken{nullptr, token->id, token::UseToken{}, 0,
                                             Promise<TokenStatePtr>(std::move(used))},
                                 token->tenant);
             });
}

void VaultRuntime::lookup_wrapped(api::AdmissionPtr, SecretBytes token,
                                  api::Callback<token::TokenState> done) {
  const auto root = services_->root_keys();
  if (!root) return done(fail(ErrorCode::sealed, "Vault is sealed"));
  load_token(root->token_id(token.expose_text()),
             [this, done = std::move(done)](Result<TokenStatePtr> loaded) {
               if (!loaded) return done(std::move(loaded).error());
               const auto& state = *loaded;
               if (!state || !state->is_wrapping() || !state->is_live(services_->clock.now()))
                 return done(not_valid());
               done(*state);
             });
}

}  // namespace coffer::actors
