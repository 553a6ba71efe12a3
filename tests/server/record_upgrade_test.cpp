// Which version of records all nodes of a cluster read.
#include "tools/cofferd/record_upgrade.h"

#include <doctest/doctest.h>

namespace coffer::server {
namespace {

TEST_CASE("records: the version that all nodes read") {
  struct Row {
    std::uint32_t own;
    std::vector<std::optional<std::uint32_t>> others;
    std::uint32_t common;
  };
  const Row rows[] = {
      {2, {}, 2},
      {2, {2, 2}, 2},
      {2, {2, 1}, 1},
      {1, {2, 2}, 1},
      {2, {2, std::nullopt}, 1},  // not heard of: it may be of any release
      {3, {2, 5}, 2},
  };
  for (const auto& row : rows) CHECK(common_version(row.own, row.others) == row.common);
}

}  // namespace
}  // namespace coffer::server
