#include <doctest/doctest.h>

#include "events/secret/secret_decider.h"

using namespace coffer;
using namespace coffer::secret;

TEST_CASE("limits of custom metadata") {
  struct Limit {
    const char* name;
    CustomMetadata payload;
    const char* message;  // after the common prefix; null: accepted
  };
  const std::string k128(128, 'k');
  const std::string k129(129, 'k');
  std::string v513(511, 'v');
  v513 += "\xC3\xA9";
  const std::string too_long =
      "length of key \"" + k129 + "\" is 129 but must be 0 < len(key) <= 128";
  CustomMetadata most;
  for (int i = 0; i < 64; ++i) most["key" + std::to_string(i)] = "v";
  const Limit rows[] = {
      {"none", {}, nullptr},
      {"64 keys", most, nullptr},
      {"longest key and value", {{k128, std::string(512, 'v')}}, nullptr},
      {"letters of all scripts and spaces",
       {{"\xC3\xA9 \xE4\xB8\xAD", "\xF0\x9F\x94\x91 ok"}},
       nullptr},
      {"empty key", {{"", "v"}}, "length of key \"\" is 0 but must be 0 < len(key) <= 128"},
      {"key too long", {{k129, "v"}}, too_long.c_str()},
      {"empty value",
       {{"k", ""}},
       "length of value for key \"k\" is 0 but must be 0 < len(value) <= 512"},
      {"value too long",
       {{"k", std::string(513, 'v')}},
       "length of value for key \"k\" is 513 but must be 0 < len(value) <= 512"},
      {"length counts bytes",
       {{"k", v513}},
       "length of value for key \"k\" is 513 but must be 0 < len(value) <= 512"},
      {"control character in a key",
       {{"a\tb", "v"}},
       "key \"a\\tb\" (a\tb) contains unprintable characters"},
      {"control character in a value",
       {{"k", "a\x01"}},
       "value for key \"k\" contains unprintable characters"},
      {"no-break space",
       {{"k", "a\xC2\xA0"}},
       "value for key \"k\" contains unprintable characters"},
      {"zero-width space in a key",
       {{"a\xE2\x80\x8B", "v"}},
       "key \"a\\u200b\" (a\xE2\x80\x8B) contains unprintable characters"},
      {"tag character",
       {{"k", "\xF3\xA0\x81\x81"}},
       "value for key \"k\" contains unprintable characters"},
      {"broken UTF-8", {{"k", "a\xFF"}}, "value for key \"k\" contains unprintable characters"},
      {"overlong UTF-8",
       {{"k", "\xC0\x80"}},
       "value for key \"k\" contains unprintable characters"},
      {"surrogate", {{"k", "\xED\xA0\x80"}}, "value for key \"k\" contains unprintable characters"},
      {"cut UTF-8", {{"k", "\xE2\x98"}}, "value for key \"k\" contains unprintable characters"},
      {"quotes in a key are escaped",
       {{"a\"\\", ""}},
       "length of value for key \"a\\\"\\\\\" is 0 but must be 0 < len(value) <= 512"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    const auto result = check_custom_metadata(row.payload);
    CHECK(result.ok() == (row.message == nullptr));
    if (result.ok() || row.message == nullptr) continue;
    CHECK(result.error() == fail(ErrorCode::invalid_argument,
                                 std::string("custom_metadata validation failed: ") + row.message));
  }
  const auto huge = check_custom_metadata({{std::string(1'000'000, 'k'), "v"}});
  CHECK(huge.error().message.size() < 512);
}
