// What auditors see of an event: every field, but of sealed values only the length.
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "events/json/json_value.h"
#include "tests/codec/generators.h"
#include "tests/codec/samples.h"

namespace coffer::codec {
namespace {

std::string json_of(const AnyEvent& event) {
  const auto encoded = encode_event(event);
  auto json = event_to_json(encoded.head, encoded.body);
  REQUIRE(json.ok());
  return std::move(json).value();
}

TEST_CASE("events as JSON") {
  struct Row {
    AnyEvent event;
    std::string json;
  };
  const Row rows[] = {
      {secret::Event{secret::SecretCreated{samples::id<MountId>(0), "a/\"b\"", {1'000'000'000}}},
       R"({"mount":"000102030405060708090a0b0c0d0e0f","path":"a/\"b\"",)"
       R"("created_time":"1970-01-01T00:00:01Z"})"},
      {secret::Event{secret::SecretVersionsDestroyed{{1, 2}}}, R"({"versions":[1,2]})"},
      {secret::Event{secret::SecretVersionsDestroyed{}}, R"({"versions":[]})"},
      {secret::Event{secret::SecretMetadataChanged{}}, R"({"changed_time":null})"},
      {secret::Event{secret::SecretMetadataChanged{0, false, Seconds{-1}, {{{"k", "v"}}}, {}}},
       R"({"max_versions":0,"cas_required":false,"delete_version_after_s":-1,)"
       R"("custom_metadata":{"k":"v"},"changed_time":null})"},
      {tenant::Event{tenant::MountSettingsChanged{"kv/", {7, true, Seconds{60}}}},
       R"({"path":"kv/","settings":{"max_versions":7,"cas_required":true,)"
       R"("delete_version_after_s":60}})"},
      {token::Event{token::TokenUsed{UINT64_MAX}}, R"({"uses_left":18446744073709551615})"},
  };
  for (const auto& row : rows) CHECK(json_of(row.event) == row.json);
}

TEST_CASE("a sealed value is shown as its length only") {
  secret::SecretVersionWritten written;
  written.sealed_value = Bytes(1000, 'x');
  const auto json = json_of(secret::Event{written});
  CHECK(json.find(R"("sealed_value":{"sealed_bytes":1000})") != std::string::npos);
  CHECK(json.find("xxx") == std::string::npos);
  CHECK(json.find("787878") == std::string::npos);
}

TEST_CASE("text that is not UTF-8 is shown as hex") {
  struct Row {
    std::string name;
    std::string shown;
  };
  const Row rows[] = {
      {"\xCF\x80", "\"\xCF\x80\""},
      {"\xF0\x9F\x94\x91", "\"\xF0\x9F\x94\x91\""},
      {"\xFF", R"({"hex":"ff"})"},
      {"\x80", R"({"hex":"80"})"},
      {"a\xCF", R"({"hex":"61cf"})"},
      {"\xC0\xAF", R"({"hex":"c0af"})"},              // not the shortest form
      {"\xE0\x80\xAF", R"({"hex":"e080af"})"},        // not the shortest form
      {"\xED\xA0\x80", R"({"hex":"eda080"})"},        // a surrogate
      {"\xF0\x80\x80\xAF", R"({"hex":"f08080af"})"},  // not the shortest form
      {"\xF4\x90\x80\x80", R"({"hex":"f4908080"})"},  // above U+10FFFF
  };
  for (const auto& row : rows)
    CHECK(json_of(policy::Event{policy::PolicyRemoved{row.name}}) ==
          "{\"name\":" + row.shown + "}");
  CHECK(json_of(tenant::Event{tenant::TenantMetadataChanged{{{"\xFF", "v"}}}}) ==
        R"({"custom_metadata":[{"key":{"hex":"ff"},"value":"v"}]})");
}

TEST_CASE("property: whatever was stored, its JSON is well formed") {
  for (std::size_t aggregate = 0; aggregate < std::variant_size_v<AnyEvent>; ++aggregate)
    REQUIRE(rc::check("JSON of aggregate " + std::to_string(aggregate), [&] {
      const auto encoded = encode_event(random::event(aggregate));
      const auto json = event_to_json(encoded.head, encoded.body);
      RC_ASSERT(json.ok());
      const auto parsed = json::Document::parse(*json);
      RC_ASSERT(parsed.ok());
      RC_ASSERT(parsed->root().is_object());
    }));
}

}  // namespace
}  // namespace coffer::codec
