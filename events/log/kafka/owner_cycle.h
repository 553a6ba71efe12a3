// The life of a node of the cluster: follows the log with a warm store, becomes the owner when the
// group gives it the partition, and follows again when it has to.
//
//   following ── gained ──> taking over (claim, old lease, service) ──> owning
//       ^                                                                 │
//       └───── handed over: drained, released <── lost, asked to stop ────┤
//       └───── dropped without a hand-over    <── the log has stopped ────┘
//
// A node whose service cannot begin leaves the group for a while, so that another node gets its
// turn: longer each time up to 10 s, and not at all once it has ceased to be a candidate and is one
// again. So a cluster whose HSM was away for long has an owner 10 s after its return.
//
// What a node does while it owns the log is an OwnedService. Nothing of a service survives the end
// of an ownership: what it knew may be older than the log by the next time.
//
// Threads: run() is the node's thread and calls the service on it; stop() and hand_over() from any.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "events/base/ports.h"
#include "events/log/kafka/kafka_event_log.h"
#include "events/log/kafka/ownership_group.h"

namespace coffer::log {

class OwnedService {
 public:
  virtual ~OwnedService() = default;
  // The node owns `log`, which lives until end(). On an error nothing of it stays and the log is
  // released.
  [[nodiscard]] virtual Result<void> begin(KafkaEventLog& log) = 0;
  // What comes from now on waits for the next owner.
  virtual void close_entrance() = 0;
  // Until nothing is under way, or the limit.
  virtual void drain(Milliseconds limit) = 0;
  // Returns when nothing uses the log any more; what is under way finds it stopped.
  virtual void end() = 0;

  // In every state, every few milliseconds.
  virtual void turn() = 0;
  // Every second while the node owns.
  virtual void tick() = 0;
  // Whether the node would own the log. While it would not, it is in no group and only follows.
  [[nodiscard]] virtual bool is_candidate() const = 0;
  // The group of the nodes that may own; null: not now. Asked while the node is a candidate in
  // none.
  virtual std::unique_ptr<OwnershipGroup> join_group() = 0;
  // After every step of the follower.
  virtual void followed(KafkaReplica& replica) = 0;
  // Such a step was not possible, nor a take-over with what the log holds. After `unsupported`
  // (records of a newer version) this node can never own: it ceases to be a candidate.
  virtual void lost_sight(const Error& why) = 0;
  enum class Severity : std::uint8_t { note, trouble };
  virtual void report(Severity severity, const std::string& what) = 0;
};

class OwnerCycle {
 public:
  // All arguments that are references outlive the cycle. `replica` may be null: opened by run().
  OwnerCycle(KafkaLogOptions options, std::shared_ptr<KafkaEnvironment> environment,
             std::unique_ptr<KafkaReplica> replica, OwnedService& service, Random& random);
  ~OwnerCycle();

  // Until stop(); leaves the group at its end, and releases what the node owned.
  void run();
  void stop() noexcept { stopping_ = true; }
  // Gives up ownership in good order, with at most this for what is under way, and leaves the
  // group; the node goes on following.
  void hand_over(Milliseconds drain_max) noexcept;
  [[nodiscard]] bool handed_over() const noexcept { return handed_over_; }
  // After stop() or hand_over().
  [[nodiscard]] bool is_leaving() const noexcept { return stopping_ || handing_over_; }

 private:
  void follow();
  Result<void> take_over();
  void own();
  void step_down(bool release);
  [[nodiscard]] bool wants() const { return !handing_over_ && service_.is_candidate(); }
  void mind_membership();
  void leave_group();
  void give_way();
  void forgive();
  Milliseconds draw(Milliseconds max);
  void poll_group(Milliseconds timeout);
  void pause(Milliseconds length);
  void sleep(Milliseconds length) { environment_->sleep_until(environment_->now() + length); }

  static constexpr PartitionId kPartition = 0;

  const KafkaLogOptions options_;
  const std::shared_ptr<KafkaEnvironment> environment_;
  OwnedService& service_;
  Random& random_;
  // The node's thread only.
  std::unique_ptr<OwnershipGroup> group_;
  std::unique_ptr<KafkaReplica> replica_;  // null while owning, and after trouble
  std::unique_ptr<KafkaEventLog> log_;     // null while following
  bool assigned_ = false;
  bool removed_ = false;  // the group took the partition away without waiting for us
  KafkaEnvironment::Time next_join_{};
  Milliseconds next_absence_;  // from the group, when the service cannot begin

  std::atomic<bool> handing_over_ = false;
  std::atomic<bool> handed_over_ = false;
  std::atomic<Milliseconds> drain_max_{Milliseconds(3'000)};
  std::atomic<bool> stopping_ = false;
};

}  // namespace coffer::log
