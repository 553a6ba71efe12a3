#include "tools/cofferd/cluster_node.h"

#include <spdlog/spdlog.h>
#include <cstdlib>

#include "tools/cofferd/bootstrap.h"
#include "tools/cofferd/data_folder.h"
#include "tools/cofferd/kafka_settings.h"
#include "tools/cofferd/logging.h"

namespace coffer::server {
namespace {

using SteadyClock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr PartitionId kPartition = 0;
constexpr milliseconds kHeartbeat{500};
constexpr std::chrono::seconds kEchoInterval{1};
constexpr milliseconds kProgressPeriod{1'000};
constexpr milliseconds kLagLinePeriod{10'000};

}  // namespace

ClusterNode::ClusterNode(const Config& config, const TokenFiles& token, const Clock& clock,
                         Random& random, Observation observation)
    : config_(config),
      token_(token),
      clock_(clock),
      random_(random),
      observation_(std::move(observation)),
      control_(seal_type_of(config), clock, random,
               [&config](const SecretBytes& pin, std::uint32_t root_epoch) {
                 return check_pin(config, pin, root_epoch);
               }) {}

Result<std::unique_ptr<ClusterNode>> ClusterNode::start(const Config& config,
                                                        const TokenFiles& token, const Clock& clock,
                                                        Random& random, Observation observation) {
  std::unique_ptr<ClusterNode> node(
      new ClusterNode(config, token, clock, random, std::move(observation)));
  COFFER_TRY(node->open());
  return node;
}

ClusterNode::~ClusterNode() {
  stop();
}

// ---------------------------------------------------------------- start and stop
Result<void> ClusterNode::open() {
  COFFER_ASSIGN(members_, parse_members(config_.cluster.nodes));
  const auto self = std::find_if(members_.begin(), members_.end(), [&](const auto& member) {
    return member.id == config_.cluster.node;
  });
  if (self == members_.end())
    return fail(ErrorCode::invalid_argument, "cluster.node is not one of cluster.nodes");
  self_ = *self;
  COFFER_ASSIGN(log_options_, kafka_log_options(config_));
  COFFER_TRY(make_folder(log_options_.store.directory));
  // A node without a store begins with bootstrap(), on its own thread: its clients are served by
  // the others meanwhile. What is wrong with the topics is an error of the start all the same.
  auto environment = log::kafka_environment(log_options_, [this](const auto& store) {
    store_ = store;
    if (snapshots_) snapshots_->set_store(store);
  });
  std::unique_ptr<log::KafkaReplica> replica;
  const bool bare = log::is_store_empty(log_options_.store.directory);
  if (bare) {
    COFFER_TRY(log::ensure_topics(log_options_.client, log_options_.topics));
  } else {
    COFFER_ASSIGN(replica, log::KafkaReplica::open(log_options_, environment));
    COFFER_ASSIGN(const auto vault, read_vault_row(replica->state()));
    if (vault) control_.learn(*vault);
  }
  COFFER_TRY(start_peers());
  cycle_ = std::make_unique<log::OwnerCycle>(log_options_, std::move(environment),
                                             std::move(replica), *this, random_);
  thread_ = std::thread([this, bare] {
    if (bare) bootstrap();
    cycle_->run();
  });
  return {};
}

Result<void> ClusterNode::start_peers() {
  std::vector<net::PeerAddress> peers;
  for (const auto& member : members_)
    peers.push_back({member.id, member.peer_host, member.peer_port, member.id});
  COFFER_TRY(book_.replace(std::move(peers)));
  net::PeerClientOptions client;
  client.certificate_file = config_.cluster.certificate_file;
  client.key_file = config_.cluster.key_file;
  client.authority_file = config_.cluster.ca_file;
  COFFER_ASSIGN(peers_, net::PeerClient::start(std::move(client)));
  api_options_.ha = [this] { return ha_status(); };
  api_options_.stand_back = [this](auto length) { control_.stand_back(length); };
  api_options_.volunteer = [this] { control_.volunteer(); };
  api_options_.metrics = [this] { return standby_metrics(); };
  api_options_.unauthenticated_metrics = config_.unauthenticated_metrics;
  net::RouterOptions options;
  options.node = self_.id;
  options.wait = milliseconds(config_.cluster.owner_wait_ms);
  router_ = std::make_unique<net::RequestRouter>(
      std::move(options), *peers_, book_,
      [this](const auto& request, auto& respond) {
        return net::answer_as_standby(request, respond, control_, clock_.now(), api_options_);
      },
      [this](const std::string& node, std::string_view text) {
        if (const auto echo = parse_echo(text)) echoes_.note(node, *echo, clock_.now());
      });
  start_snapshots();
  net::HttpServerOptions listener = config_.http;
  listener.address = config_.cluster.listen_address;
  listener.port = self_.peer_port;
  listener.certificate_file = config_.cluster.certificate_file;
  listener.key_file = config_.cluster.key_file;
  listener.client_ca_file = config_.cluster.ca_file;
  listener.require_client_certificate = true;
  COFFER_ASSIGN(peer_listener_,
                net::HttpServer::start(listener, [this](auto request, auto respond) {
                  if (net::is_snapshot_request(*request))
                    return snapshots_->on_request(*request, std::move(respond));
                  router_->on_peer_request(std::move(request), std::move(respond));
                }));
  return {};
}

void ClusterNode::hand_over(unsigned drain_seconds) {
  if (!cycle_) return;
  cycle_->hand_over(std::chrono::seconds(drain_seconds));
  while (thread_.joinable() && !cycle_->handed_over()) std::this_thread::sleep_for(milliseconds(5));
}

void ClusterNode::stop() {
  if (cycle_) cycle_->stop();
  if (thread_.joinable()) thread_.join();
  if (router_) router_->give_up_waiting();
  if (snapshots_) snapshots_->stop();
  if (peer_listener_) peer_listener_->stop(0);
  if (peers_) peers_->stop();
}

Result<void> ClusterNode::reload_certificate() {
  COFFER_TRY(peers_->reload_certificate());
  return peer_listener_->reload_certificate();
}

net::HaStatus ClusterNode::ha_status() const {
  net::HaStatus status;
  const std::lock_guard lock(mutex_);
  status.is_self = owner_ == self_.id && active_since_.is_set();
  status.active_time = active_since_;
  status.epoch = status.is_self ? epoch_ : 0;
  status.events_end = status.is_self ? applied_.load() : 0;
  for (const auto& member : members_) {
    const bool active = member.id == owner_;
    const auto cluster_address = fmt::format("https://{}:{}", member.peer_host, member.peer_port);
    if (active) {
      status.leader_api_address = member.api_address;
      status.leader_cluster_address = cluster_address;
    }
    net::HaNode node{.id = member.id,
                     .api_address = member.api_address,
                     .cluster_address = cluster_address,
                     .active = active,
                     .last_echo = {},
                     .applied = {},
                     .state = net::NodeState::unknown};
    if (member.id == self_.id) {
      node.applied = applied_;
      node.state = status.is_self ? net::NodeState::active : node_state();
    } else if (const auto heard = echoes_.find(member.id); status.is_self && heard) {
      node.last_echo = heard->time;
      node.applied = heard->echo.applied;
      node.state = heard->echo.state;
    }
    status.nodes.push_back(std::move(node));
  }
  return status;
}

bool ClusterNode::serves() const {
  const std::lock_guard lock(mutex_);
  return !owner_.empty();
}

net::NodeState ClusterNode::node_state() const {
  if (control_.sealed()) return net::NodeState::sealed;
  return control_.stands_back() ? net::NodeState::drained : net::NodeState::standby;
}

// ---------------------------------------------------------------- the node's thread
void ClusterNode::turn() {
  if (vault_) {
    applied_ = log_->events_end(kPartition);
    lease_ends_ = log_->lease_ends();
    control_.cannot_look();  // who asked it as a standby a moment ago: it has all of the log now
  } else {
    control_.work(serves());
  }
  if (!vault_ && control_.sealed())
    router_->give_up_waiting(&net::sealed_response);
  else
    router_->retry_waiting();
}

void ClusterNode::tick() {
  vault_->tick();
  upgrade_records();
}

// What other nodes say is heard by the active one alone, and only since it is that.
void ClusterNode::upgrade_records() {
  std::vector<std::optional<std::uint32_t>> others;
  for (const auto& member : members_) {
    if (member.id == self_.id) continue;
    const auto heard = echoes_.find(member.id);
    others.push_back(heard ? std::optional(heard->echo.record_version) : std::nullopt);
  }
  const auto raised = records_->tick(*log_, others);
  if (raised && *raised)
    spdlog::info("all nodes read records of version {}: it is written from now on",
                 records_->version());
  if (!raised && !std::exchange(upgrade_failed_, true))
    spdlog::warn("the version of the records stays {}: {}", records_->version(),
                 raised.error().message);
}

std::unique_ptr<log::OwnershipGroup> ClusterNode::join_group() {
  auto joined =
      log::OwnershipGroup::join({.client = log_options_.client,
                                 .prefix = config_.kafka.topic_prefix,
                                 .session_timeout = milliseconds(config_.kafka.session_timeout_ms),
                                 .heartbeat = kHeartbeat});
  if (joined) return std::move(*joined);
  cluster_log().error("cannot join the owners' group: {}", joined.error().message);
  return nullptr;
}

void ClusterNode::followed(log::KafkaReplica& replica) {
  if (const auto shredded = replica.shred_in_background(); !shredded)
    cluster_log().error("deleted keys are not out of the files yet: {}", shredded.error().message);
  note_owner(replica);
  note_progress(replica);
  answer_looks(replica);
  send_echo();
}

void ClusterNode::lost_sight(const Error& why) {
  control_.cannot_look();
  if (why.code != ErrorCode::unsupported) return;
  const std::lock_guard lock(mutex_);
  failure_ = why;
  unreadable_ = true;
}

std::optional<Error> ClusterNode::failure() const {
  if (!unreadable_) return std::nullopt;
  const std::lock_guard lock(mutex_);
  return failure_;
}

void ClusterNode::note_owner(const log::KafkaReplica& replica) {
  const auto& place = replica.place(kPartition);
  // A claim of this node is one of its former life, as long as it only follows.
  const bool nobody = place.events_claim.released || place.owner == self_.id;
  const auto owner = nobody ? std::string() : place.owner;
  // Other key shares come with the log as the vault itself does.
  const auto events = replica.state().heads(kPartition).events;
  if (applied_.exchange(events) != events || !control_.status().initialized)
    if (const auto vault = read_vault_row(replica.state()); vault && *vault)
      control_.learn(**vault);
  {
    const std::lock_guard lock(mutex_);
    if (owner_ == owner) return;
    owner_ = owner;
  }
  cluster_log().info("active node: {}", owner.empty() ? "none" : owner);
  router_->set_owner(owner);
}

// Of those who ask a node that has not heard of any vault yet: it reads first what is there.
void ClusterNode::answer_looks(log::KafkaReplica& replica) {
  if (!control_.begin_look()) return;
  const bool behind = !control_.status().initialized && [&] {
    const auto lag = replica.lag(kPartition);
    return lag && *lag > 0;
  }();
  if (!behind) control_.up_to_date();
}

// Every second, and at once when there is something new to say or somebody new to say it to.
void ClusterNode::send_echo() {
  std::string owner;
  {
    const std::lock_guard lock(mutex_);
    owner = owner_;
  }
  const auto state = node_state();
  const auto now = SteadyClock::now();
  if (now < next_echo_ && owner == echoed_to_ && state == echoed_state_) return;
  next_echo_ = now + kEchoInterval;
  echoed_to_ = owner;
  echoed_state_ = state;
  const auto peer = book_.find(owner);
  if (!peer || owner == self_.id) return;
  peers_->send(
      *peer,
      net::echo_request(self_.id, format_echo({state, applied_, log_options_.record_version_max})),
      now + kEchoInterval, [](const Result<net::HttpResponse>&) {
        // A lost one is followed by the next.
      });
}

// ---------------------------------------------------------------- how far this node is
void ClusterNode::note_progress(log::KafkaReplica& replica) {
  const auto now = SteadyClock::now();
  if (now < next_progress_) return;
  next_progress_ = now + kProgressPeriod;
  const auto progress = replica.progress(kPartition);
  if (!progress) return;  // the next step says what is wrong
  {
    const std::lock_guard lock(mutex_);
    progress_ = *progress;
  }
  if (!warm_ && progress->is_warm()) note_warm(*progress);
  if (progress->is_warm() || now < next_lag_line_) return;
  next_lag_line_ = now + kLagLinePeriod;
  cluster_log().info("following: offset {} of {}, lag {}, {} keys to come", progress->events_next,
                     progress->events_end, progress->lag(), progress->missing_keys);
}

void ClusterNode::note_warm(const log::ReplicaProgress& progress) {
  warm_ = true;
  cluster_log().info(
      "warm at offset {}, {} ms after the start", progress.events_next,
      std::chrono::duration_cast<milliseconds>(SteadyClock::now() - started_).count());
}

log::ReplicaProgress ClusterNode::progress() const {
  const std::lock_guard lock(mutex_);
  return progress_;
}

net::PeerStatus ClusterNode::peer_status() const {
  net::PeerStatus status;
  status.warm = warm_;
  status.initialized = control_.status().initialized;
  const std::lock_guard lock(mutex_);
  status.owner = owner_;
  status.active = owner_ == self_.id;
  status.events_next = progress_.events_next;
  return status;
}

void ClusterNode::start_snapshots() {
  net::SnapshotServerOptions options;
  options.source.folder = log_options_.store.directory + ".outgoing";
  options.source.topic_prefix = log_options_.topics.prefix;
  options.source.partition = kPartition;
  options.bytes_per_second = config_.cluster.snapshot_bytes_per_second;
  snapshots_ = std::make_unique<net::SnapshotServer>(std::move(options), book_, random_,
                                                     [this] { return peer_status(); });
  snapshots_->set_store(store_);
}

void ClusterNode::bootstrap() {
  BootstrapOptions options;
  options.install.log = log_options_;
  options.install.folder = log_options_.store.directory + ".incoming";
  options.events_min = config_.cluster.snapshot_events_min;
  for (const auto& member : members_)
    if (member.id != self_.id) options.peers.push_back(*book_.find(member.id));
  options.on_status = [this](const net::PeerStatus& status) {
    if (status.initialized) control_.assume_initialized();
    if (status.owner != self_.id) router_->set_owner(status.owner);
  };
  if (options.events_min == 0) return;
  const auto source = bootstrap_store(options, *peers_, [this] {
    router_->retry_waiting();
    // A peer may have said meanwhile that there is a vault.
    if (control_.status().initialized) control_.cannot_look();
    return !cycle_->is_leaving();
  });
  if (source.empty()) return;
  cluster_log().info(
      "tailing the topics, {} ms after the start",
      std::chrono::duration_cast<milliseconds>(SteadyClock::now() - started_).count());
}

// The log is this node's and complete: what it says of the vault is so.
Result<std::unique_ptr<VaultService>> ClusterNode::open_vault(log::KafkaEventLog& log) {
  COFFER_ASSIGN(const auto row, read_vault_row(log));
  if (row) control_.learn(*row);
  if (control_.sealed()) return fail(ErrorCode::sealed, "this node is sealed");
  SealHooks hooks;
  hooks.on_initialized = [this](const codec::VaultRow& made) {
    control_.learn(made);
    if (control_.sealed()) router_->set_active(nullptr);
  };
  hooks.on_row_changed = [this](const codec::VaultRow& row) { control_.learn(row); };
  hooks.on_sealed = [this] {
    control_.seal();
    router_->set_active(nullptr);
  };
  const Observation observation{observation_.instruments,
                                [this](MetricsPage& page) { add_metrics(page); }};
  COFFER_ASSIGN(auto vault, VaultService::open(config_, token_, clock_, random_, log, api_options_,
                                               observation, std::move(hooks)));
  auto pin = control_.pin();
  if (pin) {
    COFFER_TRY(vault->unseal(std::move(*pin)));
  } else {
    COFFER_TRY(vault->unseal_automatically());
  }
  return vault;
}

Result<void> ClusterNode::begin(log::KafkaEventLog& log) {
  upgrade_failed_ = false;
  records_.emplace(log_options_.record_version_max);
  COFFER_TRY(records_->begin(log));
  COFFER_ASSIGN(vault_, open_vault(log));
  log_ = &log;
  applied_ = log.events_end(kPartition);
  {
    const std::lock_guard lock(mutex_);
    owner_ = self_.id;
    active_since_ = clock_.now();
    epoch_ = log.epoch(kPartition);
  }
  serving_ =
      std::make_shared<const net::HttpHandler>([vault = vault_.get()](auto request, auto respond) {
        vault->handle(std::move(request), std::move(respond));
      });
  ++takeovers_;
  router_->set_active(serving_);
  control_.work(true);
  return {};
}

void ClusterNode::close_entrance() {
  router_->set_active(nullptr);
  router_->set_owner({});
  echoes_.clear();
  const std::lock_guard lock(mutex_);
  owner_.clear();
  active_since_ = {};
}

// Until nobody holds the vault but this thread.
void ClusterNode::drain(milliseconds limit) {
  const auto until = SteadyClock::now() + limit;
  while (serving_.use_count() > 1 && SteadyClock::now() < until)
    std::this_thread::sleep_for(milliseconds(2));
}

void ClusterNode::end() {
  // The listener bounds every request.
  drain(std::chrono::seconds(100));
  if (serving_.use_count() > 1) {
    cluster_log().critical(
        "requests did not end: the process stops rather than serve two lives at once");
    std::abort();
  }
  serving_.reset();
  vault_.reset();
  log_ = nullptr;
}

void ClusterNode::report(Severity severity, const std::string& what) {
  cluster_log().log(severity == Severity::trouble ? spdlog::level::warn : spdlog::level::info, "{}",
                    what);
}

}  // namespace coffer::server
