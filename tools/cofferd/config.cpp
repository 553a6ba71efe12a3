#include "tools/cofferd/config.h"

#include <toml++/toml.h>

#include <charconv>
#include <cstdlib>
#include <limits>

#include "tools/cofferd/cluster_members.h"

namespace coffer::server {
namespace {

using Target =
    std::variant<std::string*, bool*, std::uint64_t*, std::uint32_t*, std::uint16_t*, Seconds*>;

struct Option {
  std::string_view section;  // empty: top level
  std::string_view key;
  Target target;
  std::string_view text;
};

std::vector<Option> options_of(Config& c) {
  auto& h = c.http;
  auto& l = h.limits;
  auto& a = c.limits;
  auto& k = c.kafka;
  auto& n = c.cluster;
  return {
      {"", "data_dir", &c.data_dir, "Folder of everything that the server stores"},
      {"listener", "address", &h.address, "Address to listen on"},
      {"listener", "port", &h.port, "Port; 0 takes any free one"},
      {"listener", "certificate_file", &h.certificate_file,
       "PEM certificate chain; empty: made by the server's own CA below data_dir"},
      {"listener", "key_file", &h.key_file, "PEM private key of the certificate"},
      {"listener", "threads", &h.threads, "I/O threads; 0: one a core"},
      {"listener", "header_bytes_max", &l.header_bytes_max, "Bound of a request's header"},
      {"listener", "body_bytes_max", &l.body_bytes_max, "Bound of a request's body"},
      {"listener", "connections_max", &l.connections_max, "Open connections"},
      {"listener", "connections_per_address_max", &l.connections_per_address_max,
       "Open connections of one client address"},
      {"listener", "idle_seconds_max", &l.idle_seconds_max, "Between two requests"},
      {"listener", "request_seconds_max", &l.request_seconds_max,
       "From a request's first byte to its last"},
      {"listener", "handshake_seconds_max", &l.handshake_seconds_max, "TLS handshake"},
      {"listener", "response_seconds_max", &l.response_seconds_max,
       "From a complete request to the last byte of its answer"},
      {"seal", "type", &c.seal_type, "`auto` (PIN from a file) or `shamir` (key shares)"},
      {"seal", "pin_file", &c.pin_file,
       "PIN of the HSM token; empty: `data_dir/hsm/pin`; `credential:NAME`: from "
       "$CREDENTIALS_DIRECTORY"},
      {"hsm", "module", &c.hsm_module, "PKCS#11 module"},
      {"hsm", "token_label", &c.hsm_token_label, "Label of the token"},
      {"hsm", "tenant_keys_max", &c.hsm_tenant_keys_max, "Tenant keys kept unwrapped in the HSM"},
      {"embedded", "auto_init", &c.auto_init,
       "Initialise on the first start: PIN file, token, root token file, `secret/` mount"},
      {"embedded", "cluster_name", &c.cluster_name, "Name given to the vault at initialisation"},
      {"log", "level", &c.log_level, "`debug`, `info`, `warn` or `error`"},
      {"log", "format", &c.log_format, "`text` or `json`, one object a line"},
      {"telemetry", "unauthenticated_metrics_access", &c.unauthenticated_metrics,
       "`sys/metrics` needs no token, also on a sealed node and a standby"},
      {"runtime", "scheduler_threads", &c.scheduler_threads, "Actor threads; 0: one a core"},
      {"limits", "locked_keys_max", &c.locked_keys_max, "Key slots in locked memory (32 B each)"},
      {"limits", "data_keys_max", &c.data_keys_max, "Data keys kept unwrapped"},
      {"limits", "data_key_ttl_seconds", &c.data_key_ttl_seconds, "How long a data key is kept"},
      {"limits", "secret_actors_max", &a.secret_actors_max, "Living secret actors"},
      {"limits", "secret_cache_bytes", &a.secret_cache_bytes, "Published secret snapshots"},
      {"limits", "secret_idle", &a.secret_idle, "Idle time after which a secret passivates"},
      {"limits", "token_cache_entries", &a.token_cache_entries, "Tokens kept in memory"},
      {"limits", "requests_max", &a.requests_max, "Requests under way; beyond: 503"},
      {"limits", "mailbox_max", &a.mailbox_max, "Messages waiting for one actor; beyond: 503"},
      {"limits", "value_bytes_max", &a.value_bytes_max, "JSON text of one secret version"},
      {"limits", "refusals_per_second", &a.refusals_per_second,
       "Refused requests of one source that are recorded singly; the rest is counted"},
      {"tokens", "default_ttl", &a.token_default_ttl, "Lifetime of a token that asks for none"},
      {"tokens", "max_ttl", &a.token_max_ttl, "Longest lifetime of a token"},
      {"keys", "tenant_key_wraps_max", &a.tenant_key_wraps_max,
       "A namespace's key is rotated after so many wraps; at most 2^32, far above the number of "
       "versions of a namespace"},
      {"keys", "rewraps_per_second", &a.rewraps_per_second,
       "Data keys re-wrapped by rotations, in all namespaces together; 0: no bound"},
      {"access_log", "age_max", &a.access_age_max, "Older records are dropped"},
      {"access_log", "bytes_max", &a.access_bytes_max, "Beyond it the oldest are dropped"},
      {"store", "engine", &c.store_engine,
       "`rocksdb`: one machine; `kafka`: one node of a cluster, see docs/cluster.md"},
      {"kafka", "bootstrap", &k.bootstrap, "Brokers, `host:port,host:port`; name them all"},
      {"kafka", "topic_prefix", &k.topic_prefix, "Begins the names of the cluster's topics"},
      {"kafka", "replication", &k.replication, "Replicas of topics that the first node makes"},
      {"kafka", "in_sync_replicas_min", &k.in_sync_replicas_min,
       "Replicas that must hold a record before it is acknowledged; existing topics need it too"},
      {"kafka", "ca_file", &k.ca_file, "PEM, of the brokers' certificates; empty: no TLS"},
      {"kafka", "certificate_file", &k.certificate_file, "PEM, shown to the brokers; may be empty"},
      {"kafka", "key_file", &k.key_file, "PEM, its key"},
      {"kafka", "sasl_mechanism", &k.sasl_mechanism, "For example `SCRAM-SHA-512`; empty: none"},
      {"kafka", "sasl_user", &k.sasl_user, "User name for SASL"},
      {"kafka", "sasl_password_file", &k.sasl_password_file, "File with its password"},
      {"kafka", "session_timeout_ms", &k.session_timeout_ms,
       "After so long without a sign of life a node's partitions go to another; at least the "
       "brokers' `group.min.session.timeout.ms`"},
      {"kafka", "lease_ms", &k.lease_ms,
       "How long an owner answers reads after its last acknowledged record, and how long its "
       "successor waits for that; the same on all nodes"},
      {"kafka", "delivery_timeout_ms", &k.delivery_timeout_ms,
       "After so long without an acknowledgement a write's outcome is unknown"},
      {"cluster", "node", &n.node, "Id of this node, one of those in `cluster.nodes`"},
      {"cluster", "nodes", &n.nodes,
       "All nodes, separated by spaces: `ID=API_URL=PEER_HOST:PEER_PORT`"},
      {"cluster", "ca_file", &n.ca_file, "PEM, signs the nodes' certificates"},
      {"cluster", "certificate_file", &n.certificate_file,
       "PEM, of this node, with its id as the DNS name"},
      {"cluster", "key_file", &n.key_file, "PEM, its key"},
      {"cluster", "listen_address", &n.listen_address,
       "Address for the other nodes; the port is that of this node's entry"},
      {"cluster", "owner_wait_ms", &n.owner_wait_ms,
       "How long a request waits while the partition changes its owner; then 503"},
      {"cluster", "protocol_version_max", &n.protocol_version_max,
       "Newest version of the log's records that this node reads and writes; lower than the "
       "default "
       "only while a cluster is upgraded, see docs/cluster.md"},
      {"cluster", "snapshot_events_min", &n.snapshot_events_min,
       "A node without a store takes a peer's when the log has so many events, else it reads the "
       "log; 0: always reads the log"},
      {"cluster", "snapshot_bytes_per_second", &n.snapshot_bytes_per_second,
       "How fast this node gives its store to another one; 0: no bound"},
      {"store", "commit_writes_max", &a.commit_writes_max,
       "Writes of one synced batch; 1 turns group commit off, to measure what it brings"},
      {"store", "block_cache_bytes", &c.store.block_cache_bytes, "Read cache of the store"},
      {"store", "write_buffer_bytes", &c.store.write_buffer_bytes,
       "Write buffer of each column family"},
      {"store", "shred_interval", &a.shred_interval,
       "How often wrapped keys of versions that were pushed out are removed from the files"},
      {"store", "free_bytes_min", &c.store.free_bytes_min,
       "Writes are refused when less disk is free"},
  };
}

std::string name_of(const Option& option) {
  return option.section.empty() ? std::string(option.key)
                                : fmt::format("{}.{}", option.section, option.key);
}

std::string environment_of(const Option& option) {
  auto name = option.section.empty() ? fmt::format("COFFER_{}", option.key)
                                     : fmt::format("COFFER_{}_{}", option.section, option.key);
  for (auto& c : name) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return name;
}

template <class Int>
Result<void> set_number(Int& target, std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() ||
      number > std::numeric_limits<Int>::max())
    return fail(ErrorCode::invalid_argument,
                fmt::format("must be a whole number from 0 to {}",
                            std::uint64_t{std::numeric_limits<Int>::max()}));
  target = static_cast<Int>(number);
  return {};
}

struct Setter {
  std::string_view text;

  Result<void> operator()(std::string* target) const {
    *target = text;
    return {};
  }
  Result<void> operator()(bool* target) const {
    if (text != "true" && text != "false")
      return fail(ErrorCode::invalid_argument, "must be true or false");
    *target = text == "true";
    return {};
  }
  Result<void> operator()(Seconds* target) const {
    COFFER_ASSIGN(*target, parse_duration(text));
    if (target->count < 0) return fail(ErrorCode::invalid_argument, "must not be negative");
    return {};
  }
  template <class Int>
  Result<void> operator()(Int* target) const {
    return set_number(*target, text);
  }
};

struct Printer {
  std::string operator()(const std::string* v) const {
    return v->empty() ? std::string() : fmt::format("`{}`", *v);
  }
  std::string operator()(const bool* v) const { return *v ? "`true`" : "`false`"; }
  std::string operator()(const Seconds* v) const { return fmt::format("`{}`", to_go_duration(*v)); }
  template <class Int>
  std::string operator()(const Int* v) const {
    return fmt::format("`{}`", *v);
  }
};

Result<void> set(const Option& option, std::string_view text, std::string_view where) {
  auto result = std::visit(Setter{text}, option.target);
  if (result) return result;
  return fail(ErrorCode::invalid_argument,
              fmt::format("{}: {}: {}", where, name_of(option), result.error().message));
}

Result<std::string> text_of(const toml::node& node, const std::string& where) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return std::to_string(number->get());
  if (const auto* flag = node.as_boolean()) return std::string(flag->get() ? "true" : "false");
  return fail(ErrorCode::invalid_argument, where + ": must be a string, whole number or boolean");
}

Result<void> apply_table(const std::vector<Option>& options, const toml::table& table,
                         std::string_view section, const std::string& file) {
  for (const auto& [key, node] : table) {
    const auto name =
        section.empty() ? std::string(key.str()) : fmt::format("{}.{}", section, key.str());
    if (const auto* inner = node.as_table(); inner != nullptr && section.empty()) {
      COFFER_TRY(apply_table(options, *inner, key.str(), file));
      continue;
    }
    const auto found = std::find_if(options.begin(), options.end(),
                                    [&](const Option& option) { return name_of(option) == name; });
    if (found == options.end())
      return fail(ErrorCode::invalid_argument, fmt::format("{}: unknown option {}", file, name));
    COFFER_ASSIGN(const auto text, text_of(node, fmt::format("{}: {}", file, name)));
    COFFER_TRY(set(*found, text, file));
  }
  return {};
}

Result<void> apply_file(const std::vector<Option>& options, const std::string& file) {
  try {
    return apply_table(options, toml::parse_file(file), "", file);
  } catch (const toml::parse_error& error) {
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("{}: line {}: {}", file, error.source().begin.line, error.description()));
  }
}

Result<void> check_cluster(const Config& config) {
  const std::pair<const char*, const std::string*> needed[] = {
      {"kafka.bootstrap", &config.kafka.bootstrap},
      {"cluster.node", &config.cluster.node},
      {"cluster.nodes", &config.cluster.nodes},
      {"cluster.ca_file", &config.cluster.ca_file},
      {"cluster.certificate_file", &config.cluster.certificate_file},
      {"cluster.key_file", &config.cluster.key_file}};
  for (const auto& [name, value] : needed)
    if (value->empty())
      return fail(ErrorCode::invalid_argument,
                  fmt::format("store.engine = \"kafka\" needs {}", name));
  COFFER_ASSIGN(const auto members, parse_members(config.cluster.nodes));
  if (std::none_of(members.begin(), members.end(),
                   [&](const ClusterMember& member) { return member.id == config.cluster.node; }))
    return fail(ErrorCode::invalid_argument,
                fmt::format("cluster.node `{}` is not one of cluster.nodes", config.cluster.node));
  if (config.cluster.protocol_version_max < log::kRecordVersionMin ||
      config.cluster.protocol_version_max > log::kRecordVersionMax)
    return fail(ErrorCode::invalid_argument,
                fmt::format("cluster.protocol_version_max must be from {} to {}",
                            log::kRecordVersionMin, log::kRecordVersionMax));
  if (config.kafka.sasl_mechanism.empty() != config.kafka.sasl_user.empty())
    return fail(ErrorCode::invalid_argument,
                "kafka.sasl_mechanism and kafka.sasl_user must be given together");
  return {};
}

Result<void> check(const Config& config) {
  const auto bad = [](std::string text) {
    return fail(ErrorCode::invalid_argument, std::move(text));
  };
  static constexpr std::array<std::string_view, 4> kLevels = {"debug", "info", "warn", "error"};
  if (std::find(kLevels.begin(), kLevels.end(), config.log_level) == kLevels.end())
    return bad("log.level must be debug, info, warn or error");
  if (config.log_format != "text" && config.log_format != "json")
    return bad("log.format must be text or json");
  if (config.seal_type != "auto" && config.seal_type != "shamir")
    return bad("seal.type must be auto or shamir");
  if (config.auto_init && config.seal_type != "auto")
    return bad("embedded.auto_init needs seal.type = \"auto\"");
  if (config.http.certificate_file.empty() != config.http.key_file.empty())
    return bad("listener.certificate_file and listener.key_file must be given together");
  if (config.limits.commit_writes_max == 0)
    return bad("store.commit_writes_max must be at least 1");
  if (config.limits.tenant_key_wraps_max < 1000 ||
      config.limits.tenant_key_wraps_max > std::uint64_t{1} << 32)
    return bad("keys.tenant_key_wraps_max must be from 1000 to 4294967296");
  if (config.data_dir.empty()) return bad("data_dir must not be empty");
  if (config.store_engine != "rocksdb" && config.store_engine != "kafka")
    return bad("store.engine must be rocksdb or kafka");
  return config.store_engine == "kafka" ? check_cluster(config) : Result<void>{};
}

}  // namespace

Result<Config> load_config(const std::string& file) {
  Config config;
  const auto options = options_of(config);
  if (!file.empty()) COFFER_TRY(apply_file(options, file));
  for (const auto& option : options) {
    const auto name = environment_of(option);
    if (const auto* value = std::getenv(name.c_str())) COFFER_TRY(set(option, value, name));
  }
  COFFER_TRY(check(config));
  return config;
}

Result<Config> load_config_file(const std::string& file) {
  Config config;
  COFFER_TRY(apply_file(options_of(config), file));
  if (const auto checked = check(config); !checked)
    return fail(checked.error().code, fmt::format("{}: {}", file, checked.error().message));
  return config;
}

std::string describe_options() {
  Config config;
  std::string out = "| option | environment | default | meaning |\n|---|---|---|---|\n";
  for (const auto& option : options_of(config))
    out += fmt::format("| `{}` | `{}` | {} | {} |\n", name_of(option), environment_of(option),
                       std::visit(Printer{}, option.target), option.text);
  return out;
}

}  // namespace coffer::server
