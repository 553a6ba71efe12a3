#include "tools/coffer/key_command.h"

#include <fmt/format.h>

#include "tools/coffer/json_fields.h"
#include "tools/coffer/table.h"

namespace coffer::cli {
namespace {

struct Rotation {
  std::string state;
  std::uint64_t from_term = 0;
  Timestamp started;
  Timestamp finished;
  std::uint64_t rewrapped = 0;
  std::optional<std::uint64_t> total;
  std::optional<std::string> problem;
};

struct Key {
  std::uint64_t term = 0;
  Timestamp install_time;
  std::uint64_t encryptions = 0;
  std::optional<Rotation> rotation;
};

Result<Key> read_key(const json::Value& data) {
  Key key;
  JsonFields::Fault fault;
  JsonFields in(data, fault);
  in.read("term", key.term);
  in.read("install_time", key.install_time);
  in.read("encryptions", key.encryptions);
  if (in.has("rotation")) {
    auto& rotation = key.rotation.emplace();
    auto inner = in.object("rotation");
    inner.read("state", rotation.state);
    inner.read("from_term", rotation.from_term);
    inner.read("started", rotation.started);
    inner.read("finished", rotation.finished);
    inner.read("rewrapped", rotation.rewrapped);
    inner.read("problem", rotation.problem);
    const auto* total = data.find("rotation")->find("total");
    if (total != nullptr && !total->is_null()) inner.read("total", rotation.total.emplace());
  }
  if (fault) return fail(ErrorCode::internal, "the server's key status is broken: " + *fault);
  return key;
}

std::string time_text(Timestamp time) {
  return time.is_set() ? to_rfc3339_nano(time) : std::string{};
}

void show_table(const Key& key) {
  Table table({{"KEY"}, {"VALUE"}});
  table.add({"term", std::to_string(key.term)});
  table.add({"installed", time_text(key.install_time)});
  table.add({"encryptions", std::to_string(key.encryptions)});
  table.add({"rotation", key.rotation ? key.rotation->state : "none yet"});
  if (key.rotation) {
    const auto& rotation = *key.rotation;
    table.add({"from term", std::to_string(rotation.from_term)});
    table.add({"re-wrapped", fmt::format("{} of {}", rotation.rewrapped,
                                         rotation.total ? std::to_string(*rotation.total)
                                                        : std::string("(not counted yet)"))});
    table.add({"started", time_text(rotation.started)});
    table.add({"finished", time_text(rotation.finished)});
    if (rotation.problem) table.add({"problem", *rotation.problem});
  }
  print(table.text());
}

// The server's names.
void show_json(const Key& key) {
  SecretBytes out;
  json::Writer w(out);
  const auto time = [&](std::string_view name, Timestamp at) {
    w.key(name);
    at.is_set() ? w.string(to_rfc3339_nano(at)) : w.null();
  };
  w.begin_object();
  w.key("term").unsigned_integer(key.term);
  time("install_time", key.install_time);
  w.key("encryptions").unsigned_integer(key.encryptions);
  if (key.rotation) {
    const auto& rotation = *key.rotation;
    w.key("rotation").begin_object().key("state").string(rotation.state);
    w.key("from_term").unsigned_integer(rotation.from_term);
    time("started", rotation.started);
    time("finished", rotation.finished);
    w.key("rewrapped").unsigned_integer(rotation.rewrapped);
    w.key("total");
    rotation.total ? w.unsigned_integer(*rotation.total) : w.null();
    if (rotation.problem) w.key("problem").string(*rotation.problem);
    w.end_object();
  }
  w.end_object();
  print_json(out);
}

}  // namespace

Result<Exit> show_key(ApiClient& client, bool json) {
  COFFER_ASSIGN(const auto answer, client.ask_namespace("sys/key-status"));
  COFFER_ASSIGN(const auto key, read_key(*answer.data));
  if (json)
    show_json(key);
  else
    show_table(key);
  return key.rotation && key.rotation->problem ? Exit::attention : Exit::ok;
}

}  // namespace coffer::cli
