// The rules of a tenant: its name, its mounts, their tuning and settings.
#include <doctest/doctest.h>

#include "events/tenant/tenant_decider.h"

namespace coffer::tenant {
namespace {

constexpr Timestamp kNow{1'790'000'000'000'000'000};
constexpr auto kBad = ErrorCode::invalid_argument;

TenantState apply(TenantState state, const Command& command) {
  auto events = decide(state, command, kNow);
  REQUIRE(events.ok());
  for (const auto& event : *events) {
    auto next = evolve(std::move(state), event);
    REQUIRE(next.ok());
    state = std::move(next).value();
  }
  return state;
}

TenantState tenant(std::string name = "team-a") {
  return apply({}, CreateTenant{{}, std::move(name), {{"cost", "42"}}});
}

EnableMount kv(std::string path, TextMap options = {{"version", "2"}}) {
  EnableMount command;
  command.id = MountId{{9}};
  command.path = std::move(path);
  command.type = "kv";
  command.accessor_suffix = "1a2b3c4d";
  command.options = std::move(options);
  return command;
}

TenantState with_mounts(std::initializer_list<const char*> paths) {
  auto state = tenant();
  for (const auto* path : paths) state = apply(std::move(state), kv(path));
  return state;
}

void check_refused(const TenantState& state, const Command& command, ErrorCode code,
                   const std::string& message) {
  CAPTURE(message);
  const auto events = decide(state, command, kNow);
  REQUIRE_FALSE(events.ok());
  CHECK(events.error() == fail(code, message));
}

TEST_CASE("a tenant is created once") {
  const auto state = tenant();
  CHECK(state.exists);
  CHECK(state.name == "team-a");
  CHECK(state.created_time == kNow);
  CHECK(state.custom_metadata == TextMap{{"cost", "42"}});
  check_refused(state, CreateTenant{}, ErrorCode::already_exists, "namespace already exists");
  CHECK(evolve(state, TenantCreated{}).error().code == ErrorCode::corrupt);
}

TEST_CASE("names of tenants") {
  const std::string characters = "namespace name holds a character that is not allowed";
  struct Row {
    std::string name;
    std::string message;
  };
  const Row rows[] = {
      {"team-a", ""},
      {"Team.A_1", ""},
      {"...", ""},
      {"systems", ""},
      {"\xC3\xA4", ""},
      {std::string(128, 'x'), ""},
      {std::string(129, 'x'), "namespace name must have 1 to 128 bytes"},
      {"", "namespace name must have 1 to 128 bytes"},
      {"a/b", "namespace name cannot contain /"},
      {"a/", "namespace name cannot contain /"},
      {"a b", characters},
      {"a+", characters},
      {"*", characters},
      {"a\n", characters},
      {"a\x7F", characters},
      {".", characters},
      {"..", characters},
      {"root", "\"root\" is a reserved path and cannot be used as a namespace"},
      {"sys", "\"sys\" is a reserved path and cannot be used as a namespace"},
      {"audit", "\"audit\" is a reserved path and cannot be used as a namespace"},
      {"auth", "\"auth\" is a reserved path and cannot be used as a namespace"},
      {"cubbyhole", "\"cubbyhole\" is a reserved path and cannot be used as a namespace"},
      {"identity", "\"identity\" is a reserved path and cannot be used as a namespace"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    const auto checked = check_tenant_name(row.name);
    CHECK(checked.ok() == row.message.empty());
    if (checked.ok()) continue;
    CHECK(checked.error() == fail(kBad, row.message));
    if (!row.name.empty()) check_refused({}, CreateTenant{{}, row.name, {}}, kBad, row.message);
  }
}

TEST_CASE("nothing can be done to a tenant that is not there, or no longer") {
  const auto deleted = apply(tenant(), DeleteTenant{});
  const Command commands[] = {ChangeTenantMetadata{}, DeleteTenant{},
                              kv("secret"),           TuneMount{"secret", {}, {}},
                              DisableMount{"secret"}, ChangeMountSettings{}};
  for (const auto& command : commands) {
    check_refused({}, command, ErrorCode::not_found, "namespace not found");
    check_refused(deleted, command, ErrorCode::not_found, "namespace not found");
  }
  check_refused(deleted, CreateTenant{}, ErrorCode::already_exists, "namespace already exists");
}

TEST_CASE("custom metadata is replaced, the same leaves no event") {
  const auto state = apply(tenant(), ChangeTenantMetadata{{{"a", "b"}}});
  CHECK(state.custom_metadata == TextMap{{"a", "b"}});
  CHECK(decide(state, ChangeTenantMetadata{{{"a", "b"}}}, kNow)->empty());
}

TEST_CASE("deleting a tenant") {
  check_refused(tenant(""), DeleteTenant{}, kBad, "the root namespace cannot be deleted");
  check_refused(tenant(), DeleteTenant{true}, kBad,
                "unable to delete namespace containing child namespaces");
  const auto deleted = apply(with_mounts({"secret"}), DeleteTenant{});
  CHECK(deleted.deleted);
  CHECK(deleted.mounts.empty());
  CHECK(evolve(deleted, TenantMetadataChanged{}).error().code == ErrorCode::corrupt);
}

TEST_CASE("enabling a mount") {
  auto command = kv("/team/kv");
  command.tuning = {"d", Seconds{10}, Seconds{20}, "unauth", true};
  command.local = true;
  command.seal_wrap = true;
  const auto state = apply(tenant(), command);
  const Mount expected{MountId{{9}},
                       "team/kv/",
                       "kv",
                       "kv_1a2b3c4d",
                       {{"version", "2"}},
                       "d",
                       Seconds{10},
                       Seconds{20},
                       "unauth",
                       true,
                       true,
                       true,
                       kNow,
                       {}};
  REQUIRE(state.mounts.size() == 1);
  CHECK(state.mounts.at("team/kv/") == expected);
}

TEST_CASE("types and versions of mounts") {
  struct Refused {
    std::string type;
    TextMap options;
    std::string message;
  };
  const Refused refused[] = {
      {"", {}, "backend type must be specified as a string"},
      {"pki", {{"version", "2"}}, "plugin not found in the catalog: pki"},
      {"kv", {{"version", "3"}}, "nil backend of type \"kv\" returned from factory"},
  };
  for (const auto& row : refused) {
    auto command = kv("secret", row.options);
    command.type = row.type;
    check_refused(tenant(), command, kBad, row.message);
  }
  struct Row {
    std::string type;
    TextMap options;
    std::string got_type;
    TextMap got_options;
    bool versioned;
  };
  const Row rows[] = {
      {"kv", {{"version", "2"}}, "kv", {{"version", "2"}}, true},
      {"kv-v2", {}, "kv", {{"version", "2"}}, true},
      {"kv-v2", {{"version", "1"}}, "kv", {{"version", "2"}}, true},
      {"kv", {}, "kv", {}, false},
      {"kv", {{"version", ""}}, "kv", {{"version", ""}}, false},
      {"kv", {{"version", "1"}, {"x", "y"}}, "kv", {{"version", "1"}, {"x", "y"}}, false},
      {"kv-v1", {{"version", "2"}}, "kv", {{"version", "1"}}, false},
      {"generic", {}, "generic", {}, false},
      {"generic", {{"version", "2"}}, "generic", {{"version", "2"}}, false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.type);
    auto command = kv("secret", row.options);
    command.type = row.type;
    const auto mount = apply(tenant(), command).mounts.at("secret/");
    CHECK(mount.type == row.got_type);
    CHECK(mount.accessor == row.got_type + "_1a2b3c4d");
    CHECK(mount.options == row.got_options);
    CHECK(mount.is_versioned() == row.versioned);
    // A secret of version 1 has one version.
    CHECK(mount.settings.max_versions == (row.versioned ? 0 : 1));
  }
}

TEST_CASE("paths of mounts") {
  const auto state = with_mounts({"secret", "team/kv"});
  const std::string characters = "mount path holds a character that is not allowed";
  struct Row {
    std::string path;
    std::string message;
  };
  const Row rows[] = {
      {"", "mount path must have 1 to 512 bytes"},
      {"/", "mount path must have 1 to 512 bytes"},
      {std::string(512, 'x'), "mount path must have 1 to 512 bytes"},
      {"sys", "cannot mount \"sys/\""},
      {"sys/x", "cannot mount \"sys/\""},
      {"/auth", "cannot mount \"auth/\""},
      {"cubbyhole/", "cannot mount \"cubbyhole/\""},
      {"identity/x/y", "cannot mount \"identity/\""},
      {"audit", "cannot mount \"audit/\""},
      {"a b", characters},
      {"a*", characters},
      {"a+", characters},
      {"a\x01", characters},
      {"a//b", characters},
      {"a//", characters},
      {"secret", "path is already in use at secret/"},
      {"secret/", "path is already in use at secret/"},
      {"secret/below", "path is already in use at secret/"},
      {"team", "path is already in use at team/kv/"},
      {"team/kv", "path is already in use at team/kv/"},
  };
  for (const auto& row : rows) check_refused(state, kv(row.path), kBad, row.message);
  for (const char* path : {"secrets", "secret-2", "team/kv2", "system", "author", "t"}) {
    CAPTURE(std::string(path));
    CHECK(decide(state, kv(path), kNow).ok());
  }
}

TEST_CASE("the number of mounts is bounded") {
  auto state = tenant();
  for (std::size_t i = 0; i < kMountsMax; ++i) {
    const auto path = "m" + std::to_string(i) + "/";
    state.mounts[path].path = path;
  }
  check_refused(state, kv("one-more"), ErrorCode::quota_exceeded, "at most 1000 mounts");
}

TEST_CASE("tuning that is refused, when enabling as when tuning") {
  struct Row {
    MountTuning tuning;
    std::string message;
  };
  const Row rows[] = {
      {{.description = {},
        .default_lease_ttl = {},
        .max_lease_ttl = {},
        .listing_visibility = "public",
        .force_no_cache = {}},
       "invalid listing_visibility type, must be \"unauth\" or \"hidden\""},
      {{.description = {},
        .default_lease_ttl = Seconds{-1},
        .max_lease_ttl = {},
        .listing_visibility = {},
        .force_no_cache = {}},
       "default_lease_ttl must not be negative"},
      {{.description = {},
        .default_lease_ttl = {},
        .max_lease_ttl = Seconds{-1},
        .listing_visibility = {},
        .force_no_cache = {}},
       "max_lease_ttl must not be negative"},
      {{.description = {},
        .default_lease_ttl = Seconds{20},
        .max_lease_ttl = Seconds{10},
        .listing_visibility = {},
        .force_no_cache = {}},
       "default_lease_ttl cannot be greater than max_lease_ttl"},
      {{.description = std::string(4097, 'x'),
        .default_lease_ttl = {},
        .max_lease_ttl = {},
        .listing_visibility = {},
        .force_no_cache = {}},
       "description is longer than 4096 bytes"},
  };
  for (const auto& row : rows) {
    auto enable = kv("secret");
    enable.tuning = row.tuning;
    check_refused(tenant(), enable, kBad, row.message);
    check_refused(with_mounts({"secret"}), TuneMount{"secret", row.tuning, {}}, kBad, row.message);
  }
}

TEST_CASE("tuning a mount changes what is given") {
  MountTuning first{"d", Seconds{10}, Seconds{20}, "unauth", true};
  auto state = apply(with_mounts({"secret"}), TuneMount{"secret", first, "2"});
  MountTuning second;
  second.description = "";
  second.default_lease_ttl = Seconds{15};
  state = apply(state, TuneMount{"secret/", second, {}});
  const auto& mount = state.mounts.at("secret/");
  CHECK(mount.description.empty());
  CHECK(mount.default_lease_ttl == Seconds{15});
  CHECK(mount.max_lease_ttl == Seconds{20});
  CHECK(mount.listing_visibility == "unauth");
  CHECK(mount.force_no_cache);
  CHECK(decide(state, TuneMount{"secret", {}, "2"}, kNow)->empty());
  // One of the two alone must still fit the other as it stands.
  MountTuning low;
  low.max_lease_ttl = Seconds{14};
  check_refused(state, TuneMount{"secret", low, {}}, kBad,
                "default_lease_ttl cannot be greater than max_lease_ttl");
  low.max_lease_ttl = Seconds{0};
  CHECK(apply(state, TuneMount{"secret", low, {}}).mounts.at("secret/").max_lease_ttl ==
        Seconds{0});
}

TEST_CASE("tuning that makes no sense for a mount") {
  const auto state = with_mounts({"secret"});
  check_refused(state, TuneMount{"nope", {}, {}}, kBad, "cannot fetch sysview for path \"nope\"");
  check_refused(state, TuneMount{"secret", {}, "1"}, kBad, "cannot downgrade mount from version 2");
  check_refused(state, TuneMount{"secret", {}, "x"}, kBad,
                "unable to convert version x to a supported one");
}

TEST_CASE("disabling a mount, also one that is not there") {
  const auto state = with_mounts({"secret"});
  CHECK(*decide(state, DisableMount{"secret"}, kNow) ==
        std::vector<Event>{MountDisabled{"secret/", MountId{{9}}}});
  CHECK(apply(state, DisableMount{"/secret/"}).mounts.empty());
  CHECK(decide(state, DisableMount{"nope"}, kNow)->empty());
  check_refused(state, DisableMount{"sys"}, kBad, "cannot unmount \"sys/\"");
  check_refused(state, DisableMount{"auth/"}, kBad, "cannot unmount \"auth/\"");
}

TEST_CASE("KV settings of a mount") {
  auto state =
      apply(with_mounts({"secret"}), ChangeMountSettings{"secret/", 20, true, Seconds{60}});
  CHECK(state.mounts.at("secret/").settings == secret::MountSettings{20, true, Seconds{60}});
  state = apply(state, ChangeMountSettings{"secret", {}, false, {}});
  CHECK(state.mounts.at("secret/").settings == secret::MountSettings{20, false, Seconds{60}});
  CHECK(decide(state, ChangeMountSettings{"secret/", 20, {}, {}}, kNow)->empty());
  check_refused(state, ChangeMountSettings{"nope/", 1, {}, {}}, ErrorCode::not_found,
                "no such mount");
}

TEST_CASE("the mount of a request's path") {
  const auto state = with_mounts({"secret", "secret-b", "a", "team/kv", "team/kv2"});
  struct Row {
    const char* path;
    const char* mount;
  };
  const Row rows[] = {
      {"secret/data/x", "secret/"},
      {"secret/", "secret/"},
      {"secret-b/data/x", "secret-b/"},
      {"a/b", "a/"},
      {"team/kv/data/x", "team/kv/"},
      {"team/kv2/x", "team/kv2/"},
      {"secret", nullptr},
      {"secretx/data", nullptr},
      {"team/", nullptr},
      {"team/kv3/x", nullptr},
      {"", nullptr},
      {"zzz/x", nullptr},
      {"/secret/x", nullptr},
  };
  for (const auto& row : rows) {
    CAPTURE(std::string(row.path));
    const auto* found = state.find_mount(row.path);
    REQUIRE((found != nullptr) == (row.mount != nullptr));
    if (found != nullptr) CHECK(found->path == row.mount);
  }
  CHECK(is_builtin_mount("sys/mounts"));
  CHECK(is_builtin_mount("auth/token/create"));
  CHECK_FALSE(is_builtin_mount("secret/data/x"));
  CHECK_FALSE(is_builtin_mount("sys"));
}

TEST_CASE("events that do not fit are corrupt") {
  const auto state = with_mounts({"secret"});
  MountEnabled again;
  again.path = "secret/";
  const Event events[] = {again, MountTuned{"nope/", {}}, MountDisabled{"nope/", {}},
                          MountSettingsChanged{"nope/", {}}};
  for (const auto& event : events) {
    CHECK(evolve(state, event).error().code == ErrorCode::corrupt);
    CHECK(evolve({}, event).error().code == ErrorCode::corrupt);
  }
}

}  // namespace
}  // namespace coffer::tenant
