#include "events/base/secret_bytes.h"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <type_traits>

using namespace coffer;

static_assert(!std::is_copy_constructible_v<SecretBytes>);
static_assert(!std::is_copy_assignable_v<SecretBytes>);
static_assert(std::is_nothrow_move_constructible_v<SecretBytes>);
static_assert(std::is_nothrow_move_assignable_v<SecretBytes>);

namespace {

bool all_zero(const std::uint8_t* data, std::size_t size) {
  return std::all_of(data, data + size, [](std::uint8_t byte) { return byte == 0; });
}

}  // namespace

TEST_CASE("sized construction is zero-filled") {
  const SecretBytes bytes(std::size_t{5});
  CHECK(bytes.size() == 5);
  CHECK(all_zero(bytes.expose().data(), 5));
  CHECK(SecretBytes(std::size_t{0}).empty());
}

TEST_CASE("truncate wipes the part that is cut") {
  SecretBytes bytes(std::string_view("top secret"));
  const auto* memory = bytes.expose().data();
  bytes.truncate(3);
  CHECK(bytes.expose_text() == "top");
  CHECK(bytes.expose().data() == memory);
  CHECK(all_zero(memory + 3, 7));
  bytes.truncate(100);
  CHECK(bytes.expose_text() == "top");
}

TEST_CASE("wipe empties and overwrites, and the object stays usable") {
  SecretBytes bytes(std::string_view("top secret"));
  const auto* memory = bytes.expose().data();
  bytes.wipe();
  CHECK(bytes.empty());
  CHECK(all_zero(memory, 10));
  bytes.append("new");
  CHECK(bytes.expose_text() == "new");
}

TEST_CASE("moving hands over the memory and leaves nothing behind") {
  SecretBytes source(std::string_view("value"));
  const auto* memory = source.expose().data();
  SecretBytes target(std::move(source));
  CHECK(target.expose().data() == memory);
  CHECK(target.expose_text() == "value");
  CHECK(source.empty());  // NOLINT: the moved-from state is what is tested
  SecretBytes other(std::string_view("old"));
  other = std::move(target);
  CHECK(other.expose_text() == "value");
  CHECK(target.empty());  // NOLINT: as above
  source.append("again");
  CHECK(source.expose_text() == "again");
}

TEST_CASE("moving onto itself changes nothing") {
  SecretBytes bytes(std::string_view("value"));
  auto& alias = bytes;
  bytes = std::move(alias);
  CHECK(bytes.expose_text() == "value");
}

TEST_CASE("a clone is a copy of its own") {
  SecretBytes bytes(std::string_view("value"));
  auto copy = bytes.clone();
  bytes.wipe();
  CHECK(copy.expose_text() == "value");
}

TEST_CASE("equality compares size and content") {
  const SecretBytes bytes(std::string_view("value"));
  CHECK(bytes.equals(as_bytes("value")));
  CHECK_FALSE(bytes.equals(as_bytes("valuE")));
  CHECK_FALSE(bytes.equals(as_bytes("Value")));
  CHECK_FALSE(bytes.equals(as_bytes("valu")));
  CHECK_FALSE(bytes.equals(as_bytes("values")));
  CHECK_FALSE(bytes.equals({}));
  CHECK(SecretBytes().equals({}));
}

TEST_CASE("property: appending behaves like a string") {
  REQUIRE(rc::check("append, reserve and truncate follow a model", [] {
    SecretBytes bytes;
    std::string model;
    const auto parts = *rc::gen::arbitrary<std::vector<std::string>>();
    for (const auto& part : parts) {
      bytes.append(part);
      bytes.append('x');
      model += part + 'x';
      if (*rc::gen::arbitrary<bool>()) bytes.reserve(model.size() * 2);
      if (*rc::gen::arbitrary<bool>()) {
        model.resize(model.size() / 2);
        bytes.truncate(model.size());
      }
      RC_ASSERT(bytes.expose_text() == model);
      RC_ASSERT(bytes.equals(as_bytes(model)));
    }
  }));
}

TEST_CASE("property: constant-time equality is equality") {
  REQUIRE(rc::check("equal_constant_time(a, b) == (a == b)", [](const Bytes& a, Bytes b) {
    RC_ASSERT(equal_constant_time(a, b) == (a == b));
    b = a;
    RC_ASSERT(equal_constant_time(a, b));
    if (!b.empty()) {
      b[*rc::gen::inRange<std::size_t>(0, b.size())] ^= *rc::gen::inRange<std::uint8_t>(1, 255);
      RC_ASSERT(!equal_constant_time(a, b));
    }
  }));
}
