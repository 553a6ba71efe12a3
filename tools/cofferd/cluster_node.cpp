#include "tools/cofferd/cluster_node.h"

#include <spdlog/spdlog.h>
#include <cstdlib>

#include "events/log/state_keys.h"
#include "tools/cofferd/data_folder.h"
#include "tools/cofferd/kafka_settings.h"

namespace coffer::server {
namespace {

using SteadyClock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr PartitionId kPartition = 0;
constexpr milliseconds kBeat{20};
constexpr milliseconds kRetry{500};

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
  COFFER_ASSIGN(replica_, log::KafkaReplica::open(log_options_));
  COFFER_ASSIGN(group_, log::OwnershipGroup::join(
                            {.client = log_options_.client,
                             .prefix = config_.kafka.topic_prefix,
                             .session_timeout = milliseconds(config_.kafka.session_timeout_ms),
                             .heartbeat = kRetry}));
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
  net::HttpServerOptions listener = config_.http;
  listener.address = config_.cluster.listen_address;
  listener.port = self_.peer_port;
  listener.certificate_file = config_.cluster.certificate_file;
  listener.key_file = config_.cluster.key_file;
  listener.client_ca_file = config_.cluster.ca_file;
  listener.require_client_certificate = true;
  COFFER_ASSIGN(peer_listener_,
                net::HttpServer::start(listener, [this](auto request, auto respond) {
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
  std::string trouble;  // said once, as long as it is the same
  while (!stopping_) {
    follow();
    if (stopping_ || !assigned_ || handing_over_) continue;
    if (const auto taken = take_over(); !taken) {
      if (std::exchange(trouble, taken.error().message) != taken.error().message)
        spdlog::error("cannot become the active node: {}", trouble);
      pause(kRetry);
      continue;
    }
    trouble.clear();
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
      auto opened = log::KafkaReplica::open(log_options_);
      if (opened)
        replica_ = std::move(*opened);
      else
        read = opened.error();
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
    poll_group(milliseconds(0));
    router_->retry_waiting();
  }
}

Result<void> ClusterNode::take_over() {
  if (!replica_) {
    COFFER_ASSIGN(replica_, log::KafkaReplica::open(log_options_));
  }
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
