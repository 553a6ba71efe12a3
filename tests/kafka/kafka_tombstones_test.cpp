// Tombstones go with the next blobs: nobody waits for them, and the order in the topic is that of
// the changes.
#include "events/log/kafka/key_stage.h"
#include "tests/kafka/kafka_fixture.h"

using namespace coffer;
using namespace coffer::log;
using namespace coffer::testing;

namespace {

Append key_put(std::uint8_t row, std::uint8_t blob) {
  return put(Family::keys, {1, row}, Bytes(60, blob));
}
Append key_delete(std::uint8_t row) {
  Append append;
  append.changes.push_back({Family::keys, {1, row}, std::nullopt, false});
  return append;
}

// The topic "keys" from its beginning, "+" a blob and "-" a tombstone, each with its row.
std::string history(TestCluster& cluster) {
  std::string out;
  const auto replica = cluster.follow("inspector");
  require_ok(replica->visit_blobs(0, [&](const Bytes& key, const auto* blob) {
    const auto parsed = parse_key_message_key(key);
    REQUIRE(parsed.has_value());
    out += blob != nullptr ? '+' : '-';
    out += std::to_string(parsed->row.back());
  }));
  return out;
}

}  // namespace

TEST_CASE("kafka tombstones: they go with the next blobs, in front of them") {
  TestCluster cluster;
  const auto log = cluster.open();
  append_all(*log, {key_put(1, 1)});
  append_all(*log, {key_put(2, 2)});
  CHECK(history(cluster) == "+1+2");
  append_all(*log, {key_delete(1)});
  CHECK(log->has_deleted_keys());
  CHECK(history(cluster) == "+1+2");  // nothing waits for a message of its own
  append_all(*log, {put(Family::meta, {1}, {1})});
  CHECK(history(cluster) == "+1+2");
  append_all(*log, {key_put(3, 3)});
  CHECK(history(cluster) == "+1+2-1+3");
  append_all(*log, {key_put(4, 4)});
  CHECK(history(cluster) == "+1+2-1+3+4");  // once
}

TEST_CASE("kafka tombstones: without further blobs the shredding sends them") {
  TestCluster cluster;
  const auto log = cluster.open();
  append_all(*log, {key_put(1, 1), key_put(2, 2)});
  append_all(*log, {key_delete(1)});
  append_all(*log, {key_delete(2)});
  CHECK(history(cluster) == "+1+2");
  require_ok(log->shred_deleted_keys());
  const auto after = history(cluster);
  CHECK((after == "+1+2-1-2" || after == "+1+2-2-1"));
  CHECK_FALSE(log->has_deleted_keys());
}

// The tombstone of the old blob has the old blob's key: it must not take the new one with it.
TEST_CASE("kafka tombstones: a blob that comes again lives behind its tombstone") {
  TestCluster cluster;
  Contents before;
  {
    const auto log = cluster.open();
    append_all(*log, {key_put(1, 1)});
    append_all(*log, {key_delete(1)});
    append_all(*log, {key_put(1, 1)});
    CHECK(history(cluster) == "+1-1+1");
    append_all(*log, {key_put(2, 2)});
    append_all(*log, {key_put(2, 3)});  // a new blob under the row ends the old one
    append_all(*log, {key_put(4, 4)});
    CHECK(history(cluster) == "+1-1+1+2+2-2+4");
    require_ok(log->shred_deleted_keys());
    before = contents_of(*log);
    require_ok(log->release());
  }
  const auto other = cluster.open("b");
  CHECK(contents_of(*other) == before);
  CHECK(**other->get(Family::keys, Bytes{1, 1}) == Bytes(60, 1));
  CHECK(**other->get(Family::keys, Bytes{1, 2}) == Bytes(60, 3));
}

TEST_CASE("kafka tombstones: those that were not sent are found by the next owner") {
  TestCluster cluster;
  {
    const auto log = cluster.open();
    append_all(*log, {key_put(1, 1), key_put(2, 2)});
    append_all(*log, {key_delete(1)});
    require_ok(log->release());
  }
  CHECK(history(cluster) == "+1+2");
  const auto next = cluster.open("b");
  CHECK(next->has_deleted_keys());
  require_ok(next->shred_deleted_keys());
  CHECK(history(cluster) == "+1+2-1");
  CHECK_FALSE(next->has_deleted_keys());
}
