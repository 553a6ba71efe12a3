// Reading: each stream asks the leader for what is behind its place, one request at a time, and is
// told when there is something new.
#include "tests/cluster_sim/sim_network.h"

namespace coffer::sim {
namespace {

using log::Fetched;
using log::Milliseconds;

constexpr std::size_t kFetchMax = 50;

struct ReaderShared {
  explicit ReaderShared(Process& process) : arrived(process) {}
  Signal arrived;
  bool pending = false;  // something arrived since the last wait()

  void notify() {
    pending = true;
    arrived.notify();
  }
};

struct StreamShared : std::enable_shared_from_this<StreamShared> {
  StreamShared(SimNetwork& network_of, BrokerPartition& of, std::uint64_t offset,
               std::shared_ptr<ReaderShared> reader_of)
      : network(network_of), partition(of), reader(std::move(reader_of)), next(offset) {}

  SimNetwork& network;
  BrokerPartition& partition;
  std::shared_ptr<ReaderShared> reader;
  std::shared_ptr<std::function<void()>> listener;
  std::deque<log::FetchedMessage> fetched;
  std::uint64_t next = 0;            // behind what was fetched
  bool told_end = false;             // since the last new message
  std::optional<std::uint64_t> end;  // reached and not read yet
  bool asking = false;

  void listen() {
    listener = std::make_shared<std::function<void()>>([self = weak_from_this()] {
      if (const auto stream = self.lock()) stream->pump();
    });
    partition.listeners.push_back(listener);
    pump();
  }

  [[nodiscard]] std::uint64_t visible_end() const {
    return network.link().asks_old_leader
               ? std::max(next, std::min(partition.stale_end(), partition.end()))
               : partition.end();
  }

  void later(Nanos length, void (StreamShared::*action)()) {
    network.world().after(length, [self = weak_from_this(), action] {
      if (const auto stream = self.lock()) (stream.get()->*action)();
    });
  }

  void pump() {
    if (asking || (told_end && visible_end() <= next)) return;
    asking = true;
    later(network.delay(), &StreamShared::ask);
  }

  void ask() {
    const auto& link = network.link();
    const bool reached = link.to_brokers && link.from_brokers && partition.has_leader();
    if (!reached || network.loses()) {
      asking = false;
      return later(100 * kMillisecond, &StreamShared::pump);
    }
    auto answer = std::make_shared<std::vector<log::FetchedMessage>>();
    auto offset = next;
    for (; offset < visible_end() && answer->size() < kFetchMax; ++offset) {
      const auto& record = partition.at(offset);
      if (!record.compacted) answer->push_back({offset, record.key, record.value});
    }
    const bool at_end = offset == visible_end();
    network.world().after(network.delay(), [self = weak_from_this(), answer, offset, at_end] {
      if (const auto stream = self.lock()) stream->take(*answer, offset, at_end);
    });
  }

  void take(std::vector<log::FetchedMessage>& answer, std::uint64_t behind, bool at_end) {
    asking = false;
    for (auto& message : answer) fetched.push_back(std::move(message));
    next = behind;
    told_end = at_end;
    end.reset();
    if (at_end) end = behind;
    reader->notify();
    pump();
  }
};

class SimStream final : public log::KafkaStream {
 public:
  explicit SimStream(std::shared_ptr<StreamShared> shared) : shared_(std::move(shared)) {}

  Result<Fetched> read(std::size_t limit, Milliseconds timeout) override {
    auto& process = shared_->network.process();
    process.point();
    if (timeout.count() > 0 && shared_->fetched.empty() && !shared_->end)
      process.wait(&shared_->reader->arrived,
                   process.world().now() + timeout.count() * kMillisecond);
    Fetched out;
    while (!shared_->fetched.empty() && out.messages.size() < limit) {
      out.messages.push_back(std::move(shared_->fetched.front()));
      shared_->fetched.pop_front();
      out.next = out.messages.back().offset + 1;
    }
    if (shared_->fetched.empty() && shared_->end) {
      out.at_end = true;
      out.next = std::max(out.next, *shared_->end);
      shared_->end.reset();
    }
    process.point();
    return out;
  }

 private:
  std::shared_ptr<StreamShared> shared_;
};

class SimReader final : public log::KafkaReader {
 public:
  explicit SimReader(SimNetwork& network)
      : network_(network), shared_(std::make_shared<ReaderShared>(network.process())) {}

  Result<log::Watermarks> watermarks(const std::string& topic, PartitionId) override {
    auto& process = network_.process();
    auto& partition = network_.broker().partition(topic);
    const auto deadline = process.world().now() + network_.options().request_timeout;
    const auto& link = network_.link();
    while (process.world().now() < deadline) {
      process.sleep(network_.delay());
      // A deposed leader that is asked goes on answering with what it knows.
      const bool old = link.asks_old_leader;
      if (!link.to_brokers || network_.loses() || (!old && !partition.has_leader())) {
        process.sleep(100 * kMillisecond);
        continue;
      }
      const auto end = old ? std::min(partition.stale_end(), partition.end()) : partition.end();
      process.sleep(network_.delay());
      if (!link.from_brokers || network_.loses()) continue;
      process.point();
      return log::Watermarks{0, end};
    }
    return fail(ErrorCode::unavailable, "cannot find the ends of " + topic);
  }

  Result<std::unique_ptr<log::KafkaStream>> open(const std::string& topic, PartitionId,
                                                 std::uint64_t offset) override {
    auto shared = std::make_shared<StreamShared>(network_, network_.broker().partition(topic),
                                                 offset, shared_);
    shared->listen();
    return std::unique_ptr<log::KafkaStream>(std::make_unique<SimStream>(std::move(shared)));
  }

  void wait(Milliseconds timeout) override {
    auto& process = network_.process();
    if (!shared_->pending)
      process.wait(&shared_->arrived, process.world().now() + timeout.count() * kMillisecond);
    shared_->pending = false;
    process.point();
  }

 private:
  SimNetwork& network_;
  std::shared_ptr<ReaderShared> shared_;
};

}  // namespace

std::unique_ptr<log::KafkaReader> SimNetwork::make_reader() {
  return std::make_unique<SimReader>(*this);
}

}  // namespace coffer::sim
