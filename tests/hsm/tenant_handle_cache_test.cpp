#include "hsm/tenant_handle_cache.h"

#include <doctest/doctest.h>

namespace coffer::hsm {
namespace {

KeyId id_of(std::uint8_t value) {
  KeyId id;
  id.bytes[15] = value;
  return id;
}

TEST_CASE("the tenant key used least recently leaves first and is handed back") {
  TenantHandleCache cache(2);
  CHECK_FALSE(cache.insert(id_of(1), {11, {}}).has_value());
  CHECK_FALSE(cache.insert(id_of(2), {22, {}}).has_value());
  REQUIRE(cache.find(id_of(1)) != nullptr);
  const auto evicted = cache.insert(id_of(3), {33, {}});
  REQUIRE(evicted.has_value());
  CHECK(evicted->handle == 22);
  CHECK(cache.find(id_of(2)) == nullptr);
  CHECK(cache.find(id_of(1))->handle == 11);
  CHECK(cache.size() == 2);
}

TEST_CASE("remove hands the key back once") {
  TenantHandleCache cache(2);
  cache.insert(id_of(1), {11, {1, 2}});
  CHECK(cache.remove(id_of(1))->canary == Bytes{1, 2});
  CHECK_FALSE(cache.remove(id_of(1)).has_value());
  cache.insert(id_of(2), {22, {}});
  cache.clear();
  CHECK(cache.find(id_of(2)) == nullptr);
  CHECK(cache.size() == 0);
}

}  // namespace
}  // namespace coffer::hsm
