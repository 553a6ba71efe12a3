#include "tools/cofferd/bootstrap.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <thread>

#include "tools/cofferd/logging.h"

namespace coffer::server {
namespace {

using SteadyClock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kStatusMax{2'000};
constexpr milliseconds kBetweenRounds{500};

struct Candidate {
  net::PeerAddress peer;
  net::PeerStatus status;
};

class Bootstrap {
 public:
  Bootstrap(const BootstrapOptions& options, net::PeerClient& client, const log::GoOn& go_on)
      : options_(options), client_(client), go_on_(go_on) {}

  std::string run() {
    if (!is_long_enough()) return {};
    const auto began = SteadyClock::now();
    while (go_on_()) {
      const auto candidates = ask_peers();
      bool busy = false;
      for (const auto& candidate : candidates) {
        if (!go_on_()) return {};
        if (take_from(candidate, busy)) return candidate.peer.node_id;
      }
      const auto waited = SteadyClock::now() - began;
      if (!candidates.empty() && !busy) break;
      if (waited > (busy ? options_.busy_wait : options_.peers_wait)) break;
      std::this_thread::sleep_for(kBetweenRounds);
    }
    if (go_on_())
      cluster_log().warn("no node can give a snapshot: reading the topics from their beginning");
    return {};
  }

 private:
  bool is_long_enough() const;
  std::vector<Candidate> ask_peers() const;
  bool take_from(const Candidate& candidate, bool& busy) const;

  const BootstrapOptions& options_;
  net::PeerClient& client_;
  const log::GoOn& go_on_;
};

bool Bootstrap::is_long_enough() const {
  const auto ask = [&]() -> Result<log::Watermarks> {
    const auto& log = options_.install.log;
    COFFER_ASSIGN(const auto reader, log::KafkaReader::create(log.client));
    return reader->watermarks(log::topic_names(log.topics.prefix).events, log.partitions.front());
  };
  const auto ends = ask();
  if (!ends) cluster_log().warn("how long the log is cannot be asked: {}", ends.error().message);
  return !ends || ends->end >= options_.events_min;
}

std::vector<Candidate> Bootstrap::ask_peers() const {
  std::vector<Candidate> candidates;
  for (const auto& peer : options_.peers) {
    if (!go_on_()) break;
    const auto status = net::ask_status(client_, peer, kStatusMax);
    if (!status) {
      cluster_log().debug("{} does not say what it has: {}", peer.node_id, status.error().message);
      continue;
    }
    if (options_.on_status) options_.on_status(*status);
    if (status->warm) candidates.push_back({peer, *status});
  }
  std::sort(candidates.begin(), candidates.end(), [](const auto& a, const auto& b) {
    if (a.status.active != b.status.active) return b.status.active;
    return a.status.events_next > b.status.events_next;
  });
  return candidates;
}

bool Bootstrap::take_from(const Candidate& candidate, bool& busy) const {
  const auto& name = candidate.peer.node_id;
  cluster_log().info("taking a snapshot from {}, which is at offset {}", name,
                     candidate.status.events_next);
  net::PeerSnapshot peer(client_, candidate.peer, go_on_);
  const auto installed = log::install_snapshot(options_.install, peer, go_on_);
  if (!installed) {
    busy |= installed.error().code == ErrorCode::overloaded;
    cluster_log().warn("no snapshot from {}: {}", name, installed.error().message);
    return false;
  }
  cluster_log().info(
      "snapshot from {} installed: {} bytes in {} files, fetched in {} ms; chains of {} events of "
      "{} tenants and of {} access records verified in {} ms; {} keys to come; next offset {}",
      name, installed->bytes, installed->files, installed->fetching.count(), installed->events,
      installed->tenants, installed->access, installed->checking.count(), installed->keys,
      installed->events_next);
  return true;
}

}  // namespace

std::string bootstrap_store(const BootstrapOptions& options, net::PeerClient& client,
                            const log::GoOn& go_on) {
  return Bootstrap(options, client, go_on).run();
}

}  // namespace coffer::server
