// A node without a store takes a peer's and goes on from the topics: the same content as if it had
// read them from the beginning, and no key that was destroyed meanwhile.
#include "events/log/kafka/snapshot_install.h"
#include "tests/kafka/kafka_fixture.h"
#include "tests/snapshot/source_fixture.h"

using namespace coffer;
using namespace coffer::log;
using namespace coffer::testing;

namespace {

std::weak_ptr<RocksDbState> rocksdb_of(const std::weak_ptr<StateStore>& store) {
  return std::dynamic_pointer_cast<RocksDbState>(store.lock());
}

const GoOn kGoOn = [] { return true; };

// Passes everything on, and does something before the names of keys are asked for.
class Interrupted final : public SnapshotPeer {
 public:
  Interrupted(SnapshotPeer& peer, std::function<void()> act) : peer_(peer), act_(std::move(act)) {}
  Result<SnapshotManifest> begin() override { return peer_.begin(); }
  Result<Bytes> read(const SnapshotFile& file, std::uint64_t offset, std::size_t length) override {
    return peer_.read(file, offset, length);
  }
  Result<std::vector<KeyName>> key_names(const Bytes& after) override {
    if (after.empty()) act_();
    return peer_.key_names(after);
  }
  void end() override { peer_.end(); }

 private:
  SnapshotPeer& peer_;
  const std::function<void()> act_;
};

Append version(std::uint8_t number) {
  auto append = append_of(event_of(1 + number % 3, "version"));
  append.access.push_back(access_of(1, number));
  append.changes.push_back({Family::values, {1, number}, Bytes(100, number), false});
  append.changes.push_back({Family::keys, {1, number}, blob_numbered(number), false});
  return append;
}
Append removal(std::uint8_t number) {
  auto append = append_of(event_of(1 + number % 3, "destroyed"));
  append.changes.push_back({Family::keys, {1, number}, std::nullopt, false});
  return append;
}

InstallOptions install_options(TestCluster& cluster, const std::string& node) {
  auto log = cluster.options(node);
  return {log, log.store.directory + ".incoming"};
}

}  // namespace

TEST_CASE("kafka snapshot: a node without a store takes a peer's and tails from there") {
  TestCluster cluster;
  auto log = cluster.open("a");
  for (std::uint8_t i = 0; i < 60; ++i) append_all(*log, {version(i)});
  append_all(*log, {removal(7), version(60)});  // the last message of the topic is a group
  auto follower = cluster.follow("f");
  require_ok(follower->catch_up(0));

  SnapshotPeers peers(cluster.prefix());
  peers.server->set_store(rocksdb_of(follower->store()));
  const auto client = peers.cluster.client("b");
  net::PeerSnapshot peer(*client, peers.address("a"), kGoOn);
  // Between the copy and the names: keys come, go and are replaced; some of them also after that.
  Interrupted interrupted(peer, [&] {
    append_all(*log, {version(60), version(61), removal(8), removal(60)});
    append_all(*log, {put(Family::keys, {1, 9}, blob_numbered(200))});
    require_ok(follower->catch_up(0));
  });
  const auto options = install_options(cluster, "b");
  const auto installed = install_snapshot(options, interrupted, kGoOn);
  require_ok(installed);
  CHECK(installed->events == 62);
  CHECK(installed->tenants == 3);
  CHECK(installed->keys == 59);
  CHECK_FALSE(std::filesystem::exists(options.folder));
  append_all(*log, {removal(10), version(62)});
  REQUIRE(log->shred_deleted_keys().ok());  // tombstones: what follows cannot get them any more

  auto fresh = cluster.follow("b");
  CHECK(fresh->place(0).events_next == installed->events_next);
  CHECK(fresh->progress(0)->missing_keys == 59);
  CHECK_FALSE(fresh->progress(0)->is_warm());
  require_ok(fresh->catch_up(0));
  CHECK(fresh->progress(0)->is_warm());
  CHECK(contents_of(fresh->state()) == contents_of(*log));
  require_ok(fresh->state().shred_deleted_keys());
  for (const std::uint8_t destroyed : {7, 8, 10, 60})
    CHECK_FALSE(any_file_holds(cluster.store("b"), blob_numbered(destroyed)));
  CHECK(any_file_holds(cluster.store("b"), blob_numbered(11)));
  // And it can own the partition.
  fresh.reset();
  log.reset();
  log = cluster.open("b");
  append_all(*log, {version(63)});
  REQUIRE(log->shred_deleted_keys().ok());  // sweeps blobs without a row: there are none
  follower->stop_reading(0);
  require_ok(follower->catch_up(0));
  CHECK(contents_of(follower->state()) == contents_of(*log));
}

TEST_CASE("kafka snapshot: keys that are still to come survive a restart") {
  TestCluster cluster;
  auto log = cluster.open("a");
  for (std::uint8_t i = 0; i < 20; ++i) append_all(*log, {version(i)});
  SnapshotPeers peers(cluster.prefix());
  peers.server->set_store(rocksdb_of(log->store()));
  const auto client = peers.cluster.client("b");
  net::PeerSnapshot peer(*client, peers.address("a"), kGoOn);
  require_ok(install_snapshot(install_options(cluster, "b"), peer, kGoOn));
  CHECK(cluster.follow("b")->progress(0)->missing_keys == 20);
  // A node that waits for keys itself gives no snapshot: it does not know all names.
  const auto waiting = cluster.follow("b");
  peers.server->set_store(rocksdb_of(waiting->store()));
  const auto other = peers.cluster.client("c");
  net::PeerSnapshot from_waiting(*other, peers.address("a"), kGoOn);
  CHECK(install_snapshot(install_options(cluster, "c"), from_waiting, kGoOn)
            .error()
            .message.find("this node waits for keys itself") != std::string::npos);
  CHECK(is_store_empty(cluster.store("c").string()));
  require_ok(waiting->catch_up(0));
  CHECK(contents_of(waiting->state()) == contents_of(*log));
}

TEST_CASE("kafka snapshot: what does not agree with the topic is refused") {
  TestCluster cluster;
  TestCluster other;
  auto log = cluster.open("a");
  auto foreign = other.open("a");
  for (std::uint8_t i = 0; i < 10; ++i) {
    append_all(*log, {version(i)});
    append_all(*foreign, {version(static_cast<std::uint8_t>(i + 1))});
  }
  SnapshotPeers peers(cluster.prefix());
  const auto client = peers.cluster.client("b");
  net::PeerSnapshot peer(*client, peers.address("a"), kGoOn);
  const auto refusal = [&](std::weak_ptr<RocksDbState> store) {
    peers.server->set_store(std::move(store));
    const auto installed = install_snapshot(install_options(cluster, "b"), peer, kGoOn);
    if (installed) return std::string("installed");
    CHECK(is_store_empty(cluster.store("b").string()));
    return installed.error().message;
  };
  // As long as this log, with chains that hold, but of another cluster.
  CHECK(refusal(rocksdb_of(foreign->store())) == "the snapshot's last event is not the topic's");
  append_all(*foreign, {version(90)});
  CHECK(refusal(rocksdb_of(foreign->store())).starts_with("the snapshot ends at offset"));
  // A history that ends in an event which the topic does not have.
  auto forged = cluster.follow("forged");
  require_ok(forged->catch_up(0));
  {
    auto& state = forged->state();
    const auto last = state.heads(0).events;
    auto record = *codec::decode_record(state.read_events(0, last, 1)->front().bytes);
    record.payload.push_back(1);
    auto batch = state.new_batch();
    batch->put_event(0, last, record.tenant, record.tenant_sequence, codec::encode_record(record));
    REQUIRE(state.write(std::move(batch), true).ok());
  }
  CHECK(refusal(rocksdb_of(forged->store())) == "the snapshot's last event is not the topic's");
  CHECK(refusal(rocksdb_of(log->store())) == "installed");
}
