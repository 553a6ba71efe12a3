// cofferd: the composition root, the only code that knows everyone.
#include <signal.h>
#include <unistd.h>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <CLI/CLI.hpp>
#include <cstdio>
#include <future>

#include "actors/vault_runtime.h"
#include "events/log/state_keys.h"
#include "hsm/pkcs11_key_service.h"
#include "hsm/process_hardening.h"
#include "hsm/system_clock.h"
#include "hsm/system_random.h"
#include "net/vault_api/vault_api.h"
#include "tools/cofferd/config.h"
#include "tools/cofferd/data_folder.h"
#include "tools/cofferd/token_files.h"

namespace coffer::server {
namespace {

constexpr unsigned kDrainSeconds = 3;

// A callback's result, waited for: start-up only.
template <class T>
class Waiter {
 public:
  [[nodiscard]] api::Callback<T> callback() {
    return [promise = promise_](Result<T> result) { promise->set_value(std::move(result)); };
  }
  [[nodiscard]] Result<T> wait() { return promise_->get_future().get(); }

 private:
  std::shared_ptr<std::promise<Result<T>>> promise_ = std::make_shared<std::promise<Result<T>>>();
};

struct Server {
  hsm::SystemClock clock;
  hsm::SystemRandom random;
  std::unique_ptr<log::EventLog> log;
  std::shared_ptr<hsm::Pkcs11KeyService> keys;
  std::unique_ptr<actors::RuntimeConfig> actor_config;
  std::unique_ptr<caf::actor_system> actor_system;
  std::unique_ptr<actors::VaultRuntime> runtime;
  std::unique_ptr<net::VaultApi> api;
  std::unique_ptr<net::HttpServer> http;
  std::string pid_file;

  ~Server() {
    if (http) http->stop(kDrainSeconds);
    http.reset();
    api.reset();
    runtime.reset();
    actor_system.reset();
    log.reset();
    if (!pid_file.empty()) ::unlink(pid_file.c_str());
  }
};

actors::RuntimeOptions runtime_options(const Config& config) {
  actors::RuntimeOptions options;
  options.limits = config.limits;
  options.locked_keys_max = config.locked_keys_max;
  options.data_keys.entries_max = config.data_keys_max;
  options.data_keys.ttl = std::chrono::seconds(config.data_key_ttl_seconds);
  options.seal.type =
      config.seal_type == "shamir" ? api::SealType::shamir : api::SealType::automatic;
  options.seal.cluster_name = config.cluster_name;
  return options;
}

// Before the module reads the token.
Result<void> mend_token(const log::EventLog& log, const TokenFiles& token) {
  COFFER_ASSIGN(const auto vault, log.get(log::Family::meta, log::meta_row("vault")));
  if (!vault) {
    COFFER_ASSIGN(const bool aside, token.set_aside_unfinished());
    if (aside) spdlog::warn("set aside the token of an interrupted initialisation");
    return {};
  }
  COFFER_ASSIGN(const unsigned mended, token.mend());
  if (mended > 0) spdlog::warn("put back {} token files that a crash had cut short", mended);
  return {};
}

Result<void> open_vault(Server& server, const Config& config, const TokenFiles& token) {
  auto store = config.store;
  store.directory = config.data_dir + "/store";
  COFFER_TRY(make_folder(store.directory));
  COFFER_ASSIGN(server.log, log::open_rocksdb_log(store, random_id<Nonce128>(server.random)));
  COFFER_TRY(mend_token(*server.log, token));
  hsm::Pkcs11Options options;
  options.module_path = config.hsm_module;
  options.token_label = config.hsm_token_label;
  options.tenant_keys_max = config.hsm_tenant_keys_max;
  options.keep_pin = config.seal_type == "auto";
  COFFER_ASSIGN(auto keys, hsm::Pkcs11KeyService::open(options));
  server.keys = std::move(keys);
  server.actor_config =
      std::make_unique<actors::RuntimeConfig>(static_cast<unsigned>(config.scheduler_threads));
  server.actor_system = std::make_unique<caf::actor_system>(*server.actor_config);
  const actors::TokenSetup setup{
      [keys = server.keys] { return keys->token_present(); },
      [keys = server.keys](const SecretBytes& so_pin, const SecretBytes& user_pin) {
        return keys->initialize_token(so_pin, user_pin);
      }};
  COFFER_ASSIGN(server.runtime, actors::VaultRuntime::create(
                                    *server.actor_system, server.clock, server.random, *server.log,
                                    server.keys, setup, runtime_options(config)));
  if (!server.runtime->warning().empty()) spdlog::warn("{}", server.runtime->warning());
  return {};
}

// Automatic seal: initialise on the first start if told to, then log in.
Result<void> unseal_automatically(Server& server, const Config& config, const TokenFiles& token) {
  if (config.seal_type != "auto") return {};
  if (!server.runtime->status().initialized) {
    if (!config.auto_init) {
      spdlog::warn("the vault is not initialised and embedded.auto_init is off");
      return {};
    }
    COFFER_ASSIGN(auto pin, load_pin(config, server.random));
    Waiter<api::InitOutcome> initialized;
    const auto path = config.data_dir + "/root-token";
    server.runtime->initialize_embedded(
        std::move(pin),
        [path](const SecretBytes& root) { return write_private_file(path, root.expose()); },
        initialized.callback());
    COFFER_ASSIGN(const auto outcome, initialized.wait());
    static_cast<void>(outcome);
    spdlog::info("initialised a new vault; its root token is in {}", path);
  }
  COFFER_ASSIGN(auto pin, load_pin(config, server.random));
  Waiter<api::ServiceStatus> opened;
  server.runtime->unseal_with_pin(std::move(pin), opened.callback());
  auto status = opened.wait();
  if (!status) return std::move(status).error();
  return token.keep_copy();
}

Result<void> serve(Server& server, const Config& config) {
  server.api =
      std::make_unique<net::VaultApi>(*server.runtime, server.random, net::VaultApiOptions{});
  COFFER_ASSIGN(server.http,
                net::HttpServer::start(config.http, [&server](auto request, auto respond) {
                  server.api->handle(std::move(request), std::move(respond));
                }));
  server.pid_file = config.data_dir + "/cofferd.pid";
  COFFER_TRY(write_private_file(server.pid_file, as_bytes(fmt::format("{}\n", ::getpid()))));
  spdlog::info("serving on https://{}:{}", config.http.address, server.http->port());
  return {};
}

void run_until_told_to_stop(Server& server, const sigset_t& signals, const TokenFiles& token) {
  bool copied = !server.runtime->status().sealed;  // the automatic unseal has kept its copy
  while (true) {
    const timespec second{1, 0};
    const int signal = ::sigtimedwait(&signals, nullptr, &second);
    if (signal == SIGTERM || signal == SIGINT) {
      spdlog::info("stopping");
      return;
    }
    if (signal == SIGHUP) {
      const auto reloaded = server.http->reload_certificate();
      if (reloaded)
        spdlog::info("certificate reloaded");
      else
        spdlog::error("certificate not reloaded: {}", reloaded.error().message);
    }
    server.runtime->tick();
    const bool sealed = server.runtime->status().sealed;
    if (!sealed && !copied) {
      if (const auto kept = token.keep_copy(); !kept) spdlog::error("{}", kept.error().message);
    }
    copied = !sealed;
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
  COFFER_TRY(open_vault(server, config, token));
  COFFER_TRY(unseal_automatically(server, config, token));
  COFFER_TRY(serve(server, config));
  run_until_told_to_stop(server, signals, token);
  return {};
}

bool set_up_logging(const std::string& level) {
  auto logger = spdlog::stderr_logger_mt("cofferd");
  spdlog::set_default_logger(logger);
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
  if (level != "debug" && level != "info" && level != "warn" && level != "error") return false;
  spdlog::set_level(spdlog::level::from_str(level));
  return true;
}

int start(const std::string& file, bool allow_root) {
  if (::geteuid() == 0 && !allow_root) {
    std::fputs("cofferd: run it as an ordinary user, or give --allow-root\n", stderr);
    return 1;
  }
  auto config = load_config(file);
  if (!config) {
    std::fprintf(stderr, "cofferd: %s\n", config.error().message.c_str());
    return 1;
  }
  if (!set_up_logging(config->log_level)) {
    std::fputs("cofferd: log.level must be debug, info, warn or error\n", stderr);
    return 1;
  }
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
  app.add_option("--config", file, "TOML file; see docs/configuration.md")
      ->check(CLI::ExistingFile);
  app.add_flag("--allow-root", allow_root, "Run although the user is root");
  app.add_flag("--print-options", print_options, "Print the table of options as Markdown and exit");
  app.set_version_flag("--version", COFFER_VERSION);
  CLI11_PARSE(app, argc, argv);
  if (print_options) {
    std::fputs(coffer::server::describe_options().c_str(), stdout);
    return 0;
  }
  return coffer::server::start(file, allow_root);
}
