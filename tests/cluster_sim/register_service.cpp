#include "tests/cluster_sim/register_service.h"

namespace coffer::sim {
namespace {

using log::Family;
using log::Milliseconds;

constexpr std::size_t kBatchMax = 8;

Outcome outcome_of(const Error& error) {
  return {error.code == ErrorCode::unknown_outcome ? Outcome::Kind::unknown
                                                   : Outcome::Kind::nothing_happened,
          error.message};
}

Outcome answer(std::string text) {
  return {Outcome::Kind::answered, std::move(text)};
}

}  // namespace

// ---------------------------------------------------------------- owning
Result<void> RegisterService::begin(log::KafkaEventLog& log) {
  process_.point();
  if (!conditions_.hsm_works) return fail(ErrorCode::unavailable, "the HSM does not answer");
  log_ = &log;
  ending_ = held_ = checked_ = false;
  if (!fault_.keeps_state_for_ever) state_.clear();
  open_ = writer_runs_ = true;
  process_.start([this] { write_queue(); });
  return {};
}

void RegisterService::drain(Milliseconds limit) {
  const auto until = process_.world().now() + limit.count() * kMillisecond;
  while (under_way_ > 0 && process_.world().now() < until) process_.wait(&changed_, until);
  // As the log's own lock would: what comes next waits for what the writer is at.
  held_ = true;
  while (writing_) wait_changed(kSecond);
}

void RegisterService::end() {
  held_ = false;
  queued_.notify();
  while (under_way_ > 0) wait_changed(kSecond);
  ending_ = true;
  queued_.notify();
  while (writer_runs_) wait_changed(kSecond);
  log_ = nullptr;
}

void RegisterService::tick() {
  if (process_.world().below(4) == 0) shred_ = true;
}

void RegisterService::report(Severity, const std::string& what) {
  process_.world().note(process_.name() + ": " + what);
}

void RegisterService::write_queue() {
  while (!ending_) {
    if (queue_.empty() || held_) {
      if (shred_ && !held_) shred();
      process_.wait(&queued_, process_.world().now() + kSecond);
      continue;
    }
    std::vector<std::shared_ptr<Queued>> taken;
    std::vector<log::Append> batch;
    while (!queue_.empty() && taken.size() < kBatchMax) {
      taken.push_back(std::move(queue_.front()));
      queue_.pop_front();
      batch.push_back(std::move(taken.back()->append));
    }
    writing_ = true;
    const auto appended = log_->append(batch);
    writing_ = false;
    checked_ = appended.ok();
    for (std::size_t i = 0; i < taken.size(); ++i) {
      if (appended)
        taken[i]->done = (*appended)[i];
      else
        taken[i]->done = appended.error();
    }
    changed_.notify();
  }
  writer_runs_ = false;
  changed_.notify();
}

void RegisterService::shred() {
  shred_ = false;
  writing_ = true;
  if (const auto shredded = log_->shred_deleted_keys(); !shredded)
    process_.world().note(process_.name() + ": shredding: " + shredded.error().message);
  writing_ = false;
  changed_.notify();
}

Result<log::Appended> RegisterService::append(log::Append element) {
  auto queued = std::make_shared<Queued>();
  queued->append = std::move(element);
  queue_.push_back(queued);
  queued_.notify();
  while (!queued->done) wait_changed(kSecond);
  return *queued->done;
}

// ---------------------------------------------------------------- requests
void RegisterService::handle(Request request) {
  if (!open_) return request.reply({Outcome::Kind::nothing_happened, "standby"});
  ++under_way_;
  process_.start([this, request = std::move(request)] {
    serve(request);
    --under_way_;
    changed_.notify();
  });
}

void RegisterService::lock(unsigned key) {
  while (locked_[key]) wait_changed(kSecond);
  locked_[key] = true;
}

void RegisterService::unlock(unsigned key) {
  locked_[key] = false;
  changed_.notify();
}

void RegisterService::serve(const Request& request) {
  if (request.operation == Operation::read) return serve_read(request);
  lock(request.key);
  serve_change(request);
  unlock(request.key);
}

Result<RegisterState> RegisterService::load(unsigned key) {
  process_.point();
  if (const auto found = state_.find(key); found != state_.end()) return found->second;
  COFFER_ASSIGN(const auto row, log_->get(Family::aggregates, register_row(key)));
  if (!row) return RegisterState{};
  return decode_register(*row);
}

log::Append RegisterService::new_append(const Request& request) {
  log::Append append;
  if (request.audited) {
    log::AccessAppend access;
    access.tenant = kTenant;
    append_u64(access.payload, request.id);
    append.access.push_back(std::move(access));
  }
  return append;
}

void RegisterService::serve_read(const Request& request) {
  if (fault_.trusts_the_last_check && checked_) {
    request.reply(answer(said_read(*load(request.key))));
    ignore_result(append(new_append(request)));
    return;
  }
  const auto state = load(request.key);
  if (!state) return request.reply(outcome_of(state.error()));
  const auto owner = append(new_append(request));
  if (!owner) return request.reply(outcome_of(owner.error()));
  request.reply(answer(said_read(*state)));
}

void RegisterService::add_change(log::Append& append, const Request& request,
                                 const RegisterState& next) {
  log::EventAppend event;
  event.tenant = kTenant;
  event.heads.push_back({1, 1});
  append_u64(event.payload, request.id);
  for (int i = 0; i < 8; ++i)
    event.command_id.bytes[static_cast<std::size_t>(i)] =
        static_cast<std::uint8_t>(request.id >> (8 * i));
  append.event = std::move(event);
  append.changes.push_back(
      {Family::aggregates, register_row(request.key), encode_register(next), false});
  std::optional<Bytes> wrapped;
  if (!next.destroyed) wrapped = wrapped_key_of(next.value);
  append.changes.push_back({Family::keys, register_key_row(request.key), wrapped, false});
}

void RegisterService::serve_change(const Request& request) {
  const auto state = load(request.key);
  if (!state) return request.reply(outcome_of(state.error()));
  auto change = new_append(request);
  auto next = *state;
  std::string said{kDestroyed};
  bool changes = true;
  if (request.operation == Operation::destroy) {
    changes = state->version > 0 && !state->destroyed;
    next.destroyed = true;
  } else if (request.cas && *request.cas != state->version) {
    changes = false;
    said = kRefused;
  } else {
    next = {state->version + 1, request.value, false};
    said = said_written(next.version);
  }
  if (changes) add_change(change, request, next);
  const auto appended = append(std::move(change));
  if (!appended) return request.reply(outcome_of(appended.error()));
  if (changes) state_[request.key] = next;
  request.reply(answer(std::move(said)));
}

}  // namespace coffer::sim
