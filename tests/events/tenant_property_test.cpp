// Random commands on a tenant: whatever is accepted keeps it sound.
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "events/tenant/tenant_decider.h"

namespace coffer::tenant {
namespace {

constexpr Timestamp kNow{1'790'000'000'000'000'000};

Command any_command() {
  const auto path = *rc::gen::element<std::string>("a", "a/", "a/b", "ab", "b", "sys", "", "a b");
  const auto span = [] {
    return *rc::gen::maybe(rc::gen::map(rc::gen::inRange(-1, 5), [](int n) { return Seconds{n}; }));
  };
  std::optional<Seconds> none;
  const auto to_optional = [&](const rc::Maybe<Seconds>& s) {
    return s ? std::optional(*s) : none;
  };
  MountTuning tuning;
  tuning.default_lease_ttl = to_optional(span());
  tuning.max_lease_ttl = to_optional(span());
  switch (*rc::gen::inRange(0, 12)) {
    case 0:
      return CreateTenant{{}, *rc::gen::element<std::string>("t", "sys"), {}};
    case 1:
      return ChangeTenantMetadata{*rc::gen::arbitrary<TextMap>()};
    case 2:
      return DeleteTenant{*rc::gen::inRange(0, 4) != 0};
    case 3:
    case 4:
      return TuneMount{path, tuning, {}};
    case 5:
    case 6:
      return DisableMount{path};
    case 7:
      return ChangeMountSettings{path, *rc::gen::inRange(0u, 3u), {}, to_optional(span())};
    default: {
      return EnableMount{MountId{{9}}, path, "kv", "1a2b3c4d", {{"version", "2"}}, tuning};
    }
  }
}

// Mounts stand under their own path, never nest, and their default TTL fits below their maximum.
bool is_sound(const TenantState& state) {
  for (const auto& [path, mount] : state.mounts) {
    if (path != mount.path || !path.ends_with('/')) return false;
    if (mount.max_lease_ttl.count != 0 && mount.default_lease_ttl > mount.max_lease_ttl)
      return false;
    for (const auto& [other, unused] : state.mounts)
      if (other != path && other.starts_with(path)) return false;
    const auto* found = state.find_mount(path + "data/x");
    if (found == nullptr || found->path != path) return false;
  }
  return true;
}

TEST_CASE(
    "property: accepted commands never corrupt a tenant, and its events replay to its state") {
  REQUIRE(rc::check([] {
    std::vector<Event> log = *decide({}, CreateTenant{{}, "team-a", {{"cost", "42"}}}, kNow);
    auto state = *evolve({}, log.front());
    for (int i = *rc::gen::inRange(0, 40); i > 0; --i) {
      const auto events = decide(state, any_command(), kNow);
      if (!events.ok()) {
        RC_ASSERT(is_callers_mistake(events.error().code));
        continue;
      }
      for (const auto& event : *events) {
        auto next = evolve(state, event);
        RC_ASSERT(next.ok());
        state = std::move(next).value();
        log.push_back(event);
      }
      RC_ASSERT(is_sound(state));
    }
    TenantState replayed;
    for (const auto& event : log) replayed = *evolve(replayed, event);
    RC_ASSERT(replayed == state);
  }));
}

}  // namespace
}  // namespace coffer::tenant
