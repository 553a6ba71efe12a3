#include "tools/cofferd/cluster_node.h"

#include <spdlog/spdlog.h>
#include <cstdlib>

#include "tools/cofferd/data_folder.h"

namespace coffer::server {
namespace {

using SteadyClock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr PartitionId kPartition = 0;
constexpr milliseconds kBeat{20};
constexpr milliseconds kRetry{500};
constexpr std::chrono::seconds kEchoInterval{1};

}  // namespace

ClusterNode::ClusterNode(const Config& config, const TokenFiles& token, const Clock& clock,
                         Random& random)
    : config_(config),
      token_(token),
      clock_(clock),
      random_(random),
      control_(seal_type_of(config), clock, random,
               [&config](const SecretBytes& pin, std::uint32_t root_epoch) {
                 return check_pin(config, pin, root_epoch);
               }) {}

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
  COFFER_ASSIGN(replica_, log::KafkaReplica::open(log_options_));
  COFFER_ASSIGN(const auto vault, read_vault_row(replica_->state()));
  if (vault) control_.learn(*vault);
  if (wants_partition()) COFFER_TRY(join_group());
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
  api_options_.stand_back = [this](auto length) { control_.stand_back(length); };
  api_options_.volunteer = [this] { control_.volunteer(); };
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
void ClusterNode::run() {
  while (!stopping_) {
    follow();
    if (stopping_ || !assigned_ || !wants_partition()) continue;
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
    control_.work(serves());
  }
}

// In the group while this node would take the partition, and only then.
void ClusterNode::mind_membership() {
  if (!wants_partition()) return leave_group();
  if (group_ || SteadyClock::now() < next_join_) return;
  next_join_ = SteadyClock::now() + kRetry;
  if (const auto joined = join_group(); !joined)
    spdlog::error("cannot join the owners' group: {}", joined.error().message);
}

Result<void> ClusterNode::join_group() {
  COFFER_ASSIGN(group_, log::OwnershipGroup::join(
                            {.client = log_options_.client,
                             .prefix = config_.kafka.topic_prefix,
                             .session_timeout = milliseconds(config_.kafka.session_timeout_ms),
                             .heartbeat = kRetry}));
  return {};
}

void ClusterNode::leave_group() {
  group_.reset();
  assigned_ = false;
  removed_ = false;
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
  applied_ = replica_->state().heads(kPartition).events;
  if (!control_.status().initialized)
    if (const auto vault = read_vault_row(replica_->state()); vault && *vault)
      control_.learn(**vault);
  {
    const std::lock_guard lock(mutex_);
    if (owner_ == owner) return;
    owner_ = owner;
  }
  spdlog::info("active node: {}", owner.empty() ? "none" : owner);
  router_->set_owner(owner);
}

Result<std::size_t> ClusterNode::read_log() {
  if (!replica_) {
    COFFER_ASSIGN(replica_, log::KafkaReplica::open(log_options_));
  }
  return replica_->step(kBeat);
}

// Of those who ask a node that has not heard of any vault yet: it reads first what is there.
void ClusterNode::answer_looks() {
  if (!control_.begin_look()) return;
  const bool behind = !control_.status().initialized && [&] {
    const auto lag = replica_->lag(kPartition);
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
  peers_->send(*peer, net::echo_request(self_.id, format_echo({state, applied_})),
               now + kEchoInterval, [](const Result<net::HttpResponse>&) {
                 // A lost one is followed by the next.
               });
}

void ClusterNode::follow() {
  bool troubled = false;
  while (!stopping_ && (!assigned_ || !wants_partition())) {
    mind_membership();
    if (handing_over_) handed_over_ = true;
    const auto read = read_log();
    if (!read) {
      if (!troubled) spdlog::error("cannot follow the log: {}", read.error().message);
      troubled = true;
      replica_.reset();
      control_.up_to_date();  // as far as this node can tell
      pause(kRetry);
      continue;
    }
    troubled = false;
    note_owner();
    answer_looks();
    control_.work(serves());
    send_echo();
    poll_group(milliseconds(0));
    if (control_.sealed())
      router_->give_up_waiting(&net::sealed_response);
    else
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
  const auto epoch = log->epoch(kPartition);
  auto active = std::make_unique<ActiveVault>();
  active->log = std::move(log);
  auto vault = open_vault(*active->log);
  if (!vault) {
    static_cast<void>(active->log->release());
    return vault.error();
  }
  active->vault = std::move(*vault);
  become_active(std::move(active), epoch);
  spdlog::info("this node is the active one, epoch {}, after {} ms", epoch,
               std::chrono::duration_cast<milliseconds>(SteadyClock::now() - began).count());
  return {};
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
  hooks.on_sealed = [this] {
    control_.seal();
    router_->set_active(nullptr);
  };
  COFFER_ASSIGN(auto vault, VaultService::open(config_, token_, clock_, random_, log, api_options_,
                                               std::move(hooks)));
  auto pin = control_.pin();
  if (pin) {
    COFFER_TRY(vault->unseal(std::move(*pin)));
  } else {
    COFFER_TRY(vault->unseal_automatically());
  }
  return vault;
}

void ClusterNode::become_active(std::unique_ptr<ActiveVault> active, std::uint64_t epoch) {
  applied_ = active->log->events_end(kPartition);
  {
    const std::lock_guard lock(mutex_);
    owner_ = self_.id;
    active_since_ = clock_.now();
    epoch_ = epoch;
  }
  active_ = std::move(active);
  serving_ = std::make_shared<const net::HttpHandler>(
      [vault = active_->vault.get()](auto request, auto respond) {
        vault->handle(std::move(request), std::move(respond));
      });
  router_->set_active(serving_);
  router_->retry_waiting();
  control_.work(true);
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
    if (!assigned_ || !wants_partition()) return step_down(!removed_);
    applied_ = active_->log->events_end(kPartition);
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
  echoes_.clear();
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
  if (!wants_partition())
    leave_group();
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
