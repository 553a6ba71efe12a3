#include "tools/coffer/migrate_command.h"

#include <chrono>
#include <filesystem>

#include <fmt/format.h>

#include "events/json/json_value.h"
#include "events/log/migration/migration.h"
#include "hsm/system_clock.h"
#include "hsm/system_random.h"
#include "tools/cofferd/config.h"
#include "tools/cofferd/data_folder.h"
#include "tools/cofferd/kafka_settings.h"

namespace coffer::cli {
namespace {

using Steady = std::chrono::steady_clock;

struct Files {
  server::Config embedded;
  server::Config cluster;
};

Result<server::Config> load(const std::string& file, std::string_view engine) {
  COFFER_ASSIGN(auto config, server::load_config_file(file));
  if (config.store_engine == engine) return config;
  return fail(ErrorCode::invalid_argument, fmt::format("{}: store.engine is {} and must be {} here",
                                                       file, config.store_engine, engine));
}

Result<void> check_folders(const Files& files) {
  std::error_code error;
  const auto embedded = std::filesystem::weakly_canonical(files.embedded.data_dir, error);
  const auto cluster = std::filesystem::weakly_canonical(files.cluster.data_dir, error);
  if (embedded != cluster) return {};
  return fail(ErrorCode::invalid_argument,
              "both configurations have the same data_dir: a node needs one of its own");
}

// The seal is in the vault: a server that is configured for another one does not open it.
log::VaultFilter with_seal(const server::Config& target, const std::string& file) {
  return [type = target.seal_type, file](const codec::VaultRow& vault) -> Result<void> {
    const std::string own = vault.shamir ? "shamir" : "auto";
    if (own == type) return {};
    return fail(ErrorCode::invalid_argument,
                fmt::format("the vault was initialised with seal.type = \"{}\" and {} says \"{}\": "
                            "what reads that file could not open it",
                            own, file, type));
  };
}

Result<log::MigrationContext> context_of(const server::Config& cluster,
                                         const server::Config* embedded) {
  constexpr log::Milliseconds kPatience{60'000};  // nobody waits for a single write
  log::MigrationContext context;
  COFFER_ASSIGN(context.cluster, server::kafka_log_options(cluster));
  auto& client = context.cluster.client;
  client.delivery_timeout = std::max(client.delivery_timeout, kPatience);
  context.cluster.stall_max = std::max(context.cluster.stall_max, kPatience);
  if (embedded != nullptr) {
    context.embedded = embedded->store;
    context.embedded.directory = embedded->data_dir + "/store";
    context.folder = std::filesystem::absolute(embedded->data_dir).string();
  }
  hsm::SystemRandom random;
  context.nonce = random_id<Nonce128>(random);
  context.now = hsm::SystemClock().now();
  context.on_step = [](std::string_view step) { say_progress(step); };
  return context;
}

void print_summary(const log::StoreSummary& moved, Steady::duration time, bool json) {
  const auto seconds = std::chrono::duration<double>(time).count();
  if (!json) {
    return print(fmt::format(
        "moved and verified: {} tenants, {} records, {} access records, {} wrapped keys, {} rows "
        "in {:.1f} s\n",
        moved.tenants, moved.events, moved.access_records, moved.keys, moved.rows, seconds));
  }
  SecretBytes out;
  json::Writer w(out);
  w.begin_object();
  w.key("tenants").unsigned_integer(moved.tenants);
  w.key("records").unsigned_integer(moved.events);
  w.key("access_records").unsigned_integer(moved.access_records);
  w.key("wrapped_keys").unsigned_integer(moved.keys);
  w.key("rows").unsigned_integer(moved.rows);
  w.key("milliseconds").unsigned_integer(static_cast<std::uint64_t>(seconds * 1000));
  w.end_object();
  print_json(out);
}

constexpr const char* kAfterToKafka =
    "\nNext:\n"
    "  1. Give each node the HSM token and its PIN, without which no key opens. With SoftHSM: "
    "stop\n"
    "     here and copy {0}/hsm to the data_dir of each node, or let SOFTHSM2_CONF and\n"
    "     seal.pin_file of all nodes name one place.\n"
    "  2. Start the nodes. Check `coffer cluster status`, and `coffer events verify` for each\n"
    "     namespace. Tokens go on working; {0}/root-token stays where it is.\n"
    "  3. Do not start the embedded server again: it would be a second vault with the same keys.\n"
    "     Keep {0} until you are satisfied, then destroy it: it holds wrapped keys, and the token\n"
    "     that opens them.\n";

constexpr const char* kAfterToEmbedded =
    "\nNext:\n"
    "  1. Give the server the HSM token and its PIN. With SoftHSM: copy the nodes' hsm folder to\n"
    "     {0}/hsm.\n"
    "  2. Start `cofferd --config {1}` and check `coffer events verify` for each namespace.\n"
    "  3. The nodes refuse their topics now. As long as nothing was written to the embedded "
    "vault,\n"
    "     `coffer migrate reopen` gives the vault back to them.\n"
    "  4. When you are satisfied, delete the topics and the nodes' data folders: they hold "
    "wrapped\n"
    "     keys.\n";

}  // namespace

Result<Exit> migrate_to_kafka(const MigrateOptions& options, bool json) {
  Files files;
  COFFER_ASSIGN(files.embedded, load(options.config, "rocksdb"));
  COFFER_ASSIGN(files.cluster, load(options.to, "kafka"));
  COFFER_TRY(check_folders(files));
  COFFER_ASSIGN(auto context, context_of(files.cluster, &files.embedded));
  context.scratch = files.cluster.data_dir + "/store.migration";
  COFFER_TRY(server::make_folder(files.cluster.data_dir));
  const auto began = Steady::now();
  COFFER_ASSIGN(const auto moved,
                log::migrate_to_kafka(context, with_seal(files.cluster, options.to)));
  print_summary(moved, Steady::now() - began, json);
  if (!json) print(fmt::format(fmt::runtime(kAfterToKafka), printable(context.folder)));
  return Exit::ok;
}

Result<Exit> migrate_to_embedded(const MigrateOptions& options, bool json) {
  Files files;
  COFFER_ASSIGN(files.cluster, load(options.config, "kafka"));
  COFFER_ASSIGN(files.embedded, load(options.to, "rocksdb"));
  COFFER_TRY(check_folders(files));
  COFFER_ASSIGN(auto context, context_of(files.cluster, &files.embedded));
  context.scratch = files.embedded.data_dir + "/store.migration";
  COFFER_TRY(server::make_folder(files.embedded.data_dir));
  const auto began = Steady::now();
  COFFER_ASSIGN(const auto moved,
                log::migrate_to_embedded(context, with_seal(files.embedded, options.to),
                                         options.owner_is_dead));
  print_summary(moved, Steady::now() - began, json);
  if (!json)
    print(fmt::format(fmt::runtime(kAfterToEmbedded), printable(context.folder),
                      printable(options.to)));
  return Exit::ok;
}

Result<Exit> reopen_cluster(const MigrateOptions& options, bool json) {
  COFFER_ASSIGN(const auto cluster, load(options.config, "kafka"));
  COFFER_ASSIGN(auto context, context_of(cluster, nullptr));
  context.scratch = cluster.data_dir + "/store.migration";
  COFFER_TRY(server::make_folder(cluster.data_dir));
  COFFER_TRY(log::reopen_cluster(context));
  if (!json) print("the vault is the cluster's again: start the nodes\n");
  return Exit::ok;
}

}  // namespace coffer::cli
