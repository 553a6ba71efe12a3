#include "tools/coffer/actors_command.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include <fmt/format.h>

#include "hsm/system_clock.h"
#include "tools/coffer/actor_list.h"
#include "tools/coffer/table.h"

namespace coffer::cli {
namespace {

Result<std::vector<Actor>> list_actors(ApiClient& client) {
  COFFER_ASSIGN(const auto answer, client.ask_root("sys/actors"));
  return parse_actors(*answer.data);
}

json::Writer& write_members(json::Writer& w, const Actor& actor) {
  w.key("id").unsigned_integer(actor.id);
  w.key("parent").unsigned_integer(actor.parent);
  w.key("kind").string(actor.kind);
  w.key("tenant").string(actor.tenant);
  w.key("name").string(actor.name);
  w.key("state").string(actor.state);
  w.key("mailbox").unsigned_integer(actor.mailbox);
  w.key("processed").unsigned_integer(actor.processed);
  w.key("busy_ns").unsigned_integer(actor.busy_ns);
  w.key("last_error").string(actor.last_error);
  return w;
}

// ------------------------------------------------------------------------------ tree
// Flat, with the depth of each: nested objects would have no bound.
void show_tree_json(const std::vector<TreeNode>& tree) {
  SecretBytes out;
  json::Writer w(out);
  w.begin_object().key("actors").begin_array();
  for (const auto& node : tree)
    write_members(w.begin_object().key("depth").unsigned_integer(node.depth), *node.actor)
        .end_object();
  w.end_array().end_object();
  print_json(out);
}

void show_tree_table(const std::vector<TreeNode>& tree) {
  Table table({{"ACTOR"},
               {"ID", Align::right},
               {"TENANT"},
               {"NAME"},
               {"STATE"},
               {"MAILBOX", Align::right},
               {"PROCESSED", Align::right},
               {"BUSY", Align::right},
               {"LAST ERROR"}});
  for (const auto& [actor, depth, branch] : tree)
    table.add({branch + actor->kind, std::to_string(actor->id), actor->tenant, actor->name,
               actor->state, std::to_string(actor->mailbox), std::to_string(actor->processed),
               short_duration(actor->busy_ns), actor->last_error});
  print(table.text());
}

// ------------------------------------------------------------------------------ top
struct Sample {
  std::vector<Actor> actors;
  std::int64_t taken_ns = 0;
};

Result<Sample> take_sample(ApiClient& client) {
  COFFER_ASSIGN(auto actors, list_actors(client));
  return Sample{std::move(actors), hsm::SystemClock().monotonic_ns()};
}

double per_second(std::uint64_t amount, double seconds) {
  return static_cast<double>(amount) / seconds;
}

void show_rates_json(const std::vector<ActorRate>& rates, double seconds) {
  SecretBytes out;
  json::Writer w(out);
  w.begin_object().key("interval_s").raw(fmt::format("{:.3f}", seconds));
  w.key("actors").begin_array();
  for (const auto& rate : rates) {
    write_members(w.begin_object(), *rate.actor);
    w.key("busy_ns_per_s").raw(fmt::format("{:.0f}", per_second(rate.busy_ns, seconds)));
    w.key("messages_per_s").raw(fmt::format("{:.1f}", per_second(rate.messages, seconds)));
    w.end_object();
  }
  w.end_array().end_object();
  print_json(out);
}

void show_rates_table(const std::vector<ActorRate>& rates, std::size_t all, double seconds) {
  Table table({{"ID", Align::right},
               {"KIND"},
               {"TENANT"},
               {"NAME"},
               {"STATE"},
               {"MAILBOX", Align::right},
               {"BUSY", Align::right},
               {"MSG/S", Align::right},
               {"PROCESSED", Align::right},
               {"LAST ERROR"}});
  for (const auto& rate : rates) {
    const auto& actor = *rate.actor;
    table.add({std::to_string(actor.id), actor.kind, actor.tenant, actor.name, actor.state,
               std::to_string(actor.mailbox),
               fmt::format("{:.1f}%", per_second(rate.busy_ns, seconds) / 1e7),
               fmt::format("{:.1f}", per_second(rate.messages, seconds)),
               std::to_string(actor.processed), actor.last_error});
  }
  print(fmt::format("{} actors, the {} busiest over {:.1f} s\n", all, rates.size(), seconds));
  print(table.text());
}

void show_rates(const Sample& before, const Sample& after, const TopOptions& options, bool json) {
  const auto seconds =
      static_cast<double>(std::max<std::int64_t>(1, after.taken_ns - before.taken_ns)) / 1e9;
  auto rates = actor_rates(before.actors, after.actors);
  if (options.rows > 0 && rates.size() > options.rows) rates.resize(options.rows);
  if (json)
    show_rates_json(rates, seconds);
  else
    show_rates_table(rates, after.actors.size(), seconds);
}

}  // namespace

Result<Exit> show_actor_tree(ApiClient& client, bool json) {
  COFFER_ASSIGN(const auto actors, list_actors(client));
  const auto tree = actor_tree(actors);
  if (json)
    show_tree_json(tree);
  else
    show_tree_table(tree);
  return Exit::ok;
}

Result<Exit> show_busiest_actors(ApiClient& client, const TopOptions& options, bool json) {
  const bool redraw = !json && options.count != 1 && on_terminal();
  COFFER_ASSIGN(auto before, take_sample(client));
  for (std::uint64_t shown = 0; options.count == 0 || shown < options.count; ++shown) {
    std::this_thread::sleep_for(std::chrono::duration<double>(options.interval_s));
    COFFER_ASSIGN(auto after, take_sample(client));
    if (redraw)
      print("\x1b[H\x1b[2J");
    else if (!json && shown > 0)
      print("\n");
    show_rates(before, after, options, json);
    if (!flush_output()) return Exit::failure;
    before = std::move(after);
  }
  return Exit::ok;
}

Result<Exit> show_actor(ApiClient& client, std::uint64_t id, bool json) {
  COFFER_ASSIGN(const auto actors, list_actors(client));
  const auto found =
      std::find_if(actors.begin(), actors.end(), [&](const Actor& a) { return a.id == id; });
  if (found == actors.end())
    return fail(ErrorCode::not_found,
                fmt::format("there is no actor {}; idle ones are put to sleep", id));
  if (json) {
    SecretBytes out;
    json::Writer w(out);
    write_members(w.begin_object(), *found).end_object();
    print_json(out);
    return Exit::ok;
  }
  Table table({{"KEY"}, {"VALUE"}});
  table.add({"id", std::to_string(found->id)});
  table.add({"parent", found->parent == 0 ? "none" : std::to_string(found->parent)});
  table.add(
      {"children", std::to_string(std::count_if(actors.begin(), actors.end(),
                                                [&](const Actor& a) { return a.parent == id; }))});
  table.add({"kind", found->kind});
  table.add({"tenant", found->tenant});
  table.add({"name", found->name});
  table.add({"state", found->state});
  table.add({"mailbox", std::to_string(found->mailbox)});
  table.add({"processed", std::to_string(found->processed)});
  table.add({"busy", short_duration(found->busy_ns)});
  table.add({"last error", found->last_error});
  print(table.text());
  return Exit::ok;
}

}  // namespace coffer::cli
