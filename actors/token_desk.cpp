#include "actors/token_desk.h"

#include "actors/admission.h"
#include "actors/cubbyhole.h"
#include "actors/identity_desk.h"
#include "events/log/state_keys.h"

namespace coffer::actors {
namespace {

constexpr std::size_t kTenantBytes = 16;
constexpr std::size_t kChangesWaitingMax = 1000;

Bytes accessor_key(const TenantKeys& keys, std::string_view accessor) {
  return log::accessor_row(keys.tenant(), keys.name_hash("accessor", {}, accessor).view());
}

// Token id, then the accessor's text.
Result<AccessorEntry> open_accessor(const TenantKeys& keys, BytesView key, BytesView sealed) {
  COFFER_ASSIGN(auto opened, keys.open(key, sealed));
  const auto bytes = opened.expose();
  if (bytes.size() < 16) return fail(ErrorCode::corrupt, "an accessor row is too short");
  return AccessorEntry{std::string(as_text(bytes.subspan(16))),
                       TokenId::from_bytes(bytes.first(16))};
}

Result<log::StateChange> token_row_change(const TenantKeys& keys, const token::TokenState& state) {
  const auto key = log::token_row(state.id);
  COFFER_ASSIGN(
      auto sealed,
      keys.seal(key, codec::encode_snapshot(codec::Snapshot<token::TokenState>{0, state})));
  Bytes value(keys.tenant().bytes.begin(), keys.tenant().bytes.end());
  append(value, sealed);
  return log::StateChange{log::Family::tokens, key, std::move(value), true};
}

}  // namespace

Result<std::vector<log::StateChange>> token_rows(const TenantKeys& keys,
                                                 const token::TokenState& state) {
  std::vector<log::StateChange> rows;
  COFFER_ASSIGN(auto row, token_row_change(keys, state));
  rows.push_back(std::move(row));
  Bytes entry(state.id.bytes.begin(), state.id.bytes.end());
  append(entry, as_bytes(state.accessor));
  COFFER_ASSIGN(auto accessor, sealed_row(keys, log::Family::accessors,
                                          accessor_key(keys, state.accessor), entry, false));
  rows.push_back(std::move(accessor));
  return rows;
}

Result<std::optional<TenantId>> token_tenant(const log::StateReader& store, const TokenId& id) {
  COFFER_ASSIGN(auto row, store.get(log::Family::tokens, log::token_row(id)));
  if (!row) return std::optional<TenantId>{};
  const auto stamped = log::unstamp(*row);
  if (stamped.value.size() < kTenantBytes)
    return fail(ErrorCode::corrupt, "a token row is too short");
  return std::optional{TenantId::from_bytes(stamped.value.first(kTenantBytes))};
}

Result<std::vector<AccessorEntry>> list_accessors(const log::StateReader& store,
                                                  const TenantKeys& keys, std::size_t limit) {
  std::vector<AccessorEntry> out;
  Bytes after;
  while (out.size() < limit) {
    COFFER_ASSIGN(auto rows, store.scan(log::Family::accessors, keys.tenant().view(), after, 1000));
    if (rows.empty()) break;
    for (const auto& row : rows) {
      COFFER_ASSIGN(auto entry, open_accessor(keys, row.key, row.value));
      out.push_back(std::move(entry));
    }
    after = rows.back().key;
  }
  return out;
}

Result<std::optional<TokenId>> find_accessor(const log::StateReader& store, const TenantKeys& keys,
                                             std::string_view accessor) {
  const auto key = accessor_key(keys, accessor);
  COFFER_ASSIGN(auto row, store.get(log::Family::accessors, key));
  if (!row) return std::optional<TokenId>{};
  COFFER_ASSIGN(auto entry, open_accessor(keys, key, *row));
  return std::optional{entry.token};
}

Result<TokenStatePtr> stored_token(const log::StateReader& store, const TenantKeys& keys,
                                   const TokenId& id) {
  const auto key = log::token_row(id);
  COFFER_ASSIGN(auto row, store.get(log::Family::tokens, key));
  if (!row) return TokenStatePtr{};
  const auto stamped = log::unstamp(*row);
  if (stamped.value.size() < kTenantBytes ||
      TenantId::from_bytes(stamped.value.first(kTenantBytes)) != keys.tenant())
    return TokenStatePtr{};
  COFFER_ASSIGN(auto opened, keys.open(key, stamped.value.subspan(kTenantBytes)));
  COFFER_ASSIGN(auto snapshot, codec::decode_snapshot<token::TokenState>(opened.expose()));
  return std::make_shared<const token::TokenState>(std::move(snapshot.state));
}

Result<TokenStatePtr> TokenDesk::find(const TokenId& id, const TenantKeys& keys) {
  if (auto cached = services_.tokens.find(id)) return cached;
  COFFER_ASSIGN(auto state, stored_token(services_.log, keys, id));
  if (state) services_.tokens.publish(id, state, 1);
  return state;
}

Result<log::Append> TokenDesk::build(const TenantSnapshot& tenant, const token::TokenState& after,
                                     const std::vector<codec::AnyEvent>& any,
                                     const api::AdmissionPtr& admission, int status) {
  const auto now = services_.clock.now();
  const auto& keys = *tenant.keys;
  log::Append append;
  append.partition = tenant.partition;
  COFFER_ASSIGN(append.event, seal_events(keys, after.id.view(), any, now,
                                          random_id<Id128<codec::CommandTag>>(services_.random)));
  COFFER_ASSIGN(append.access, success_record(admission, keys, status, 0, now));
  COFFER_ASSIGN(append.changes, token_rows(keys, after));
  // A revoked token stays as a tombstone until it is forgotten; its accessor goes.
  if (after.revoked)
    append.changes.back() = deleted_row(log::Family::accessors, accessor_key(keys, after.accessor));
  return append;
}

Result<log::Append> TokenDesk::build_forgotten(const TenantSnapshot& tenant,
                                               const token::TokenState& before) {
  const auto& keys = *tenant.keys;
  log::Append append;
  append.partition = tenant.partition;
  COFFER_ASSIGN(
      append.event,
      seal_events(keys, before.id.view(), {token::Event{token::TokenForgotten{}}},
                  services_.clock.now(), random_id<Id128<codec::CommandTag>>(services_.random)));
  append.changes.push_back(deleted_row(log::Family::tokens, log::token_row(before.id)));
  append.changes.push_back(
      deleted_row(log::Family::accessors, accessor_key(keys, before.accessor)));
  return append;
}

Result<TokenDesk::Created> TokenDesk::prepare(const CreateToken& request,
                                              const TenantSnapshot& tenant,
                                              const identity::LoginDecision& login) {
  COFFER_ASSIGN(const auto existing, find(request.created.id, *tenant.keys));
  const token::TokenState before = existing ? *existing : token::TokenState{};
  token::CreateToken command{request.created};
  if (!login.entity.is_zero()) command.wanted.entity = login.entity;
  COFFER_ASSIGN(const auto events, token::decide(before, command, services_.clock.now()));
  COFFER_ASSIGN(auto after, token::evolve(before, events.front()));
  std::vector<codec::AnyEvent> any(login.events.begin(), login.events.end());
  any.insert(any.end(), events.begin(), events.end());
  COFFER_ASSIGN(auto append, build(tenant, after, any, request.admission, request.success_status));
  return Created{std::make_shared<const token::TokenState>(std::move(after)), std::move(append)};
}

void TokenDesk::create(const CreateToken& request, const TenantSnapshotPtr& tenant,
                       IdentityDesk& identities) {
  const auto state = std::make_shared<TokenStatePtr>();
  auto finish = [this, state, done = request.done](const Result<void>& result) {
    if (!result) return done.fail(result.error());
    services_.tokens.publish((*state)->id, *state, 1);
    done(*state);
  };
  auto build_append = [this, state, request,
                       tenant](const identity::LoginDecision& login) -> Result<log::Append> {
    COFFER_ASSIGN(auto created, prepare(request, *tenant, login));
    *state = std::move(created.state);
    return std::move(created.append);
  };
  if (request.subject)
    return identities.login(*request.subject, tenant, std::move(build_append), std::move(finish));
  auto append = build_append({});
  if (!append) return request.done.fail(append.error());
  commit_(std::move(*append), std::move(finish));
}

void TokenDesk::load(const LoadToken& request, const TenantSnapshot& tenant) {
  request.done(find(request.id, *tenant.keys));
}

void TokenDesk::change(const ChangeToken& request, const TenantSnapshotPtr& tenant) {
  if (const auto waiting = busy_.find(request.id); waiting != busy_.end()) {
    if (waiting->second.size() >= kChangesWaitingMax)
      return request.done.fail(ErrorCode::overloaded, "too many changes of this token");
    return waiting->second.push_back(request);
  }
  auto found = find(request.id, *tenant->keys);
  if (!found) return request.done.fail(found.error());
  if (!*found) return request.done.fail(ErrorCode::not_found, "token not found");
  auto events = token::decide(**found, request.command, services_.clock.now());
  if (!events) return request.done.fail(events.error());
  if (events->empty()) return request.done(*found);
  auto after = token::evolve(**found, events->front());
  if (!after) return request.done.fail(after.error());
  auto append = after->exists ? build(*tenant, *after, {events->begin(), events->end()},
                                      request.admission, request.success_status)
                              : build_forgotten(*tenant, **found);
  if (!append) return request.done.fail(append.error());
  busy_.emplace(request.id, std::deque<ChangeToken>{});
  auto state = std::make_shared<const token::TokenState>(std::move(*after));
  commit_(std::move(*append),
          [this, id = request.id, state, tenant, done = request.done](const Result<void>& result) {
            if (result && state->exists)
              services_.tokens.publish(id, state, 1);
            else
              services_.tokens.erase(id);
            if (result && (state->revoked || !state->exists))
              drop_cubbyhole(services_, *tenant, id);
            if (result)
              done(state);
            else
              done.fail(result.error());
            finish(id, tenant);
          });
}

void TokenDesk::finish(const TokenId& id, const TenantSnapshotPtr& tenant) {
  auto waiting = std::move(busy_.at(id));
  busy_.erase(id);
  for (const auto& request : waiting) change(request, tenant);
}

}  // namespace coffer::actors
