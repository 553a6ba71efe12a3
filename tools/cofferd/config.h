// Server configuration: one TOML file, overridden by the environment. Every option stands once in
// the table of config.cpp, with its documentation; docs/configuration.md is printed from it.
// Errors name the file, the key and what is wrong; an unknown key is an error.
#pragma once

#include <string>

#include "actors/vault_runtime.h"
#include "events/base/result.h"
#include "events/log/kafka/record_version.h"
#include "events/log/rocksdb_log.h"
#include "net/http/http_server.h"

namespace coffer::server {

// The brokers that hold the replicated log.
struct KafkaConfig {
  std::string bootstrap;
  std::string topic_prefix = "coffer";
  std::uint32_t replication = 3;
  std::uint32_t in_sync_replicas_min = 2;
  std::string ca_file;           // empty: no TLS to the brokers
  std::string certificate_file;  // of this node as a client
  std::string key_file;
  std::string sasl_mechanism;  // empty: none
  std::string sasl_user;
  std::string sasl_password_file;
  std::uint64_t session_timeout_ms = 2'000;
  std::uint64_t lease_ms = 1'200;
  std::uint64_t delivery_timeout_ms = 10'000;
};

struct ClusterConfig {
  std::string node;     // id of this node
  std::string nodes;    // all of them: "ID=API_URL=PEER_HOST:PORT ..."
  std::string ca_file;  // signs the nodes' certificates, each with its id as a DNS name
  std::string certificate_file;
  std::string key_file;
  std::string listen_address = "0.0.0.0";  // for peers; the port is that of the node's entry
  std::uint64_t owner_wait_ms = 10'000;    // how long a request waits for an owner
  std::uint64_t protocol_version_max = log::kRecordVersionMax;
  std::uint64_t snapshot_events_min = 20'000;
  std::uint64_t snapshot_bytes_per_second = 64ull << 20;
};

struct Config {
  std::string data_dir = "./data";
  net::HttpServerOptions http;
  std::string seal_type = "auto";  // "auto" or "shamir"
  std::string pin_file;            // empty: data_dir/hsm/pin; "credential:NAME": from systemd
  std::string hsm_module = "/usr/lib/softhsm/libsofthsm2.so";
  std::string hsm_token_label = "coffer";
  std::uint64_t hsm_tenant_keys_max = 10'000;
  bool auto_init = false;
  std::string cluster_name = "coffer";
  std::string log_level = "info";
  std::string log_format = "text";       // "text" or "json"
  bool unauthenticated_metrics = false;  // sys/metrics asks for no token
  std::uint64_t scheduler_threads = 0;
  std::uint64_t locked_keys_max = 65'536;
  std::uint64_t data_keys_max = 32'768;
  std::uint64_t data_key_ttl_seconds = 300;
  actors::Limits limits;
  log::RocksDbOptions store;
  std::string store_engine = "rocksdb";  // "rocksdb": this machine alone; "kafka": a cluster
  KafkaConfig kafka;
  ClusterConfig cluster;
};

// Reads `file`, then the environment: COFFER_<SECTION>_<KEY>, COFFER_DATA_DIR.
[[nodiscard]] Result<Config> load_config(const std::string& file);
// Reads `file` alone: for a program that reads the configurations of several servers.
[[nodiscard]] Result<Config> load_config_file(const std::string& file);

// The table of options as Markdown.
[[nodiscard]] std::string describe_options();

}  // namespace coffer::server
