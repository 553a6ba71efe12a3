#include "tools/cofferd/cluster_node.h"

#include <spdlog/spdlog.h>
#include <cstdlib>

#include "events/log/state_keys.h"
#include "tools/cofferd/data_folder.h"

namespace coffer::server {
namespace {

using SteadyClock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr PartitionId kPartition = 0;
constexpr milliseconds kHeartbeat{500};

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
  auto environment = log::kafka_environment(log_options_);
  COFFER_ASSIGN(auto replica, log::KafkaReplica::open(log_options_, environment));
  COFFER_ASSIGN(group_, log::OwnershipGroup::join(
                            {.client = log_options_.client,
                             .prefix = config_.kafka.topic_prefix,
                             .session_timeout = milliseconds(config_.kafka.session_timeout_ms),
                             .heartbeat = kHeartbeat}));
  COFFER_TRY(start_peers());
  cycle_ = std::make_unique<log::OwnerCycle>(log_options_, std::move(environment),
                                             std::move(replica), *this, random_);
  thread_ = std::thread([this] { cycle_->run(); });
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
  if (!cycle_) return;
  cycle_->hand_over(std::chrono::seconds(drain_seconds));
  while (thread_.joinable() && !cycle_->handed_over()) std::this_thread::sleep_for(milliseconds(5));
}

void ClusterNode::stop() {
  if (cycle_) cycle_->stop();
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
void ClusterNode::turn() {
  router_->retry_waiting();
}

void ClusterNode::tick() {
  vault_->tick();
}

std::unique_ptr<log::OwnershipGroup> ClusterNode::join_group() {
  return std::move(group_);
}

void ClusterNode::followed(log::KafkaReplica& replica) {
  const auto& place = replica.place(kPartition);
  // A claim of this node is one of its former life, as long as it only follows.
  const bool nobody = place.events_claim.released || place.owner == self_.id;
  const auto owner = nobody ? std::string() : place.owner;
  initialized_ = initialized_ || [&] {
    const auto vault = replica.state().get(log::Family::meta, log::meta_row("vault"));
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

Result<void> ClusterNode::begin(log::KafkaEventLog& log) {
  COFFER_ASSIGN(auto vault,
                VaultService::open(config_, token_, clock_, random_, log, api_options_));
  COFFER_TRY(vault->unseal_automatically());
  vault_ = std::move(vault);
  initialized_ = true;
  {
    const std::lock_guard lock(mutex_);
    owner_ = self_.id;
    active_since_ = clock_.now();
  }
  serving_ =
      std::make_shared<const net::HttpHandler>([vault = vault_.get()](auto request, auto respond) {
        vault->handle(std::move(request), std::move(respond));
      });
  router_->set_active(serving_);
  return {};
}

void ClusterNode::close_entrance() {
  router_->set_active(nullptr);
  router_->set_owner({});
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
    spdlog::critical("requests did not end: the process stops rather than serve two lives at once");
    std::abort();
  }
  serving_.reset();
  vault_.reset();
}

void ClusterNode::report(Severity severity, const std::string& what) {
  spdlog::log(severity == Severity::trouble ? spdlog::level::warn : spdlog::level::info, "{}",
              what);
}

}  // namespace coffer::server
