#include <fmt/format.h>

#include "tools/coffer/chain_walk.h"
#include "tools/coffer/events_command.h"
#include "tools/coffer/json_fields.h"
#include "tools/coffer/table.h"

namespace coffer::cli {
namespace {

struct Report {
  std::uint64_t records = 0;
  std::string head_hash;
  std::optional<std::string> problem;
};

Result<Report> ask_server(ApiClient& client) {
  COFFER_ASSIGN(const auto answer, client.ask_namespace("sys/events/verify"));
  JsonFields::Fault fault;
  JsonFields in(*answer.data, fault);
  Report report;
  in.read("records", report.records);
  in.read("head_hash", report.head_hash);
  const auto* problem = answer.data->find("problem");
  if (problem != nullptr && !problem->is_null()) in.read("problem", report.problem);
  if (fault) return fail(ErrorCode::corrupt, "the server's report is broken: " + *fault);
  return report;
}

// What was written after the server had answered is checked too. Errors: the way to the server, not
// the chain; but once the server has found a problem, what follows from it is no error.
Result<Report> walk_here(const FetchPage& fetch, const Report& server) {
  ChainWalk walk;
  std::optional<std::string> problem;
  const auto walked = for_each_record(fetch, 1, {}, [&](const EventRecord& record) -> Result<bool> {
    if (!walk.add(record)) return false;
    if (walk.records() == server.records && walk.head_hash() != server.head_hash)
      problem = fmt::format("record {}: the server reports another hash for it", walk.records());
    return !problem;
  });
  if (!walked && walked.error().code != ErrorCode::corrupt && !server.problem)
    return walked.error();
  if (!walked)
    problem = "not all records could be read: " + walked.error().message;
  else if (walk.problem())
    problem = walk.problem();
  else if (!problem && walk.records() < server.records)
    problem = fmt::format("the server reports {} records, but only {} could be read",
                          server.records, walk.records());
  return Report{walk.records(), walk.head_hash(), problem};
}

void write(json::Writer& w, const Report& report) {
  w.begin_object().key("records").unsigned_integer(report.records);
  w.key("head_hash").string(report.head_hash).key("problem");
  if (report.problem)
    w.string(*report.problem);
  else
    w.null();
  w.end_object();
}

void show_json(const Report& server, const Report& client) {
  SecretBytes out;
  json::Writer w(out);
  w.begin_object().key("ok").boolean(!server.problem && !client.problem);
  write(w.key("server"), server);
  write(w.key("client"), client);
  w.end_object();
  print_json(out);
}

void show_table(const Report& server, const Report& client) {
  Table table({{"CHECKED BY"}, {"RECORDS", Align::right}, {"HASH OF THE LAST"}, {"PROBLEM"}});
  const auto add = [&](const char* name, const Report& report) {
    table.add(
        {name, std::to_string(report.records), report.head_hash, report.problem.value_or("none")});
  };
  add("server", server);
  add("coffer", client);
  print(table.text());
  print(server.problem || client.problem ? "The chain has a problem.\n" : "The chain holds.\n");
}

}  // namespace

Result<Exit> verify_events(ApiClient& client, bool json) {
  COFFER_ASSIGN(const auto server, ask_server(client));
  COFFER_ASSIGN(const auto here, walk_here(pages_of(client), server));
  if (json)
    show_json(server, here);
  else
    show_table(server, here);
  return server.problem || here.problem ? Exit::attention : Exit::ok;
}

}  // namespace coffer::cli
