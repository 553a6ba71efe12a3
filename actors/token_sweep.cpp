#include "actors/token_sweep.h"

#include "actors/append_builder.h"
#include "actors/token_desk.h"
#include "events/log/state_keys.h"

namespace coffer::actors {
namespace {

constexpr std::size_t kRowsOfSlice = 2000;
constexpr unsigned kAncestorsMax = 64;
// A client that asks about its token just after the end gets the same answer as before.
constexpr Seconds kGrace{300};

bool is_over(const token::TokenState& state, Timestamp now) {
  if (state.revoked || (state.num_uses > 0 && state.uses_left == 0)) return true;
  return state.expire_time.is_set() && state.expire_time + kGrace < now;
}

// Null when the row is gone; an error too when it cannot be opened now.
Result<TokenStatePtr> read_token(const Services& services, const TokenId& id) {
  COFFER_ASSIGN(const auto tenant, token_tenant(services.log, id));
  if (!tenant) return TokenStatePtr{};
  const auto snapshot = services.tenants.find(*tenant);
  if (!snapshot)
    return fail(ErrorCode::unavailable, "the keys of a token's namespace are not here");
  return stored_token(services.log, *snapshot->keys, id);
}

// The gate's rule (VaultRuntime::check_ancestors): who cannot be found is dead.
Result<bool> has_dead_ancestor(const Services& services, TokenId parent, Timestamp now) {
  for (unsigned depth = 0; depth < kAncestorsMax && !parent.is_zero(); ++depth) {
    COFFER_ASSIGN(const auto state, read_token(services, parent));
    if (!state) return true;
    if (state->revoked && state->children_live_on) return false;
    if (is_over(*state, now)) return true;
    parent = state->parent;
  }
  return false;
}

void forget(const Services& services, const token::TokenState& token, bool ancestor_is_dead) {
  auto request = std::make_shared<TenantRequest>();
  request->tenant = token.tenant;
  request->body = ChangeToken{nullptr, token.id, token::ForgetToken{ancestor_is_dead}, 0,
                              Promise<TokenStatePtr>([](Result<TokenStatePtr>) {})};
  // Turned away: the next round finds it again.
  static_cast<void>(services.partition.try_send(std::move(request), services.limits.mailbox_max));
}

void drop_row(const Services& services, const Bytes& key) {
  auto job = std::make_shared<AppendJob>();
  log::Append append;
  append.changes.push_back(deleted_row(log::Family::tokens, key));
  job->appends.push_back(std::move(append));
  job->done = [](const auto&) {};
  services.log_writer.send(std::move(job));
}

Result<void> look_at(const Services& services, const Bytes& key) {
  const auto id = TokenId::from_bytes(key);
  COFFER_ASSIGN(const auto tenant, token_tenant(services.log, id));
  if (!tenant) return {};
  COFFER_ASSIGN(const auto tenant_row,
                services.log.get(log::Family::tenants, log::tenant_row(*tenant)));
  if (!tenant_row) {
    drop_row(services, key);
    return {};
  }
  COFFER_ASSIGN(const auto token, read_token(services, id));
  if (!token || token->chosen_id) return {};
  const auto now = services.clock.now();
  if (is_over(*token, now)) {
    if (!(token->revoked && token->children_live_on)) forget(services, *token, false);
    return {};
  }
  COFFER_ASSIGN(const bool dead, has_dead_ancestor(services, token->parent, now));
  if (dead) forget(services, *token, true);
  return {};
}

}  // namespace

struct TokenSweep::Progress {
  std::atomic<bool> under_way = false;
  // Of the slice under way, or of tick() while there is none.
  Bytes after;
  std::int64_t next_round_ns = 0;  // monotonic
};

TokenSweep::TokenSweep(Services& services)
    : services_(services), progress_(std::make_shared<Progress>()) {}

void TokenSweep::tick() {
  if (progress_->under_way || services_.clock.monotonic_ns() < progress_->next_round_ns) return;
  progress_->under_way = true;
  auto job = std::make_shared<ReadJob>();
  job->run = [&services = services_, progress = progress_] {
    const auto rows = services.log.scan(log::Family::tokens, {}, progress->after, kRowsOfSlice);
    // What cannot be read now is looked at again in the next round.
    if (rows)
      for (const auto& row : *rows) ignore_result(look_at(services, row.key));
    if (rows && rows->size() == kRowsOfSlice) {
      progress->after = rows->back().key;
    } else {
      progress->after.clear();
      progress->next_round_ns = services.clock.monotonic_ns() +
                                services.limits.token_sweep_interval.count * 1'000'000'000;
    }
    progress->under_way = false;
  };
  if (!services_.reader.try_send(std::move(job), services_.limits.mailbox_max))
    progress_->under_way = false;
}

}  // namespace coffer::actors
