#include "events/log/kafka/owner_cycle.h"

#include <fmt/format.h>

namespace coffer::log {
namespace {

using Severity = OwnedService::Severity;

constexpr Milliseconds kBeat{20};
constexpr Milliseconds kRetry{500};
constexpr Milliseconds kTick{1'000};

}  // namespace

OwnerCycle::OwnerCycle(KafkaLogOptions options, std::shared_ptr<KafkaEnvironment> environment,
                       std::unique_ptr<KafkaReplica> replica, OwnedService& service, Random& random)
    : options_(std::move(options)),
      environment_(std::move(environment)),
      service_(service),
      random_(random),
      replica_(std::move(replica)) {}

OwnerCycle::~OwnerCycle() = default;

void OwnerCycle::hand_over(Milliseconds drain_max) noexcept {
  drain_max_ = drain_max;
  handing_over_ = true;
}

void OwnerCycle::run() {
  while (!stopping_) {
    follow();
    if (stopping_ || !assigned_ || handing_over_) continue;
    if (const auto taken = take_over(); !taken) {
      service_.report(Severity::trouble, "cannot become the active node: " + taken.error().message);
      pause(kRetry);
      continue;
    }
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
  while (!stopping_ && (!assigned_ || handing_over_)) {
    if (handing_over_ && !handed_over_) {
      group_.reset();
      assigned_ = false;
      handed_over_ = true;
    }
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
      pause(kRetry);
      continue;
    }
    troubled = false;
    service_.followed(*replica_);
    if (!group_ && !handing_over_) group_ = service_.join_group();
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
    return begun.error();
  }
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
    if (!assigned_ || handing_over_) return step_down(!removed_);
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
  if (handing_over_)
    group_.reset();
  else if (group_ && !assigned_)
    group_->confirm_lost();
  service_.end();
  log_.reset();
  service_.report(Severity::note, "this node follows");
}

}  // namespace coffer::log
