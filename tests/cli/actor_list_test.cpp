// Trees of actors and what they did between two samples.
#include <doctest/doctest.h>

#include <fmt/format.h>

#include "tools/coffer/actor_list.h"

namespace coffer::cli {
namespace {

Actor actor(std::uint64_t id, std::uint64_t parent, std::uint64_t busy_ns = 0,
            std::uint64_t processed = 0) {
  Actor out;
  out.id = id;
  out.parent = parent;
  out.busy_ns = busy_ns;
  out.processed = processed;
  return out;
}

std::string drawn(const std::vector<Actor>& actors) {
  std::string out;
  for (const auto& node : actor_tree(actors))
    out += fmt::format("{}{}@{}\n", node.branch, node.actor->id, node.depth);
  return out;
}

TEST_CASE("trees") {
  struct Row {
    std::string name;
    std::vector<Actor> actors;
    std::string tree;
  };
  const Row rows[] = {
      {"none", {}, ""},
      {"one", {actor(1, 0)}, "1@0\n"},
      {"two levels",
       {actor(1, 0), actor(2, 1), actor(3, 1), actor(4, 2), actor(5, 2), actor(6, 3)},
       "1@0\n├─ 2@1\n│  ├─ 4@2\n│  └─ 5@2\n└─ 3@1\n   └─ 6@2\n"},
      {"parent gone", {actor(2, 1), actor(3, 2), actor(4, 0)}, "2@0\n└─ 3@1\n4@0\n"},
      {"own parent", {actor(1, 1), actor(2, 1)}, "1@0\n└─ 2@1\n"},
      {"circle", {actor(1, 2), actor(2, 1), actor(3, 0)}, "3@0\n1@0\n└─ 2@1\n"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    CHECK(drawn(row.actors) == row.tree);
  }
}

TEST_CASE("a very deep tree is drawn, and narrowly") {
  std::vector<Actor> actors;
  for (std::uint64_t i = 1; i <= 100'000; ++i) actors.push_back(actor(i, i - 1));
  const auto tree = actor_tree(actors);
  REQUIRE(tree.size() == actors.size());
  CHECK(tree.back().depth == 99'999);
  CHECK(tree.back().branch.size() < 200);
}

TEST_CASE("rates, the busiest first") {
  const std::vector<Actor> before = {actor(1, 0, 100, 10), actor(2, 1, 500, 50),
                                     actor(4, 1, 900, 90)};
  const std::vector<Actor> after = {actor(1, 0, 150, 12), actor(2, 1, 700, 50),
                                    actor(3, 1, 60, 6),   // new
                                    actor(4, 1, 20, 2)};  // started anew
  const auto rates = actor_rates(before, after);
  REQUIRE(rates.size() == 4);
  struct Row {
    std::uint64_t id;
    std::uint64_t busy_ns;
    std::uint64_t messages;
  };
  const Row rows[] = {{2, 200, 0}, {3, 60, 6}, {1, 50, 2}, {4, 20, 2}};
  for (std::size_t i = 0; i < rates.size(); ++i) {
    CHECK(rates[i].actor->id == rows[i].id);
    CHECK(rates[i].busy_ns == rows[i].busy_ns);
    CHECK(rates[i].messages == rows[i].messages);
  }
}

TEST_CASE("lists of actors") {
  const auto parse = [](std::string_view text) {
    const auto document = json::Document::parse(text);
    REQUIRE(document.ok());
    return parse_actors(document->root());
  };
  const auto actors =
      parse(R"({"actors":[{"id":7,"parent":1,"kind":"secret","tenant":"a/","name":"n","mailbox":1,)"
            R"("processed":2,"busy_ns":3,"state":"running","last_error":""},)"
            R"({"id":1,"parent":0,"kind":"system","tenant":"","name":"","mailbox":0,)"
            R"("processed":0,"busy_ns":0,"state":"running","last_error":"e"}]})");
  REQUIRE(actors.ok());
  REQUIRE(actors->size() == 2);
  CHECK(actors->front().kind == "system");
  CHECK(actors->back().busy_ns == 3);
  CHECK(parse("{}").error().message == "the server's answer has no list of actors");
  CHECK(parse(R"({"actors":[{"id":7}]})").error().message ==
        "the server's list of actors is broken: parent is missing");
}

}  // namespace
}  // namespace coffer::cli
