#include <doctest/doctest.h>

#include <thread>

#include "events/base/instruments.h"

namespace coffer {
namespace {

TEST_CASE("counters of many threads add up") {
  CounterArray counters(3);
  std::vector<std::thread> threads;
  for (int i = 0; i < 20; ++i)
    threads.emplace_back([&] {
      for (int n = 0; n < 1'000; ++n) {
        counters.add(0);
        counters.add(2, 5);
      }
    });
  for (auto& thread : threads) thread.join();
  CHECK(counters.size() == 3);
  CHECK(counters.value(0) == 20'000);
  CHECK(counters.value(1) == 0);
  CHECK(counters.value(2) == 100'000);
}

TEST_CASE("histogram: a bound belongs to its bucket, what is beyond the last to none") {
  static constexpr std::uint64_t kBounds[] = {10, 20, 30};
  HistogramArray histograms(2, kBounds);
  for (const std::uint64_t value : {0, 10, 11, 20, 30, 31, 1'000'000}) histograms.observe(1, value);
  const auto reading = histograms.read(1);
  CHECK(reading.cumulative == std::vector<std::uint64_t>{2, 4, 5, 7});
  CHECK(reading.count() == 7);
  CHECK(reading.sum == 1'000'102);
  CHECK(histograms.read(0).count() == 0);
  CHECK(histograms.read(0).sum == 0);
}

}  // namespace
}  // namespace coffer
