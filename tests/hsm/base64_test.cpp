#include <doctest/doctest.h>

#include "hsm/envelope_cipher.h"

namespace coffer::hsm {
namespace {

TEST_CASE("base64 encodes and decodes the examples of RFC 4648") {
  struct Row {
    const char* plain;
    const char* text;
  };
  const Row rows[] = {{"", ""},
                      {"f", "Zg=="},
                      {"fo", "Zm8="},
                      {"foo", "Zm9v"},
                      {"foob", "Zm9vYg=="},
                      {"fooba", "Zm9vYmE="},
                      {"foobar", "Zm9vYmFy"}};
  for (const auto& row : rows) {
    CAPTURE(row.plain);
    CHECK(base64_encode(as_bytes(row.plain)) == row.text);
    const auto decoded = base64_decode(row.text);
    REQUIRE(decoded.has_value());
    CHECK(decoded->expose_text() == row.plain);
  }
}

TEST_CASE("every byte value survives base64") {
  Bytes all(256);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::uint8_t>(i);
  for (std::size_t size = 0; size <= all.size(); ++size) {
    const BytesView part(all.data(), size);
    CHECK(base64_decode(base64_encode(part))->equals(part));
  }
}

TEST_CASE("base64 that is not canonical is refused") {
  for (const char* text : {"Z",     "Zg",     "Zg=",        "Zg===",    "=",       "==",
                           "===",   "====",   "Z===",       "Zm9v=",    "Zm9vYg=", "Zm 9",
                           " Zm9v", "Zm9v\n", "Zm9v\nYg==", "Zg==Zg==", "Z=g=",    "Zm9-",
                           "Zm9_",  "Zh==",   "Zm9=",       "Zm9\xe9",  "Zm8==",   "Zg=a"}) {
    CAPTURE(text);
    CHECK_FALSE(base64_decode(text).has_value());
  }
  CHECK_FALSE(base64_decode(std::string_view("Zm\0v", 4)).has_value());
}

}  // namespace
}  // namespace coffer::hsm
