// `coffer`, the operator tool: the command line, and which command it starts.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

#include "hsm/process_hardening.h"
#include "tools/coffer/actors_command.h"
#include "tools/coffer/cluster_command.h"
#include "tools/coffer/connection.h"
#include "tools/coffer/events_command.h"
#include "tools/coffer/key_command.h"
#include "tools/coffer/output.h"
#include "tools/coffer/status_command.h"

namespace coffer::cli {
namespace {

struct Arguments {
  ConnectionOptions connection;
  std::string token_seen;  // only stars: the token itself was taken off the command line before
  bool json = false;
  TopOptions top;
  std::uint64_t actor_id = 0;
  TailOptions tail;
  ReplayOptions replay;
  std::string node;  // empty: the one that the address leads to
  bool self = false;
  std::uint64_t partition = 0;
};

constexpr const char* kAbout =
    "Looks into a running Coffer server: its state, its actors, its event log.\n"
    "Changes nothing but who serves (cluster drain, undrain, move), and never shows a secret's "
    "value.";
constexpr const char* kAboutFooter =
    "Start here:\n"
    "  source data/env            after `tools/dev run`: sets VAULT_ADDR, VAULT_CACERT, "
    "VAULT_TOKEN\n"
    "  coffer status              is it up, is it sealed?\n"
    "  coffer events tail         what happened last\n"
    "  coffer COMMAND --help      more about a command, with examples\n\n"
    "Token: --token, else VAULT_TOKEN, else the file ~/.vault-token.\n"
    "VAULT_SKIP_VERIFY=true turns the check of the server's certificate off.\n"
    "Exit codes: 0 done, 1 failed, 2 sealed (status) or a problem found (verify, key, cluster), 64 "
    "wrong "
    "usage.";

void add_connection_options(CLI::App& app, Arguments& a) {
  app.add_option("--address", a.connection.address, "Address of the server, https://HOST:PORT")
      ->envname("VAULT_ADDR")
      ->capture_default_str();
  app.add_option("--token", a.token_seen, "Token (prefer VAULT_TOKEN or ~/.vault-token)");
  app.add_option("--cacert", a.connection.ca_file, "PEM file with the CA of the server")
      ->envname("VAULT_CACERT");
  app.add_option("-n,--namespace", a.connection.name_space, "Namespace to look into, a/b")
      ->envname("VAULT_NAMESPACE");
  app.add_option("--timeout", a.connection.timeout_s, "Seconds to wait for one answer")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  app.add_flag("--json", a.json, "JSON instead of tables, for programs");
}

CLI::App* add_status(CLI::App& app) {
  auto* status = app.add_subcommand("status", "Whether the server is initialised and unsealed");
  status->footer(
      "Needs no token. Exit code: 0 active, 2 sealed or not initialised, 1 no answer.\n\n"
      "Examples:\n"
      "  coffer status\n"
      "  coffer status --json | jq .progress\n"
      "  coffer status >/dev/null || echo 'not active'");
  return status;
}

void add_key(CLI::App& app) {
  app.add_subcommand("key", "The key of a namespace and its last rotation")
      ->footer(
          "Needs a token that may read sys/key-status of the namespace (-n). Exit code: 2 when a\n"
          "rotation does not go on.\n\n"
          "Examples:\n"
          "  coffer key -n team-a\n"
          "  coffer key --json | jq .rotation.rewrapped");
}

void add_node_choice(CLI::App& command, Arguments& a) {
  auto* node = command.add_option("NODE", a.node, "Its id, as status shows it");
  auto* self = command.add_flag("--self", a.self, "The node that --address leads to");
  node->excludes(self);
  command.callback([node, self] {
    if (node->empty() && self->empty()) throw CLI::RequiredError("which node: NODE or --self");
  });
}

void add_cluster_changes(CLI::App& cluster, Arguments& a) {
  auto* drain = cluster.add_subcommand("drain", "Lets a node hand over and not take over again");
  add_node_choice(*drain, a);
  drain->footer(
      "The active node hands over without a failed request; a drained node follows and forwards\n"
      "until undrain or its next start. The request goes to that node's own address.\n\n"
      "Examples:\n"
      "  coffer cluster drain n2\n"
      "  coffer cluster drain --self");
  auto* undrain = cluster.add_subcommand("undrain", "Lets a drained node take over again");
  add_node_choice(*undrain, a);
  undrain->footer("Example:\n  coffer cluster undrain n2");
  auto* move = cluster.add_subcommand("move", "Makes a node the owner of a partition");
  move->add_option("PARTITION", a.partition, "Its number, as partitions shows it")->required();
  move->add_option("NODE", a.node, "The new owner")->required();
  move->footer("Example:\n  coffer cluster move 0 n3");
}

void add_cluster(CLI::App& app, Arguments& a) {
  auto* cluster = app.add_subcommand("cluster", "The nodes of the cluster");
  cluster->require_subcommand(1);
  cluster->footer(
      "Needs a token of the root namespace that may read sys/ha-status, with sudo on "
      "sys/cluster/*\n"
      "for all but status.");
  cluster->add_subcommand("status", "Which node is active, and where the nodes are")
      ->footer(
          "LAG is in records, as of when the active node last heard of the node.\n"
          "Exit code: 2 when no node is active.\n\n"
          "Examples:\n"
          "  coffer cluster status\n"
          "  coffer cluster status --json | jq -r '.nodes[] | select(.active_node).api_address'");
  cluster->add_subcommand("partitions", "Who owns the log, and how far each node is")
      ->footer(
          "Exit code: 2 when a partition has no owner.\n\n"
          "Examples:\n"
          "  coffer cluster partitions\n"
          "  coffer cluster partitions --json | jq '[.partitions[].nodes[].replication_lag] | "
          "max'");
  add_cluster_changes(*cluster, a);
}

void add_actors(CLI::App& app, Arguments& a) {
  auto* actors = app.add_subcommand("actors", "The living actors of the server");
  actors->require_subcommand(1);
  actors->footer("Needs a token of the root namespace with sudo on sys/actors.");
  actors->add_subcommand("tree", "Who was started by whom")
      ->footer(
          "Examples:\n"
          "  coffer actors tree\n"
          "  coffer actors tree --json | jq '.actors[] | select(.last_error != \"\")'");
  auto* top = actors->add_subcommand("top", "The busiest actors, again and again");
  top->add_option("--interval", a.top.interval_s, "Seconds from sample to sample")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  auto* count = top->add_option("--count", a.top.count, "Samples to show; 0: until stopped")
                    ->capture_default_str();
  top->add_flag_callback(
         "--once", [&a] { a.top.count = 1; }, "One sample, as --count 1")
      ->excludes(count);
  top->add_option("--rows", a.top.rows, "Actors to show; 0: all")->capture_default_str();
  top->footer(
      "BUSY is the share of one core, MSG/S the messages handled, both since the sample before.\n"
      "With --json each sample is one line.\n\n"
      "Examples:\n"
      "  coffer actors top\n"
      "  coffer actors top --interval 5 --rows 5\n"
      "  coffer actors top --once --json | jq '.actors[0]'");
  auto* show = actors->add_subcommand("show", "One actor");
  show->add_option("ID", a.actor_id, "Number of the actor, as tree and top show it")->required();
  show->footer("Example:\n  coffer actors show 7");
}

void add_tail(CLI::App& events, Arguments& a) {
  auto* tail = events.add_subcommand("tail", "The last records of the log, decoded");
  tail->add_option("--from", a.tail.from, "First record to show")->check(CLI::PositiveNumber);
  tail->add_flag("-f,--follow", a.tail.follow, "Wait for new records and show them");
  tail->add_option("--stream", a.tail.stream, "Only one stream: a secret's, a token's, or 0")
      ->transform(CLI::Validator(check_stream, "HEX", "stream"));
  tail->add_option("--limit", a.tail.limit, "Records to show before --follow (20 without --from)")
      ->check(CLI::PositiveNumber);
  tail->add_option("--interval", a.tail.interval_s, "Seconds between two looks with --follow")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  tail->footer(
      "A record is what one request changed; its events are shown one a line. The stream says\n"
      "what they belong to; `tenant` (--stream 0) is the namespace itself: mounts, policies, "
      "keys.\n"
      "With --json each record is one line.\n\n"
      "Examples:\n"
      "  coffer events tail\n"
      "  coffer events tail -n team-a --follow\n"
      "  coffer events tail --from 1 --json | jq -r '.events[] | select(.name == "
      "\"secret.created\") | .json.path'\n"
      "  coffer events tail --stream 9f86d081884c7d659a2feaa0c55ad015");
}

void add_events(CLI::App& app, Arguments& a) {
  auto* events = app.add_subcommand("events", "The event log of a namespace");
  events->require_subcommand(1);
  events->footer("Needs a token with sudo on sys/events of the namespace (-n).");
  add_tail(*events, a);
  auto* replay = events->add_subcommand("replay", "The state at any record, rebuilt from events");
  replay
      ->add_option("--stream", a.replay.stream, "A secret's or token's stream; without: the tenant")
      ->transform(CLI::Validator(check_stream, "HEX", "stream"));
  replay->add_option("--at", a.replay.at, "Last record to apply; without: all")
      ->check(CLI::PositiveNumber);
  replay->footer(
      "Fetches the events and applies them here, with the rules of the server. Without --stream:\n"
      "the namespace with its mounts, policies and key references. `events tail` shows streams.\n\n"
      "Examples:\n"
      "  coffer events replay -n team-a\n"
      "  coffer events replay --stream 9f86d081884c7d659a2feaa0c55ad015 --at 40\n"
      "  coffer events replay --json | jq -r .policies.default");
  auto* verify = events->add_subcommand("verify", "Walks the hash chain of a namespace");
  verify->footer(
      "Asks the server, which recomputes every hash from what it has stored, and checks here that\n"
      "the records are dense from 1, that each names the hash of the one before, and that both\n"
      "ways end at the same hash. Exit code: 0 the chain holds, 2 a problem was found, 1 "
      "failed.\n\n"
      "Examples:\n"
      "  coffer events verify -n team-a\n"
      "  coffer events verify --json | jq -r .server.head_hash");
}

Result<Exit> start(const CLI::App& app, const Arguments& a, ApiClient& client) {
  const auto chosen = [](const CLI::App& parent, const char* name) {
    return parent.got_subcommand(name);
  };
  if (chosen(app, "status")) return show_status(client, a.json);
  if (chosen(app, "key")) return show_key(client, a.json);
  if (chosen(app, "cluster")) {
    const auto* cluster = app.get_subcommand("cluster");
    if (chosen(*cluster, "partitions")) return show_partitions(client, a.json);
    if (chosen(*cluster, "drain")) return drain_node(client, a.node);
    if (chosen(*cluster, "undrain")) return undrain_node(client, a.node);
    if (chosen(*cluster, "move")) return move_partition(client, a.partition, a.node);
    return show_cluster(client, a.json);
  }
  if (chosen(app, "actors")) {
    const auto* actors = app.get_subcommand("actors");
    if (chosen(*actors, "tree")) return show_actor_tree(client, a.json);
    if (chosen(*actors, "top")) return show_busiest_actors(client, a.top, a.json);
    return show_actor(client, a.actor_id, a.json);
  }
  const auto* events = app.get_subcommand("events");
  if (chosen(*events, "tail")) return tail_events(client, a.tail, a.json);
  if (chosen(*events, "replay")) return replay_events(client, a.replay, a.json);
  return verify_events(client, a.json);
}

// What the parser did not understand is named first: its own complaint is often a consequence.
std::string usage_error(const CLI::App* app, const CLI::Error& error) {
  std::string text = error.what();
  const auto unknown = app->remaining(true);
  if (!unknown.empty()) text = "what is \"" + unknown.front() + "\"?";
  return "coffer: " + printable(text) + "\nRun with --help for more information.\n";
}

int give_up(const Error& error, Exit status) {
  static_cast<void>(flush_output());
  say_error(error);
  return static_cast<int>(status);
}

int run(int argc, char** argv) {
  ignore_hardening_faults(hsm::harden_process());
  auto token = take_token_argument(argc, argv);
  Arguments arguments;
  CLI::App app{kAbout, "coffer"};
  app.footer(kAboutFooter);
  app.set_version_flag("--version", "coffer " COFFER_VERSION);
  app.fallthrough();
  app.failure_message(usage_error);
  app.require_subcommand(1);
  add_connection_options(app, arguments);
  add_status(app);
  add_key(app);
  add_cluster(app, arguments);
  add_actors(app, arguments);
  add_events(app, arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : static_cast<int>(Exit::usage);
  }
  const auto connection = connect(arguments.connection, std::move(token));
  if (!connection) return give_up(connection.error(), Exit::usage);
  ApiClient client(**connection);
  const auto outcome = start(app, arguments, client);
  if (!outcome) return give_up(outcome.error(), Exit::failure);
  return static_cast<int>(flush_output() ? *outcome : Exit::failure);
}

}  // namespace
}  // namespace coffer::cli

int main(int argc, char** argv) {
  try {
    return coffer::cli::run(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "coffer: %s\n", e.what());
    return static_cast<int>(coffer::cli::Exit::failure);
  }
}
