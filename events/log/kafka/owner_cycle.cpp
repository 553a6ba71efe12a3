#include "events/log/kafka/owner_cycle.h"

#include <fmt/format.h>

#include <array>

namespace coffer::log {
namespace {

using Severity = OwnedService::Severity;

constexpr Milliseconds kBeat{20};
constexpr Milliseconds kRetry{500};
constexpr Milliseconds kTick{1'000};
constexpr Milliseconds kAbsenceMin{1'000};
constexpr Milliseconds kAbsenceMax{10'000};

}  // namespace

OwnerCycle::OwnerCycle(KafkaLogOptions options, std::shared_ptr<KafkaEnvironment> environment,
                       std::unique_ptr<KafkaReplica> replica, OwnedService& service, Random& random)
    : options_(std::move(options)),
      environment_(std::move(environment)),
      service_(service),
      random_(random),
      replica_(std::move(replica)),
      next_absence_(kAbsenceMin) {}

OwnerCycle::~OwnerCycle() = default;

void OwnerCycle::hand_over(Milliseconds drain_max) noexcept {
  drain_max_ = drain_max;
  handing_over_ = true;
}

void OwnerCycle::run() {
  std::string trouble;  // said once, as long as it is the same
  while (!stopping_) {
    follow();
    if (stopping_ || !assigned_ || !wants()) continue;
    if (const auto taken = take_over(); !taken) {
      if (std::exchange(trouble, taken.error().message) != taken.error().message)
        service_.report(Severity::trouble, "cannot become the active node: " + trouble);
      if (taken.error().code == ErrorCode::unsupported) service_.lost_sight(taken.error());
      pause(kRetry);
      continue;
    }
    trouble.clear();
    own();
  }
  if (log_) step_down(!removed_);
  group_.reset();
}

// Waits while the group and the service's waiting requests are looked after.
void OwnerCycle::pause(Milliseconds length) {
  const auto until = environment_->now() + length;
  while (!stopping_ && environment_->now() < until) {
    poll_group(kBeat);
    service_.turn();
  }
}

// In the group while this node would own, and only then.
void OwnerCycle::mind_membership() {
  if (!wants()) {
    forgive();
    return leave_group();
  }
  if (group_ || environment_->now() < next_join_) return;
  group_ = service_.join_group();
  if (!group_) next_join_ = environment_->now() + kRetry;
}

void OwnerCycle::leave_group() {
  group_.reset();
  assigned_ = false;
  removed_ = false;
}

void OwnerCycle::give_way() {
  leave_group();
  next_join_ = environment_->now() + draw(next_absence_);
  next_absence_ = std::min(2 * next_absence_, kAbsenceMax);
}

// Who was unsealed or volunteers anew is not made to wait for what failed before.
void OwnerCycle::forgive() {
  next_join_ = {};
  next_absence_ = kAbsenceMin;
}

// From half of it to the whole: nodes that failed together come back one after the other.
Milliseconds OwnerCycle::draw(Milliseconds max) {
  std::array<std::uint8_t, 2> drawn{};
  random_.fill(drawn);
  const auto fraction = 256 * drawn[0] + drawn[1];
  return max / 2 + max / 2 * fraction / 65'536;
}

void OwnerCycle::poll_group(Milliseconds timeout) {
  if (!group_) return sleep(timeout);
  const auto change = group_->poll(timeout);
  if (!change) {
    service_.report(Severity::trouble, "the owners' group: " + change.error().message);
    return sleep(timeout);
  }
  if (!*change) return;
  if ((*change)->gained.contains(kPartition)) {
    assigned_ = true;
    removed_ = false;
  }
  if ((*change)->lost.contains(kPartition)) {
    assigned_ = false;
    removed_ = (*change)->removed;
    if (!log_) group_->confirm_lost();
  }
}

void OwnerCycle::follow() {
  bool troubled = false;
  while (!stopping_ && (!assigned_ || !wants())) {
    mind_membership();
    if (handing_over_) handed_over_ = true;
    Result<std::size_t> read = std::size_t{0};
    if (!replica_) {
      auto opened = KafkaReplica::open(options_, environment_);
      if (opened)
        replica_ = std::move(*opened);
      else
        read = opened.error();
    }
    if (replica_) read = replica_->step(kBeat);
    if (!read) {
      if (!troubled)
        service_.report(Severity::trouble, "cannot follow the log: " + read.error().message);
      troubled = true;
      replica_.reset();
      service_.lost_sight(read.error());
      pause(kRetry);
      continue;
    }
    troubled = false;
    service_.followed(*replica_);
    poll_group(Milliseconds(0));
    service_.turn();
  }
}

Result<void> OwnerCycle::take_over() {
  if (!replica_) {
    COFFER_ASSIGN(replica_, KafkaReplica::open(options_, environment_));
  }
  const auto began = environment_->now();
  COFFER_ASSIGN(auto log,
                KafkaEventLog::take_over(std::move(replica_), random_id<Nonce128>(random_)));
  const auto epoch = log->epoch(kPartition);
  if (const auto begun = service_.begin(*log); !begun) {
    ignore_result(log->release());  // only to spare the next owner the wait
    give_way();
    return begun.error();
  }
  forgive();
  log_ = std::move(log);
  service_.turn();
  const auto took = std::chrono::duration_cast<Milliseconds>(environment_->now() - began);
  service_.report(Severity::note, fmt::format("this node is the active one, epoch {}, after {} ms",
                                              epoch, took.count()));
  return {};
}

void OwnerCycle::own() {
  auto next_tick = environment_->now();
  while (!stopping_) {
    poll_group(kBeat);
    service_.turn();
    if (log_->stopped()) {
      service_.report(Severity::trouble,
                      "the log has stopped: this node is no longer the active one");
      step_down(false);
      // Whether the group still wants this node is known after a heartbeat or two.
      return pause(2 * kRetry);
    }
    if (!assigned_ || !wants()) return step_down(!removed_);
    if (environment_->now() < next_tick) continue;
    next_tick += kTick;
    service_.tick();
  }
}

void OwnerCycle::step_down(bool release) {
  service_.close_entrance();
  if (release) {
    service_.drain(drain_max_);
    if (const auto released = log_->release(); !released)
      service_.report(Severity::trouble, "handing over: " + released.error().message);
  }
  // From here on this node writes nothing any more: the next owner need not wait for the rest.
  if (!wants())
    leave_group();
  else if (group_ && !assigned_)
    group_->confirm_lost();
  service_.end();
  log_.reset();
  service_.report(Severity::note, "this node follows");
}

}  // namespace coffer::log
