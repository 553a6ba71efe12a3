#include "tools/cofferd/cluster_node.h"

#include <spdlog/spdlog.h>
#include <cstdlib>

#include "events/log/state_keys.h"
#include "tools/cofferd/bootstrap.h"
#include "tools/cofferd/data_folder.h"

namespace coffer::server {
namespace {

using SteadyClock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr PartitionId kPartition = 0;
constexpr milliseconds kBeat{20};
constexpr milliseconds kRetry{500};
constexpr milliseconds kProgressPeriod{1'000};
constexpr milliseconds kLagLinePeriod{10'000};

}  // namespace

ClusterNode::ClusterNode(const Config& config, const TokenFiles& token, const Clock& clock,
                         Random& random)
    : config_(config), token_(token), clock_(clock), random_(random) {}

Result<std::unique_ptr<ClusterNode>> ClusterNode::start(const Config& config,
                                                        const TokenFiles& token, const Clock& clock,
                                                        Random& random) {
  std::unique_ptr<ClusterNode> node(new ClusterNode(config, token, clock, random));
  COFFER_TRY(node->open());
  return node;
}

ClusterNode::~ClusterNode() {
  stop();
}

// ---------------------------------------------------------------- start and stop
Result<void> ClusterNode::load_kafka_options() {
  const auto& kafka = config_.kafka;
  auto& client = log_options_.client;
  client.bootstrap = kafka.bootstrap;
  client.client_id = "coffer-" + config_.cluster.node;
  client.delivery_timeout = milliseconds(kafka.delivery_timeout_ms);
  if (!kafka.ca_file.empty())
    client.tls = log::KafkaTls{kafka.ca_file, kafka.certificate_file, kafka.key_file, nullptr};
  if (!kafka.sasl_mechanism.empty()) {
    COFFER_ASSIGN(auto password, read_secret_file(kafka.sasl_password_file));
    client.sasl = log::KafkaSasl{kafka.sasl_mechanism, kafka.sasl_user,
                                 std::make_shared<const SecretBytes>(std::move(password))};
  }
  log_options_.topics.prefix = kafka.topic_prefix;
  log_options_.topics.replication = kafka.replication;
  log_options_.topics.in_sync_replicas_min = kafka.in_sync_replicas_min;
  log_options_.store = config_.store;
  log_options_.store.directory = config_.data_dir + "/store";
  log_options_.node = config_.cluster.node;
  log_options_.lease = milliseconds(kafka.lease_ms);
  return make_folder(log_options_.store.directory);
}

Result<void> ClusterNode::open() {
  COFFER_ASSIGN(members_, parse_members(config_.cluster.nodes));
  const auto self = std::find_if(members_.begin(), members_.end(), [&](const auto& member) {
    return member.id == config_.cluster.node;
  });
  if (self == members_.end())
    return fail(ErrorCode::invalid_argument, "cluster.node is not one of cluster.nodes");
  self_ = *self;
  COFFER_TRY(load_kafka_options());
  // A node without a store begins with bootstrap(), on its own thread: its clients are served by
  // the others meanwhile. What is wrong with the topics is an error of the start all the same.
  if (log::is_store_empty(log_options_.store.directory)) {
    COFFER_TRY(log::ensure_topics(log_options_.client, log_options_.topics));
  } else {
    COFFER_ASSIGN(replica_, log::KafkaReplica::open(log_options_));
  }
  COFFER_TRY(start_peers());
  thread_ = std::thread([this] { run(); });
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
  net::RouterOptions options;
  options.node = self_.id;
  options.wait = milliseconds(config_.cluster.owner_wait_ms);
  router_ = std::make_unique<net::RequestRouter>(
      std::move(options), *peers_, book_, [this](const net::HttpRequest& request) {
        return net::standby_answer(request, initialized_, clock_.now(), api_options_);
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
  drain_seconds_ = drain_seconds;
  handing_over_ = true;
  while (thread_.joinable() && !handed_over_) std::this_thread::sleep_for(milliseconds(5));
}

void ClusterNode::stop() {
  stopping_ = true;
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
  for (const auto& member : members_) {
    const bool active = member.id == owner_;
    const auto cluster_address = fmt::format("https://{}:{}", member.peer_host, member.peer_port);
    if (active) {
      status.leader_api_address = member.api_address;
      status.leader_cluster_address = cluster_address;
    }
    status.nodes.push_back({member.id, member.api_address, cluster_address, active, std::nullopt});
  }
  return status;
}

// ---------------------------------------------------------------- the node's thread
void ClusterNode::run() {
  if (!replica_) bootstrap();
  while (!stopping_) {
    follow();
    if (stopping_ || !assigned_ || handing_over_) continue;
    if (const auto taken = take_over(); !taken) {
      spdlog::error("cannot become the active node: {}", taken.error().message);
      pause(kRetry);
      continue;
    }
    own();
  }
  if (active_) step_down(!removed_);
  group_.reset();
}

// Waits while the group and the waiting requests are looked after.
void ClusterNode::pause(milliseconds length) {
  const auto until = SteadyClock::now() + length;
  while (!stopping_ && SteadyClock::now() < until) {
    poll_group(kBeat);
    router_->retry_waiting();
  }
}

void ClusterNode::poll_group(milliseconds timeout) {
  if (!group_) return std::this_thread::sleep_for(timeout);
  const auto change = group_->poll(timeout);
  if (!change) {
    spdlog::error("the owners' group: {}", change.error().message);
    return std::this_thread::sleep_for(timeout);
  }
  if (!*change) return;
  if ((*change)->gained.contains(kPartition)) {
    assigned_ = true;
    removed_ = false;
  }
  if ((*change)->lost.contains(kPartition)) {
    assigned_ = false;
    removed_ = (*change)->removed;
    if (!active_) group_->confirm_lost();
  }
}

void ClusterNode::note_owner() {
  const auto& place = replica_->place(kPartition);
  // A claim of this node is one of its former life, as long as it only follows.
  const bool nobody = place.events_claim.released || place.owner == self_.id;
  const auto owner = nobody ? std::string() : place.owner;
  initialized_ = initialized_ || [&] {
    const auto vault = replica_->state().get(log::Family::meta, log::meta_row("vault"));
    return vault.ok() && vault->has_value();
  }();
  {
    const std::lock_guard lock(mutex_);
    if (owner_ == owner) return;
    owner_ = owner;
  }
  spdlog::info("active node: {}", owner.empty() ? "none" : owner);
  router_->set_owner(owner);
}

Result<void> ClusterNode::open_replica() {
  COFFER_ASSIGN(replica_, log::KafkaReplica::open(log_options_));
  snapshots_->set_store(replica_->store());
  return {};
}

void ClusterNode::join_group() {
  auto joined =
      log::OwnershipGroup::join({.client = log_options_.client,
                                 .prefix = config_.kafka.topic_prefix,
                                 .session_timeout = milliseconds(config_.kafka.session_timeout_ms),
                                 .heartbeat = kRetry});
  if (joined) {
    group_ = std::move(*joined);
    return;
  }
  spdlog::error("cannot join the owners' group: {}", joined.error().message);
  pause(kRetry);
}

// ---------------------------------------------------------------- how far this node is
void ClusterNode::note_progress() {
  const auto now = SteadyClock::now();
  if (now < next_progress_) return;
  next_progress_ = now + kProgressPeriod;
  const auto progress = replica_->progress(kPartition);
  if (!progress) return;  // the next step says what is wrong
  {
    const std::lock_guard lock(mutex_);
    progress_ = *progress;
  }
  if (!warm_ && progress->is_warm()) note_warm(*progress);
  if (progress->is_warm() || now < next_lag_line_) return;
  next_lag_line_ = now + kLagLinePeriod;
  spdlog::info("following: offset {} of {}, lag {}, {} keys to come", progress->events_next,
               progress->events_end, progress->lag(), progress->missing_keys);
}

void ClusterNode::note_warm(const log::ReplicaProgress& progress) {
  warm_ = true;
  spdlog::info("warm at offset {}, {} ms after the start", progress.events_next,
               std::chrono::duration_cast<milliseconds>(SteadyClock::now() - started_).count());
}

log::ReplicaProgress ClusterNode::progress() const {
  const std::lock_guard lock(mutex_);
  return progress_;
}

net::PeerStatus ClusterNode::peer_status() const {
  net::PeerStatus status;
  status.warm = warm_;
  status.initialized = initialized_;
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
  if (replica_) snapshots_->set_store(replica_->store());
}

void ClusterNode::bootstrap() {
  BootstrapOptions options;
  options.install.log = log_options_;
  options.install.folder = log_options_.store.directory + ".incoming";
  options.events_min = config_.cluster.snapshot_events_min;
  for (const auto& member : members_)
    if (member.id != self_.id) options.peers.push_back(*book_.find(member.id));
  options.on_status = [this](const net::PeerStatus& status) {
    initialized_ = initialized_ || status.initialized;
    if (status.owner != self_.id) router_->set_owner(status.owner);
  };
  if (options.events_min == 0) return;
  const auto source = bootstrap_store(options, *peers_, [this] {
    router_->retry_waiting();
    return !stopping_ && !handing_over_;
  });
  if (source.empty()) return;
  spdlog::info("tailing the topics, {} ms after the start",
               std::chrono::duration_cast<milliseconds>(SteadyClock::now() - started_).count());
}

void ClusterNode::follow() {
  bool troubled = false;
  while (!stopping_ && (!assigned_ || handing_over_)) {
    if (handing_over_ && !handed_over_) {
      group_.reset();
      assigned_ = false;
      handed_over_ = true;
    }
    Result<std::size_t> read = std::size_t{0};
    if (!replica_) {
      if (const auto opened = open_replica(); !opened) read = opened.error();
    }
    if (replica_) read = replica_->step(kBeat);
    if (!read) {
      if (!troubled) spdlog::error("cannot follow the log: {}", read.error().message);
      troubled = true;
      replica_.reset();
      pause(kRetry);
      continue;
    }
    troubled = false;
    note_owner();
    note_progress();
    if (warm_ && !group_ && !handing_over_) join_group();
    poll_group(milliseconds(0));
    router_->retry_waiting();
  }
}

Result<void> ClusterNode::take_over() {
  if (!replica_) COFFER_TRY(open_replica());
  const auto began = SteadyClock::now();
  COFFER_ASSIGN(auto log,
                log::KafkaEventLog::take_over(std::move(replica_), random_id<Nonce128>(random_)));
  auto* raw = log.get();
  const auto epoch = raw->epoch(kPartition);
  auto active = std::make_unique<ActiveVault>();
  active->log = std::move(log);
  auto vault = VaultService::open(config_, token_, clock_, random_, *active->log, api_options_);
  if (vault) {
    active->vault = std::move(*vault);
    const auto unsealed = active->vault->unseal_automatically();
    if (!unsealed) vault = unsealed.error();
  }
  if (!vault) {
    static_cast<void>(raw->release());
    return vault.error();
  }
  initialized_ = true;
  {
    const std::lock_guard lock(mutex_);
    owner_ = self_.id;
    active_since_ = clock_.now();
  }
  active_ = std::move(active);
  serving_ = std::make_shared<const net::HttpHandler>(
      [vault = active_->vault.get()](auto request, auto respond) {
        vault->handle(std::move(request), std::move(respond));
      });
  router_->set_active(serving_);
  router_->retry_waiting();
  spdlog::info("this node is the active one, epoch {}, after {} ms", epoch,
               std::chrono::duration_cast<milliseconds>(SteadyClock::now() - began).count());
  return {};
}

void ClusterNode::own() {
  auto next_tick = SteadyClock::now();
  while (!stopping_) {
    poll_group(kBeat);
    router_->retry_waiting();
    if (active_->log->stopped()) {
      spdlog::warn("the log has stopped: this node is no longer the active one");
      step_down(false);
      // Whether the group still wants this node is known after a heartbeat or two.
      return pause(2 * kRetry);
    }
    if (!assigned_ || handing_over_) return step_down(!removed_);
    if (SteadyClock::now() < next_tick) continue;
    next_tick += std::chrono::seconds(1);
    active_->vault->tick();
  }
}

// Until nobody holds the vault but this thread.
void ClusterNode::await_requests(milliseconds limit) {
  const auto until = SteadyClock::now() + limit;
  while (serving_.use_count() > 1 && SteadyClock::now() < until)
    std::this_thread::sleep_for(milliseconds(2));
}

void ClusterNode::step_down(bool release) {
  router_->set_active(nullptr);  // what comes from now on waits for the next owner
  router_->set_owner({});
  {
    const std::lock_guard lock(mutex_);
    owner_.clear();
    active_since_ = {};
  }
  if (release) {
    await_requests(std::chrono::seconds(drain_seconds_));
    if (const auto released = active_->log->release(); !released)
      spdlog::warn("handing over: {}", released.error().message);
  }
  // From here on this node writes nothing any more: the next owner need not wait for the rest.
  if (handing_over_)
    group_.reset();
  else if (group_ && !assigned_)
    group_->confirm_lost();
  // What is still under way finds the log stopped and ends. The listener bounds every request.
  await_requests(std::chrono::seconds(100));
  if (serving_.use_count() > 1) {
    spdlog::critical("requests did not end: the process stops rather than serve two lives at once");
    std::abort();
  }
  serving_.reset();
  active_.reset();
  spdlog::info("this node follows");
}

}  // namespace coffer::server
