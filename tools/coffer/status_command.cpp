#include "tools/coffer/status_command.h"

#include <fmt/format.h>

#include "tools/coffer/json_fields.h"
#include "tools/coffer/table.h"

namespace coffer::cli {
namespace {

struct Status {
  bool initialized = false;
  bool sealed = true;
  std::string seal_type;
  std::uint64_t shares = 0;
  std::uint64_t threshold = 0;
  std::uint64_t progress = 0;
  std::string nonce;
  std::string version;
  std::string storage_type;
  std::string cluster_name;  // empty while sealed
  std::string cluster_id;
  Timestamp server_time;
  bool ha_enabled = false;
  std::string leader_address;
};

Result<ApiAnswer> ask(ApiClient& client, const std::string& path) {
  COFFER_ASSIGN(auto answer, client.ask_public(path));
  if (answer.data->find("errors") != nullptr)
    return fail(ErrorCode::unavailable,
                fmt::format("{}: the server answered {} with an error", path, answer.status));
  return answer;
}

Result<Status> read_status(ApiClient& client) {
  COFFER_ASSIGN(const auto seal, ask(client, "sys/seal-status"));
  COFFER_ASSIGN(const auto health, ask(client, "sys/health"));
  Status status;
  JsonFields::Fault fault;
  JsonFields in(*seal.data, fault);
  in.read("initialized", status.initialized);
  in.read("sealed", status.sealed);
  in.read("type", status.seal_type);
  in.read("n", status.shares);
  in.read("t", status.threshold);
  in.read("progress", status.progress);
  in.read("nonce", status.nonce);
  in.read("version", status.version);
  in.read("storage_type", status.storage_type);
  if (in.has("cluster_name")) in.read("cluster_name", status.cluster_name);
  if (in.has("cluster_id")) in.read("cluster_id", status.cluster_id);
  Seconds time;
  JsonFields(*health.data, fault).read("server_time_utc", time);
  status.server_time = Timestamp{} + time;
  // A sealed server has no leader and answers with an error.
  COFFER_ASSIGN(const auto leader, client.ask_public("sys/leader"));
  if (leader.status == 200) {
    JsonFields leading(*leader.data, fault);
    leading.read("ha_enabled", status.ha_enabled);
    leading.read("leader_address", status.leader_address);
  }
  if (fault) return fail(ErrorCode::internal, "the server's status is broken: " + *fault);
  return status;
}

std::string unseal_progress(const Status& s) {
  return s.sealed && s.initialized && s.threshold > 0
             ? fmt::format("{} of {}", s.progress, s.threshold)
             : std::string{};
}

void show_table(const ApiClient& client, const Status& s) {
  const auto flag = [](bool value) { return value ? "true" : "false"; };
  Table table({{"KEY"}, {"VALUE"}});
  table.add({"address", client.connection().address});
  table.add({"initialized", flag(s.initialized)});
  table.add({"sealed", flag(s.sealed)});
  table.add({"seal type", s.seal_type});
  table.add({"key shares", std::to_string(s.shares)});
  table.add({"threshold", std::to_string(s.threshold)});
  table.add({"unseal progress", unseal_progress(s)});
  table.add({"unseal nonce", s.nonce});
  table.add({"version", s.version});
  table.add({"storage type", s.storage_type});
  table.add({"cluster name", s.cluster_name});
  table.add({"cluster id", s.cluster_id});
  table.add({"ha enabled", flag(s.ha_enabled)});
  table.add({"leader address", s.leader_address});
  table.add({"server time", to_rfc3339_nano(s.server_time)});
  print(table.text());
}

// Vault's names where Vault has one.
void show_json(const Status& s) {
  SecretBytes out;
  json::Writer w(out);
  w.begin_object();
  w.key("initialized").boolean(s.initialized);
  w.key("sealed").boolean(s.sealed);
  w.key("type").string(s.seal_type);
  w.key("n").unsigned_integer(s.shares);
  w.key("t").unsigned_integer(s.threshold);
  w.key("progress").unsigned_integer(s.progress);
  w.key("nonce").string(s.nonce);
  w.key("version").string(s.version);
  w.key("storage_type").string(s.storage_type);
  w.key("cluster_name").string(s.cluster_name);
  w.key("cluster_id").string(s.cluster_id);
  w.key("ha_enabled").boolean(s.ha_enabled);
  w.key("leader_address").string(s.leader_address);
  w.key("server_time").string(to_rfc3339_nano(s.server_time));
  w.end_object();
  print_json(out);
}

}  // namespace

Result<Exit> show_status(ApiClient& client, bool json) {
  COFFER_ASSIGN(const auto status, read_status(client));
  if (json)
    show_json(status);
  else
    show_table(client, status);
  return status.initialized && !status.sealed ? Exit::ok : Exit::attention;
}

}  // namespace coffer::cli
