// The named policies of a tenant.
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "events/policy/policy_set.h"

namespace coffer::policy {
namespace {

constexpr Timestamp kNow{1'790'000'000'000'000'000};
const std::string kText = "path \"secret/*\" { capabilities = [\"read\"] }";

PolicySet with(std::map<std::string, std::string> texts) {
  return {std::move(texts)};
}

TEST_CASE("writing a policy") {
  struct Row {
    std::string name;
    std::string stored;
  };
  const Row rows[] = {{"reader", "reader"},
                      {"Team-A/Reader", "team-a/reader"},
                      {"default", "default"},
                      {std::string(256, 'x'), std::string(256, 'x')}};
  for (const auto& row : rows) {
    const auto events = decide({}, WritePolicy{row.name, kText}, kNow);
    REQUIRE(events.ok());
    CHECK(*events == std::vector<Event>{PolicyWritten{row.stored, kText, kNow}});
    CHECK(*evolve({}, events->front()) == with({{row.stored, kText}}));
  }
}

TEST_CASE("writing a policy again replaces its text") {
  const auto events = decide(with({{"reader", "old"}}), WritePolicy{"READER", kText}, kNow);
  REQUIRE(events.ok());
  CHECK(*evolve(with({{"reader", "old"}}), events->front()) == with({{"reader", kText}}));
}

TEST_CASE("policies that cannot be written or removed") {
  struct Row {
    Command command;
    std::string message;
  };
  const Row rows[] = {
      {WritePolicy{"root", kText}, "cannot update \"root\" policy"},
      {WritePolicy{"ROOT", kText}, "cannot update \"root\" policy"},
      {WritePolicy{"response-wrapping", kText}, "cannot update \"response-wrapping\" policy"},
      {WritePolicy{"", kText}, "policy name must have 1 to 256 bytes"},
      {WritePolicy{std::string(257, 'x'), kText}, "policy name must have 1 to 256 bytes"},
      {WritePolicy{"reader", ""}, "'policy' parameter not supplied or empty"},
      {RemovePolicy{"root"}, "cannot delete \"root\" policy"},
      {RemovePolicy{"Root"}, "cannot delete \"root\" policy"},
      {RemovePolicy{"default"}, "cannot delete default policy"},
      {RemovePolicy{"response-wrapping"}, "cannot delete \"response-wrapping\" policy"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.message);
    const auto events = decide(with({{"default", kText}}), row.command, kNow);
    REQUIRE_FALSE(events.ok());
    CHECK(events.error() == fail(ErrorCode::invalid_argument, row.message));
  }
}

TEST_CASE("a text that is no policy is refused with the parser's reason") {
  const auto events = decide({}, WritePolicy{"reader", "path \"a\" {"}, kNow);
  REQUIRE_FALSE(events.ok());
  CHECK(events.error().code == ErrorCode::invalid_argument);
  CHECK(events.error().message.starts_with("failed to parse policy: "));
}

TEST_CASE("removing a policy, whatever case its name is written in") {
  const auto state = with({{"reader", kText}});
  const auto events = decide(state, RemovePolicy{"Reader"}, kNow);
  REQUIRE(events.ok());
  CHECK(*events == std::vector<Event>{PolicyRemoved{"reader"}});
  CHECK(*evolve(state, events->front()) == PolicySet{});
  CHECK(decide({}, RemovePolicy{"reader"}, kNow)->empty());
  CHECK(evolve({}, PolicyRemoved{"reader"}).error().code == ErrorCode::corrupt);
}

TEST_CASE("the number of policies is bounded, replacing one is not") {
  PolicySet full;
  for (std::size_t i = 0; i < kPoliciesMax; ++i) full.texts.emplace("p" + std::to_string(i), kText);
  CHECK(decide(full, WritePolicy{"one-more", kText}, kNow).error().code ==
        ErrorCode::quota_exceeded);
  CHECK(decide(full, WritePolicy{"p7", kText}, kNow).ok());
}

TEST_CASE("property: accepted commands always evolve, and replaying their events gives the state") {
  REQUIRE(rc::check([] {
    PolicySet state;
    std::vector<Event> log;
    for (int i = *rc::gen::inRange(0, 30); i > 0; --i) {
      const auto name = *rc::gen::element<std::string>("a", "A", "b", "default", "root", "");
      const auto text = *rc::gen::element<std::string>(std::string(kText), "", "nonsense {");
      const auto command = *rc::gen::arbitrary<bool>() ? Command{WritePolicy{name, text}}
                                                       : Command{RemovePolicy{name}};
      const auto events = decide(state, command, kNow);
      if (!events.ok()) continue;
      for (const auto& event : *events) {
        const auto next = evolve(state, event);
        RC_ASSERT(next.ok());
        state = *next;
        log.push_back(event);
      }
      RC_ASSERT(!state.texts.contains("root"));
    }
    PolicySet replayed;
    for (const auto& event : log) replayed = *evolve(replayed, event);
    RC_ASSERT(replayed == state);
  }));
}

}  // namespace
}  // namespace coffer::policy
