// Server configuration: one TOML file, overridden by the environment. Every option stands once in
// the table of config.cpp, with its documentation; docs/configuration.md is printed from it.
// Errors name the file, the key and what is wrong; an unknown key is an error.
#pragma once

#include <string>

#include "actors/vault_runtime.h"
#include "events/base/result.h"
#include "events/log/rocksdb_log.h"
#include "net/http/http_server.h"

namespace coffer::server {

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
  std::uint64_t scheduler_threads = 0;
  std::uint64_t locked_keys_max = 65'536;
  std::uint64_t data_keys_max = 32'768;
  std::uint64_t data_key_ttl_seconds = 300;
  actors::Limits limits;
  log::RocksDbOptions store;
};

// Reads `file`, then the environment: COFFER_<SECTION>_<KEY>, COFFER_DATA_DIR.
[[nodiscard]] Result<Config> load_config(const std::string& file);

// The table of options as Markdown.
[[nodiscard]] std::string describe_options();

}  // namespace coffer::server
