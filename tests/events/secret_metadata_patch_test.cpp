// Merge patches of custom metadata are decided against the state, not against what a client read.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "events/secret/secret_decider.h"

namespace coffer::secret {
namespace {

const Context kContext{Timestamp{1'000'000'000}, {}};

SecretState existing(CustomMetadata custom) {
  ChangeMetadata change;
  change.path = "app";
  change.custom_metadata = std::move(custom);
  auto events = decide({}, change, kContext);
  REQUIRE(events.ok());
  SecretState state;
  for (const auto& event : *events) {
    auto next = evolve(std::move(state), event);
    REQUIRE(next.ok());
    state = std::move(*next);
  }
  return state;
}

Result<SecretState> patched(SecretState state, CustomMetadataPatch patch) {
  ChangeMetadata change;
  change.path = "app";
  change.must_exist = true;
  change.custom_metadata_patch = std::move(patch);
  COFFER_ASSIGN(auto events, decide(state, change, kContext));
  for (const auto& event : events) {
    COFFER_ASSIGN(state, evolve(std::move(state), event));
  }
  return state;
}

TEST_CASE("two patches after one read both survive") {
  auto state = existing({{"owner", "a"}, {"old", "x"}});
  auto first = patched(state, {{{"team", "red"}}, {}});
  REQUIRE(first.ok());
  auto second = patched(*first, {{{"stage", "prod"}}, {"old"}});
  REQUIRE(second.ok());
  CHECK(second->custom_metadata ==
        CustomMetadata{{"owner", "a"}, {"stage", "prod"}, {"team", "red"}});
}

TEST_CASE("a patch is checked by itself and in sum") {
  auto state = existing({{"owner", "a"}});
  CHECK(patched(state, {{{"owner", ""}}, {}}).error().code == ErrorCode::invalid_argument);
  for (unsigned round = 0;; ++round) {
    CustomMetadataPatch patch;
    for (unsigned i = 0; i < 64; ++i) patch.set.emplace(fmt::format("k{}-{}", round, i), "v");
    auto next = patched(state, patch);
    if (!next.ok()) {
      CHECK(state.custom_metadata.size() + 64 > kCustomMetadataKeysMax);
      CHECK(next.error().message.starts_with("custom_metadata validation failed"));
      return;
    }
    REQUIRE(next->custom_metadata.size() <= kCustomMetadataKeysMax);
    state = std::move(*next);
  }
}

TEST_CASE("a patch of a secret that does not exist is refused") {
  CHECK(patched({}, {{{"owner", "a"}}, {}}).error().code == ErrorCode::not_found);
}

}  // namespace
}  // namespace coffer::secret
