#include "events/log/kafka/ownership_group.h"

#include <mutex>
#include <vector>

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

#include "events/log/kafka/kafka_troubles.h"

namespace coffer::log {
namespace {

using Clock = std::chrono::steady_clock;

constexpr Milliseconds kLookInterval{50};

struct EventDeleter {
  void operator()(rd_kafka_event_t* event) const noexcept { rd_kafka_event_destroy(event); }
};
using Event = std::unique_ptr<rd_kafka_event_t, EventDeleter>;

struct ListDeleter {
  void operator()(rd_kafka_topic_partition_list_t* list) const noexcept {
    rd_kafka_topic_partition_list_destroy(list);
  }
};
using PartitionList = std::unique_ptr<rd_kafka_topic_partition_list_t, ListDeleter>;

std::set<PartitionId> ids_of(const rd_kafka_topic_partition_list_t& list) {
  std::set<PartitionId> ids;
  for (int i = 0; i < list.cnt; ++i) ids.insert(static_cast<PartitionId>(list.elems[i].partition));
  return ids;
}

// Of an incremental assign or unassign: an error says that the assignment is as it was asked for
// already (the group has moved on meanwhile), which later events will tell.
void settle(rd_kafka_error_t* error) {
  if (error != nullptr) rd_kafka_error_destroy(error);
}

class LibraryGroup final : public OwnershipGroup {
 public:
  LibraryGroup(const OwnershipOptions& options, KafkaHandle handle)
      : options_(options), handle_(std::move(handle)) {}
  ~LibraryGroup() override;
  Result<void> subscribe();
  Result<std::optional<Change>> poll(Milliseconds timeout) override;
  void confirm_lost() override;

 private:
  Result<std::optional<Change>> on_rebalance(void* event);
  void await_rest();
  void note_statistics(std::string_view text);

  OwnershipOptions options_;
  KafkaHandle handle_;
  KafkaQueue queue_;
  std::set<PartitionId> leaving_;  // asked back and not confirmed
  bool assigned_ = false;          // the group has answered once, be it with nothing
  bool waits_ = true;              // for the broker's answer to a request to join or sync ...
  Clock::time_point looked_{};     // ... at this time
};

// The library up to 2.3.0 aborts the process when it destroys a member that joined and was never
// told its assignment (confluentinc/librdkafka#4312). Such a handle is closed and then kept: it
// costs a few sleeping threads, and it takes a group that answers nothing for a second.
void park(KafkaHandle handle) {
  static std::mutex mutex;
  static auto* parked = new std::vector<rd_kafka_s*>;  // outlives every static destructor
  const std::lock_guard lock(mutex);
  parked->push_back(handle.release());
}

Result<void> LibraryGroup::subscribe() {
  rd_kafka_poll_set_consumer(handle_.get());
  queue_.reset(rd_kafka_queue_get_consumer(handle_.get()));
  const PartitionList topics(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(topics.get(), topic_names(options_.prefix).owners.c_str(),
                                    RD_KAFKA_PARTITION_UA);
  const auto error = rd_kafka_subscribe(handle_.get(), topics.get());
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return kafka_error(error, "cannot join the owners");
  return {};
}

// The broker keeps a request to join until all members have sent theirs (each does once a second),
// and looks at nothing that comes behind it on the connection. A member that left then would not be
// heard before its connection ends, and the others would wait for its session timeout. So it goes
// through with what is under way; before its own request it may leave at any time.
void LibraryGroup::await_rest() {
  constexpr Milliseconds kWaitMax{2'500};
  const auto began = Clock::now();
  const auto deadline = began + std::min(kWaitMax, options_.client.shutdown_timeout);
  while ((!assigned_ || waits_ || looked_ < began) && Clock::now() < deadline) {
    const auto change = poll(Milliseconds(20));
    if (!change) return;
    confirm_lost();
  }
}

// The library tells the state of a membership in its statistics only.
void LibraryGroup::note_statistics(std::string_view text) {
  looked_ = Clock::now();
  constexpr std::string_view kName = R"("join_state":)";
  const auto name = text.find(kName);
  if (name == std::string_view::npos) return;
  const auto value = text.substr(name + kName.size(), sizeof(R"( "wait-join")"));
  waits_ = value.find("wait-join") != std::string_view::npos ||
           value.find("wait-sync") != std::string_view::npos;
}

// The asynchronous close: its own queue tells what is to be given back, and when all is done.
LibraryGroup::~LibraryGroup() {
  await_rest();
  KafkaQueue closing(rd_kafka_queue_new(handle_.get()));
  confirm_lost();
  settle(rd_kafka_consumer_close_queue(handle_.get(), closing.get()));
  const auto deadline = Clock::now() + options_.client.shutdown_timeout;
  while (rd_kafka_consumer_closed(handle_.get()) == 0 && Clock::now() < deadline) {
    const Event event(rd_kafka_queue_poll(closing.get(), 50));
    if (!event || rd_kafka_event_type(event.get()) != RD_KAFKA_EVENT_REBALANCE) continue;
    assigned_ =
        assigned_ || rd_kafka_event_error(event.get()) == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
    settle(rd_kafka_incremental_unassign(handle_.get(),
                                         rd_kafka_event_topic_partition_list(event.get())));
  }
  queue_.reset();
  closing.reset();
  if (!assigned_) park(std::move(handle_));
}

Result<std::optional<OwnershipGroup::Change>> LibraryGroup::poll(Milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  do {
    const auto left = std::chrono::duration_cast<Milliseconds>(deadline - Clock::now());
    const Event event(rd_kafka_queue_poll(
        queue_.get(), static_cast<int>(std::max<Milliseconds::rep>(left.count(), 0))));
    if (!event) return std::optional<Change>{};
    switch (rd_kafka_event_type(event.get())) {
      case RD_KAFKA_EVENT_REBALANCE:
        return on_rebalance(event.get());
      case RD_KAFKA_EVENT_ERROR:
        count_kafka_trouble(rd_kafka_event_error(event.get()));
        if (rd_kafka_event_error(event.get()) == RD_KAFKA_RESP_ERR__FATAL)
          return fail(ErrorCode::unavailable, "the Kafka client of the owners' group has failed");
        if (rd_kafka_event_error(event.get()) == RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT)
          return fail(ErrorCode::invalid_argument,
                      "the brokers refuse the session timeout of the owners' group: it must be at "
                      "least their group.min.session.timeout.ms");
        break;  // of the others it goes on trying by itself
      case RD_KAFKA_EVENT_STATS:
        note_statistics(rd_kafka_event_stats(event.get()));
        break;
      default:
        break;
    }
  } while (true);
}

Result<std::optional<OwnershipGroup::Change>> LibraryGroup::on_rebalance(void* raw) {
  auto* event = static_cast<rd_kafka_event_t*>(raw);
  auto* list = rd_kafka_event_topic_partition_list(event);
  Change change;
  if (rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
    assigned_ = true;
    change.gained = ids_of(*list);
    settle(rd_kafka_incremental_assign(handle_.get(), list));
    return std::optional<Change>{std::move(change)};
  }
  change.lost = ids_of(*list);
  change.removed = rd_kafka_assignment_lost(handle_.get()) != 0;
  leaving_.insert(change.lost.begin(), change.lost.end());
  if (change.lost.empty()) {
    settle(rd_kafka_incremental_unassign(handle_.get(), list));  // the library waits for it
  } else if (change.removed) {
    confirm_lost();
  }
  return std::optional<Change>{std::move(change)};
}

void LibraryGroup::confirm_lost() {
  const auto leaving = std::exchange(leaving_, {});
  if (leaving.empty()) return;
  const PartitionList list(rd_kafka_topic_partition_list_new(static_cast<int>(leaving.size())));
  for (const auto id : leaving)
    rd_kafka_topic_partition_list_add(list.get(), topic_names(options_.prefix).owners.c_str(),
                                      static_cast<std::int32_t>(id));
  settle(rd_kafka_incremental_unassign(handle_.get(), list.get()));
}

}  // namespace

Result<std::unique_ptr<OwnershipGroup>> OwnershipGroup::join(const OwnershipOptions& options) {
  auto client = options.client;
  client.extra.insert(
      client.extra.begin(),
      {{"group.id", topic_names(options.prefix).owners},
       // Takes nothing away from a member that is well; needs all to subscribe to the same topic.
       {"partition.assignment.strategy", "cooperative-sticky"},
       {"session.timeout.ms", std::to_string(options.session_timeout.count())},
       {"heartbeat.interval.ms", std::to_string(options.heartbeat.count())},
       {"statistics.interval.ms", std::to_string(kLookInterval.count())},
       {"auto.offset.reset", "latest"}});
  COFFER_ASSIGN(auto handle, make_kafka_handle(client, KafkaRole::group_member));
  auto group = std::make_unique<LibraryGroup>(options, std::move(handle));
  COFFER_TRY(group->subscribe());
  return std::unique_ptr<OwnershipGroup>(std::move(group));
}

}  // namespace coffer::log
