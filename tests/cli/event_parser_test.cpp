// Event JSON back into events: everything but the sealed value comes back as it was stored.
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "events/codec/event_registry.h"
#include "events/json/json_value.h"
#include "tests/codec/generators.h"
#include "tools/coffer/event_parser.h"
#include "tools/coffer/json_fields.h"

namespace coffer::cli {
namespace {

Result<codec::AnyEvent> parse(std::string_view name, std::string_view text) {
  const auto document = json::Document::parse(text);
  REQUIRE(document.ok());
  return parse_event(name, document->root());
}

codec::AnyEvent without_sealed_value(codec::AnyEvent event) {
  if (auto* of_secret = std::get_if<secret::Event>(&event))
    if (auto* written = std::get_if<secret::SecretVersionWritten>(of_secret))
      written->sealed_value.clear();
  return event;
}

TEST_CASE("property: an event comes back from its JSON") {
  for (std::size_t aggregate = 0; aggregate < std::variant_size_v<codec::AnyEvent>; ++aggregate)
    REQUIRE(rc::check("aggregate " + std::to_string(aggregate), [&] {
      const auto event = codec::random::event(aggregate);
      const auto encoded = codec::encode_event(event);
      const auto text = codec::event_to_json(encoded.head, encoded.body);
      RC_ASSERT(text.ok());
      const auto document = json::Document::parse(*text);
      RC_ASSERT(document.ok());
      const auto parsed = parse_event(codec::event_name(encoded.head.type), document->root());
      RC_ASSERT(parsed.ok());
      RC_ASSERT(*parsed == without_sealed_value(event));
    }));
}

TEST_CASE("every event of the registry is known here, in its golden form") {
  for (const auto& row : codec::event_registry()) {
    CAPTURE(row.name);
    const auto path = std::filesystem::path(COFFER_SOURCE_DIR) / "tests/golden/events" /
                      std::string(row.name) / "v1.json";
    std::ifstream file(path);
    REQUIRE(file.good());
    std::stringstream text;
    text << file.rdbuf();
    const auto parsed = parse(row.name, text.str());
    REQUIRE(parsed.ok());
    CHECK(parsed->index() == row.aggregate);
    CHECK(std::visit([](const auto& e) { return e.index(); }, *parsed) == row.alternative);
  }
}

TEST_CASE("what is not an event's JSON is refused with the reason") {
  struct Row {
    std::string name;
    std::string text;
    std::string error;
  };
  const Row rows[] = {
      {"secret.renamed", "{}", "event secret.renamed is not known to coffer 0.1.0"},
      {"a\x1b[2J", "{}", "event a\\u001b[2J is not known to coffer 0.1.0"},
      {"secret.removed", "{}", "event secret.removed: removed_time is missing"},
      {"secret.removed", "null", "event secret.removed: removed_time is missing"},
      {"secret.removed", R"({"removed_time":12})",
       "event secret.removed: removed_time is not what it should be"},
      {"secret.removed", R"({"removed_time":"2026-13-01T00:00:00Z"})",
       "event secret.removed: removed_time is not what it should be"},
      {"secret.versions_destroyed", R"({"versions":[1,-2]})",
       "event secret.versions_destroyed: versions is not what it should be"},
      {"secret.versions_destroyed", R"({"versions":{}})",
       "event secret.versions_destroyed: versions is not what it should be"},
      {"secret.created", R"({"mount":"00","path":"a","created_time":null})",
       "event secret.created: mount is not what it should be"},
      {"token.used", R"({"uses_left":18446744073709551616})",
       "event token.used: uses_left is not what it should be"},
      {"token.used", R"({"uses_left":"8"})",
       "event token.used: uses_left is not what it should be"},
      {"policy.removed", R"({"name":{"hex":"f"}})",
       "event policy.removed: name is not what it should be"},
      {"tenant.metadata_changed", R"({"custom_metadata":7})",
       "event tenant.metadata_changed: custom_metadata is not what it should be"},
      {"tenant.metadata_changed", R"({"custom_metadata":[{"key":"a"}]})",
       "event tenant.metadata_changed: value is missing"},
      {"tenant.mount_tuned", R"({"path":"kv/","tuning":1})",
       "event tenant.mount_tuned: tuning is not what it should be"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    const auto parsed = parse(row.name, row.text);
    REQUIRE_FALSE(parsed.ok());
    CHECK(parsed.error().message == row.error);
  }
}

TEST_CASE("times") {
  struct Row {
    std::string text;
    std::optional<std::int64_t> ns;
  };
  const Row rows[] = {
      {"1970-01-01T00:00:00Z", 0},
      {"1970-01-01T00:00:01Z", 1'000'000'000},
      {"1970-01-01T00:00:00.5Z", 500'000'000},
      {"1970-01-01T00:00:00.000000001Z", 1},
      {"1969-12-31T23:59:59.999999999Z", -1},
      {"2026-09-21T14:13:20.123456789Z", 1'790'000'000'123'456'789},
      {"2262-04-11T23:47:16.854775807Z", INT64_MAX},
      {"2262-04-11T23:47:16.854775808Z", std::nullopt},
      {"1677-09-21T00:12:43.145224192Z", INT64_MIN},
      {"1677-09-21T00:12:43.145224191Z", std::nullopt},
      {"2026-02-29T00:00:00Z", std::nullopt},
      {"2026-01-01T24:00:00Z", std::nullopt},
      {"2026-01-01T00:60:00Z", std::nullopt},
      {"2026-01-01T00:00:60Z", std::nullopt},
      {"2026-01-01T00:00:00", std::nullopt},
      {"2026-01-01T00:00:00+00:00", std::nullopt},
      {"2026-01-01T00:00:00.Z", std::nullopt},
      {"2026-01-01T00:00:00.1234567890Z", std::nullopt},
      {"2026-01-01T00:00:00,5Z", std::nullopt},
      {"2026-01-01 00:00:00Z", std::nullopt},
      {"+026-01-01T00:00:00Z", std::nullopt},
      {"Z", std::nullopt},
      {"", std::nullopt},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    const auto time = parse_rfc3339(row.text);
    CHECK(time.has_value() == row.ns.has_value());
    if (time && row.ns) CHECK(time->ns == *row.ns);
  }
}

}  // namespace
}  // namespace coffer::cli
