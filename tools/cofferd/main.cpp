// cofferd: the composition root, the only code that knows everyone.
#include <signal.h>
#include <unistd.h>

#include <spdlog/spdlog.h>
#include <CLI/CLI.hpp>
#include <cstdio>

#include "hsm/process_hardening.h"
#include "hsm/system_clock.h"
#include "hsm/system_random.h"
#include "tools/cofferd/cluster_node.h"
#include "tools/cofferd/config.h"
#include "tools/cofferd/data_folder.h"
#include "tools/cofferd/logging.h"
#include "tools/cofferd/vault_service.h"

namespace coffer::server {
namespace {

constexpr unsigned kDrainSeconds = 3;

struct Server {
  hsm::SystemClock clock;
  hsm::SystemRandom random;
  Instruments instruments;
  std::atomic<const net::HttpServer*> listener = nullptr;  // requests come before it is set
  std::unique_ptr<log::EventLog> log;
  std::unique_ptr<VaultService> vault;
  std::unique_ptr<ClusterNode> node;  // instead of log and vault
  std::unique_ptr<net::HttpServer> http;
  std::string pid_file;

  ~Server() {
    // The next active node takes over while this one still forwards what reaches it.
    if (node) node->hand_over(kDrainSeconds);
    if (http) http->stop(kDrainSeconds);
    http.reset();
    node.reset();
    vault.reset();
    log.reset();
    if (!pid_file.empty()) ::unlink(pid_file.c_str());
  }

  // Of the process, whatever serves the vault.
  void add_metrics(MetricsPage& page) const {
    add_instruments(page, instruments);
    if (const auto* http_server = listener.load()) add_http(page, "api", http_server->counters());
    add_process_metrics(page);
  }
  [[nodiscard]] Observation observation() const {
    return {instruments, [this](MetricsPage& page) { add_metrics(page); }};
  }
};

Result<void> open_vault(Server& server, const Config& config, const TokenFiles& token) {
  auto store = config.store;
  store.directory = config.data_dir + "/store";
  COFFER_TRY(make_folder(store.directory));
  COFFER_ASSIGN(server.log, log::open_rocksdb_log(store, random_id<Nonce128>(server.random)));
  COFFER_ASSIGN(server.vault,
                VaultService::open(config, token, server.clock, server.random, *server.log,
                                   net::VaultApiOptions{}, server.observation()));
  return server.vault->unseal_automatically();
}

Result<void> serve(Server& server, const Config& config) {
  COFFER_ASSIGN(server.http,
                net::HttpServer::start(config.http, [&server](auto request, auto respond) {
                  if (server.node)
                    return server.node->on_client_request(std::move(request), std::move(respond));
                  server.vault->handle(std::move(request), std::move(respond));
                }));
  server.listener = server.http.get();
  server.pid_file = config.data_dir + "/cofferd.pid";
  COFFER_TRY(write_private_file(server.pid_file, as_bytes(fmt::format("{}\n", ::getpid()))));
  spdlog::info("serving on https://{}:{}", config.http.address, server.http->port());
  return {};
}

// Error: the node cannot go on.
Result<void> run_until_told_to_stop(Server& server, const sigset_t& signals) {
  while (true) {
    const timespec second{1, 0};
    const int signal = ::sigtimedwait(&signals, nullptr, &second);
    if (signal == SIGTERM || signal == SIGINT) {
      spdlog::info("stopping");
      return {};
    }
    if (signal == SIGHUP) {
      auto reloaded = server.http->reload_certificate();
      if (reloaded && server.node) reloaded = server.node->reload_certificate();
      if (reloaded)
        spdlog::info("certificate reloaded");
      else
        spdlog::error("certificate not reloaded: {}", reloaded.error().message);
    }
    if (server.vault) server.vault->tick();
    if (server.node)
      if (auto failure = server.node->failure()) return std::move(*failure);
  }
}

Result<void> run(Config config, const sigset_t& signals) {
  Server server;
  COFFER_TRY(make_folder(config.data_dir));
  COFFER_ASSIGN(auto softhsm_folder, prepare_softhsm(config));
  const TokenFiles token(std::move(softhsm_folder));
  COFFER_TRY(prepare_certificate(config));
  if (config.http.threads == 0)
    config.http.threads = std::max(1u, std::thread::hardware_concurrency());
  if (config.store_engine == "kafka") {
    COFFER_ASSIGN(server.node, ClusterNode::start(config, token, server.clock, server.random,
                                                  server.observation()));
  } else {
    COFFER_TRY(open_vault(server, config, token));
  }
  COFFER_TRY(serve(server, config));
  return run_until_told_to_stop(server, signals);
}

Result<Config> load_or_complain(const std::string& file) {
  auto config = load_config(file);
  if (!config) std::fprintf(stderr, "cofferd: %s\n", config.error().message.c_str());
  return config;
}

int check_config(const std::string& file) {
  if (!load_or_complain(file)) return 1;
  std::puts("the configuration is valid");
  return 0;
}

int start(const std::string& file, bool allow_root) {
  if (::geteuid() == 0 && !allow_root) {
    std::fputs("cofferd: run it as an ordinary user, or give --allow-root\n", stderr);
    return 1;
  }
  auto config = load_or_complain(file);
  if (!config) return 1;
  set_up_logging(config->log_level, config->log_format);
  // Before any thread: every thread inherits the blocked signals and the limits.
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  for (const auto& warning : hsm::harden_process()) spdlog::warn("{}", warning);
  const auto result = run(std::move(*config), signals);
  if (result) return 0;
  spdlog::error("{}", result.error().message);
  return 1;
}

}  // namespace
}  // namespace coffer::server

int main(int argc, char** argv) {
  CLI::App app{"Coffer vault server"};
  std::string file;
  bool allow_root = false;
  bool print_options = false;
  bool print_metrics = false;
  bool check_config = false;
  app.add_option("--config", file, "TOML file; see docs/configuration.md")
      ->check(CLI::ExistingFile);
  app.add_flag("--allow-root", allow_root, "Run although the user is root");
  app.add_flag("--print-options", print_options, "Print the table of options as Markdown and exit");
  app.add_flag("--print-metrics", print_metrics, "Print the table of metrics as Markdown and exit");
  app.add_flag("--check-config", check_config,
               "Read the configuration as a start would, say whether it holds together, and exit; "
               "files that it names are not opened");
  app.set_version_flag("--version", COFFER_VERSION);
  CLI11_PARSE(app, argc, argv);
  if (print_options) {
    std::fputs(coffer::server::describe_options().c_str(), stdout);
    return 0;
  }
  if (print_metrics) {
    std::fputs(coffer::server::describe_metrics().c_str(), stdout);
    return 0;
  }
  if (check_config) return coffer::server::check_config(file);
  return coffer::server::start(file, allow_root);
}
