// What a simulated node does while it owns the log: conditional writes, reads and destructions of a
// few registers, in the order of the product's actors. One change of a register at a time; a read
// is state first, then the log's word that this node was still the owner, then the answer.
#pragma once

#include <deque>
#include <map>
#include <optional>

#include "events/log/kafka/owner_cycle.h"
#include "tests/cluster_sim/register_model.h"
#include "tests/cluster_sim/sim_network.h"

namespace coffer::sim {

enum class Operation : std::uint8_t { read, write, destroy };

struct Outcome {
  enum class Kind : std::uint8_t { answered, nothing_happened, unknown };
  Kind kind = Kind::unknown;
  std::string answer;
};

struct Request {
  std::uint64_t id = 0;
  Operation operation = Operation::read;
  unsigned key = 0;
  std::optional<std::uint64_t> cas;
  std::uint64_t value = 0;
  bool audited = true;  // an access record goes with it
  std::function<void(Outcome)> reply;
};

// What the services of all nodes meet.
struct ServiceConditions {
  bool hsm_works = true;  // without it no service begins
  bool candidates = true;
};

// How the service is broken on purpose (mutants.h).
struct ServiceFault {
  bool trusts_the_last_check = false;
  bool keeps_state_for_ever = false;
};

class RegisterService final : public log::OwnedService {
 public:
  using Join = std::function<std::unique_ptr<log::OwnershipGroup>()>;

  RegisterService(Process& process, const ServiceConditions& conditions, Join join,
                  ServiceFault fault)
      : process_(process),
        conditions_(conditions),
        join_(std::move(join)),
        fault_(fault),
        queued_(process),
        changed_(process) {}

  // From the network.
  void handle(Request request);
  [[nodiscard]] bool owns() const noexcept { return log_ != nullptr && open_; }
  // As soon as nothing else is to be written.
  void shred_soon() {
    shred_ = true;
    queued_.notify();
  }
  [[nodiscard]] bool shredded() const noexcept { return !shred_; }
  [[nodiscard]] bool writing() const noexcept { return writing_; }

  Result<void> begin(log::KafkaEventLog& log) override;
  void close_entrance() override { open_ = false; }
  void drain(log::Milliseconds limit) override;
  void end() override;
  void turn() override {}
  void tick() override;
  bool is_candidate() const override { return conditions_.candidates; }
  std::unique_ptr<log::OwnershipGroup> join_group() override { return join_(); }
  void followed(log::KafkaReplica&) override {}
  void lost_sight(const Error&) override {}
  void report(Severity severity, const std::string& what) override;

 private:
  struct Queued {
    log::Append append;
    std::optional<Result<log::Appended>> done;
  };

  void serve(const Request& request);
  void serve_read(const Request& request);
  void serve_change(const Request& request);
  Result<RegisterState> load(unsigned key);
  Result<log::Appended> append(log::Append append);
  static log::Append new_append(const Request& request);
  void add_change(log::Append& append, const Request& request, const RegisterState& next);
  void write_queue();
  void shred();
  void lock(unsigned key);
  void unlock(unsigned key);
  void wait_changed(Nanos length) { process_.wait(&changed_, process_.world().now() + length); }

  Process& process_;
  const ServiceConditions& conditions_;
  Join join_;
  ServiceFault fault_;
  log::KafkaEventLog* log_ = nullptr;
  bool open_ = false;
  bool ending_ = false;
  bool held_ = false;  // the writer begins nothing new
  bool writing_ = false;
  bool writer_runs_ = false;
  bool shred_ = false;
  bool checked_ = false;  // the last append has shown that this node was the owner
  unsigned under_way_ = 0;
  std::deque<std::shared_ptr<Queued>> queue_;
  std::map<unsigned, RegisterState> state_;  // of registers that were changed
  std::map<unsigned, bool> locked_;
  Signal queued_;
  Signal changed_;
};

}  // namespace coffer::sim
