#include <doctest/doctest.h>

#include <algorithm>

#include "events/base/ids.h"
#include "hsm/system_clock.h"
#include "hsm/system_random.h"

namespace coffer::hsm {
namespace {

TEST_CASE("system randomness fills every byte and does not repeat") {
  SystemRandom random;
  random.fill({});
  std::array<int, 64> zeros{};
  for (int round = 0; round < 64; ++round) {
    std::array<std::uint8_t, 64> bytes{};
    random.fill(bytes);
    for (std::size_t i = 0; i < bytes.size(); ++i) zeros[i] += bytes[i] == 0;
  }
  CHECK(*std::max_element(zeros.begin(), zeros.end()) < 16);
  CHECK(random_id<KeyId>(random).bytes != random_id<KeyId>(random).bytes);
}

TEST_CASE("the system clock gives the wall time and never runs backwards") {
  const SystemClock clock;
  constexpr std::int64_t kStartOf2026 = 1'767'225'600;
  CHECK(clock.now().seconds() > kStartOf2026);
  auto last = clock.monotonic_ns();
  for (int i = 0; i < 1000; ++i) {
    const auto now = clock.monotonic_ns();
    CHECK(now >= last);
    last = now;
  }
}

}  // namespace
}  // namespace coffer::hsm
