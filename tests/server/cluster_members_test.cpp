#include <doctest/doctest.h>

#include "tools/cofferd/cluster_members.h"

namespace coffer::server {
namespace {

TEST_CASE("cluster.nodes: ids, addresses and ports") {
  const auto members =
      parse_members(" n1=https://10.0.0.1:8200=10.0.0.1:8201  n2=https://b=[::1]:9 ");
  REQUIRE(members.ok());
  CHECK(*members == std::vector<ClusterMember>{{"n1", "https://10.0.0.1:8200", "10.0.0.1", 8201},
                                               {"n2", "https://b", "::1", 9}});
  // A URL may hold the separator.
  const auto odd = parse_members("n=https://x/?a=b=host:1");
  REQUIRE(odd.ok());
  CHECK(odd->front() == ClusterMember{"n", "https://x/?a=b", "host", 1});
}

TEST_CASE("cluster.nodes: what is wrong is refused and quoted") {
  for (const auto* text :
       {"", "   ", "n1", "n1=url", "n1=url=host", "n1=url=:1", "=url=host:1", "n1==host:1",
        "n1=url=host:0", "n1=url=host:65536", "n1=url=host:1x", "n1=u=h:1 n1=v=h:2"}) {
    CAPTURE(text);
    const auto members = parse_members(text);
    REQUIRE_FALSE(members.ok());
    CHECK(members.error().code == ErrorCode::invalid_argument);
    CHECK(members.error().message.find("cluster.nodes") == 0);
  }
}

}  // namespace
}  // namespace coffer::server
