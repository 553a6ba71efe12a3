#include "hsm/data_key_cache.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "events/base/secret_bytes.h"
#include "hsm/system_random.h"
#include "tests/support/manual_clock.h"

namespace coffer::hsm {
namespace {

using namespace std::chrono_literals;

Bytes key_of(std::uint8_t value) {
  return Bytes(32, value);
}

KeyId id_of(std::uint8_t value) {
  KeyId id;
  id.bytes[0] = value;
  return id;
}

bool is_wiped(BytesView bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](auto byte) { return byte == 0; });
}

struct Fixture {
  explicit Fixture(std::size_t entries_max, std::size_t slots = 64)
      : arena(LockedArena::create(slots, warning)), cache(arena, clock, {entries_max, 300s}) {}

  void insert(std::uint8_t value) { REQUIRE(cache.insert(id_of(value), key_of(value)).ok()); }

  std::string warning;
  std::shared_ptr<LockedArena> arena;
  testing::ManualClock clock;
  DataKeyCache cache;
};

TEST_CASE("an arena gives back what was stored and wipes it with the last handle") {
  std::string warning = "from before";
  auto arena = LockedArena::create(2, warning);
  CHECK(warning.empty());
  auto handle = std::move(arena->store(key_of(7))).value();
  const auto bytes = handle->bytes();
  CHECK(std::ranges::equal(bytes, key_of(7)));
  auto second = handle;
  handle.reset();
  CHECK(std::ranges::equal(bytes, key_of(7)));
  second.reset();
  CHECK(is_wiped(bytes));  // the memory itself belongs to the arena
}

TEST_CASE("a full arena is unavailable until a slot is free") {
  std::string warning;
  auto arena = LockedArena::create(2, warning);
  auto first = arena->store(key_of(1));
  auto second = arena->store(key_of(2));
  REQUIRE(first.ok());
  REQUIRE(second.ok());
  CHECK(arena->store(key_of(3)).error().code == ErrorCode::unavailable);
  *first = nullptr;
  CHECK(arena->store(key_of(3)).ok());
}

TEST_CASE("a handle may outlive its arena's owner") {
  std::string warning;
  KeyHandle handle = std::move(LockedArena::create(1, warning)->store(key_of(9))).value();
  CHECK(std::ranges::equal(handle->bytes(), key_of(9)));
}

TEST_CASE("a child process sees empty key memory") {
  std::string warning;
  auto arena = LockedArena::create(1, warning);
  auto handle = std::move(arena->store(key_of(5))).value();
  const pid_t child = fork();
  if (child == 0) _exit(is_wiped(handle->bytes()) ? 0 : 1);
  int status = -1;
  waitpid(child, &status, 0);
  CHECK(status == 0);
}

TEST_CASE("the cache finds what was inserted, under its own id only") {
  Fixture f(4);
  f.insert(1);
  f.insert(2);
  CHECK(std::ranges::equal(f.cache.find(id_of(1))->bytes(), key_of(1)));
  CHECK(std::ranges::equal(f.cache.find(id_of(2))->bytes(), key_of(2)));
  CHECK(f.cache.find(id_of(3)) == nullptr);
  CHECK(f.cache.size() == 2);
}

TEST_CASE("inserting an id again replaces its key") {
  Fixture f(4);
  f.insert(1);
  REQUIRE(f.cache.insert(id_of(1), key_of(99)).ok());
  CHECK(std::ranges::equal(f.cache.find(id_of(1))->bytes(), key_of(99)));
  CHECK(f.cache.size() == 1);
}

TEST_CASE("the entry used least recently is evicted and wiped") {
  Fixture f(2);
  f.insert(1);
  const auto bytes = f.cache.find(id_of(1))->bytes();
  f.insert(2);
  REQUIRE(f.cache.find(id_of(1)) != nullptr);  // now 2 is the oldest
  f.insert(3);
  CHECK(f.cache.find(id_of(2)) == nullptr);
  CHECK(std::ranges::equal(bytes, key_of(1)));
  f.insert(4);
  CHECK(f.cache.find(id_of(1)) == nullptr);
  CHECK_FALSE(std::ranges::equal(bytes, key_of(1)));
  CHECK(f.cache.size() == 2);
}

TEST_CASE("a handle survives the eviction of its entry") {
  Fixture f(1);
  f.insert(1);
  auto handle = f.cache.find(id_of(1));
  f.insert(2);
  f.cache.clear();
  const auto bytes = handle->bytes();
  CHECK(std::ranges::equal(bytes, key_of(1)));
  handle.reset();
  CHECK(is_wiped(bytes));
}

TEST_CASE("an entry expires when its time is over, also one in constant use") {
  Fixture f(4);
  f.insert(1);
  f.clock.advance(299s);
  CHECK(f.cache.find(id_of(1)) != nullptr);
  f.clock.advance(1s);
  CHECK(f.cache.find(id_of(1)) == nullptr);
  CHECK(f.cache.size() == 0);
}

TEST_CASE("expired entries are wiped without being asked for") {
  Fixture f(4);
  f.insert(1);
  const auto bytes = f.cache.find(id_of(1))->bytes();
  f.clock.advance(200s);
  f.insert(2);
  f.clock.advance(100s);
  f.cache.drop_expired();
  CHECK(is_wiped(bytes));
  CHECK(f.cache.size() == 1);
  CHECK(f.cache.find(id_of(2)) != nullptr);
}

TEST_CASE("erase and clear wipe") {
  Fixture f(4);
  f.insert(1);
  f.insert(2);
  const auto first = f.cache.find(id_of(1))->bytes();
  const auto second = f.cache.find(id_of(2))->bytes();
  f.cache.erase(id_of(1));
  f.cache.erase(id_of(77));
  CHECK(is_wiped(first));
  CHECK(f.cache.find(id_of(2)) != nullptr);
  f.cache.clear();
  CHECK(is_wiped(second));
  CHECK(f.cache.size() == 0);
}

TEST_CASE("a cache larger than its arena gives its own slots up") {
  Fixture f(1000, 3);  // several shards, three slots
  SystemRandom random;
  for (int i = 0; i < 100; ++i) REQUIRE(f.cache.insert(random_id<KeyId>(random), key_of(1)).ok());
  CHECK(f.cache.size() == 3);
}

TEST_CASE("insert is unavailable when handles hold every slot") {
  Fixture f(8, 2);
  const auto first = f.cache.insert(id_of(1), key_of(1));
  const auto second = f.cache.insert(id_of(2), key_of(2));
  CHECK(f.cache.insert(id_of(3), key_of(3)).error().code == ErrorCode::unavailable);
  CHECK(std::ranges::equal((*first)->bytes(), key_of(1)));
}

TEST_CASE("many threads find, insert and erase without mixing keys up") {
  Fixture f(128, 512);
  std::atomic<int> wrong{0};
  auto work = [&](unsigned seed) {
    for (unsigned i = 0; i < 5000; ++i) {
      seed = seed * 1664525 + 1013904223;
      const auto value = static_cast<std::uint8_t>(seed >> 24);
      if (seed % 7 == 0) f.cache.erase(id_of(value));
      auto handle = f.cache.find(id_of(value));
      if (handle == nullptr) {
        auto inserted = f.cache.insert(id_of(value), key_of(value));
        if (!inserted.ok()) continue;
        handle = *inserted;
      }
      wrong += !std::ranges::equal(handle->bytes(), key_of(value));
    }
  };
  std::thread a(work, 1), b(work, 2), c(work, 3);
  a.join();
  b.join();
  c.join();
  CHECK(wrong == 0);
  CHECK(f.cache.size() <= 128);
}

}  // namespace
}  // namespace coffer::hsm
