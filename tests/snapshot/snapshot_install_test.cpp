// What a node takes from a peer and what it refuses, over real TLS with real stores. Everything
// that is refused here is so before the broker is asked; the rest is in
// tests/kafka/snapshot_test.cpp.
#include "events/log/kafka/snapshot_install.h"
#include "tests/snapshot/source_fixture.h"

using namespace coffer;
using namespace coffer::log;
using namespace coffer::testing;

namespace {

const GoOn kGoOn = [] { return true; };

// The real peer with one thing that is wrong.
class BadPeer final : public SnapshotPeer {
 public:
  BadPeer(SnapshotPeer& peer, std::string fault) : peer_(peer), fault_(std::move(fault)) {}

  Result<SnapshotManifest> begin() override {
    auto manifest = peer_.begin();
    if (!manifest) return manifest;
    auto& files = manifest->files;
    if (fault_ == "path") files.front().name = "../CURRENT";
    if (fault_ == "twice") files.push_back(files.front());
    if (fault_ == "no store") files.clear();
    if (fault_ == "size") files.front().size = ~0ull;
    if (fault_ == "disk") files.front().size = 1ull << 60;
    if (fault_ == "place") manifest->events_next += 1;
    return manifest;
  }
  Result<Bytes> read(const SnapshotFile& file, std::uint64_t offset, std::size_t length) override {
    if (fault_ == "dies" && ++reads_ > 2) return fail(ErrorCode::unavailable, "gone");
    auto bytes = peer_.read(file, offset, length);
    if (!bytes || bytes->empty()) return bytes;
    if (fault_ == "byte" && file.name.ends_with(".sst")) bytes->at(bytes->size() / 2) ^= 1;
    if (fault_ == "short") bytes->pop_back();
    return bytes;
  }
  Result<std::vector<KeyName>> key_names(const Bytes& after) override {
    return peer_.key_names(after);
  }
  void end() override { peer_.end(); }

 private:
  SnapshotPeer& peer_;
  const std::string fault_;
  int reads_ = 0;
};

struct Taker {
  TemporaryDirectory directory;
  InstallOptions options;

  Taker() {
    options.log.client.bootstrap = "127.0.0.1:1";  // nobody: what gets so far has passed
    options.log.client.request_timeout = Milliseconds(200);
    options.log.topics.prefix = "coffer";
    options.log.store.directory = directory.path() / "store";
    options.folder = directory.path() / "incoming";
  }
  [[nodiscard]] std::size_t left_over() const {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator(directory.path()), {}));
  }
};

std::string refusal_of(SnapshotPeers& peers, const std::string& fault) {
  const auto client = peers.cluster.client("b");
  net::PeerSnapshot peer(*client, peers.address("a"), kGoOn);
  BadPeer bad(peer, fault);
  Taker taker;
  const auto installed = install_snapshot(taker.options, bad, kGoOn);
  REQUIRE_FALSE(installed.ok());
  CHECK(taker.left_over() == 0);
  CHECK_FALSE(std::filesystem::exists(peers.outgoing()));  // ended at the other side, too
  return installed.error().message;
}

}  // namespace

TEST_CASE("snapshot: what is damaged or makes no sense is refused and leaves nothing behind") {
  SnapshotPeers peers("coffer");
  FilledStore store(peers.directory.path() / "a", 20);
  peers.server->set_store(store.state);
  const struct {
    std::string fault;
    std::string_view message;
  } cases[] = {
      {"path", "the snapshot names a file that does not belong into one"},
      {"twice", "the snapshot names a file that does not belong into one"},
      {"no store", "the snapshot is no store"},
      {"size", "the snapshot has an impossible size"},
      {"disk", "free"},
      {"dies", "gone"},
      {"byte", "of the snapshot is damaged"},
      {"short", "of the snapshot is cut off"},
      {"place", "the snapshot is of another place than it says"},
  };
  for (const auto& one : cases) {
    const auto message = refusal_of(peers, one.fault);
    CHECK_MESSAGE(message.find(one.message) != std::string::npos, one.fault << ": " << message);
  }
}

TEST_CASE("snapshot: another cluster's store is refused") {
  SnapshotPeers peers("other");
  FilledStore store(peers.directory.path() / "a", 3);
  peers.server->set_store(store.state);
  CHECK(refusal_of(peers, "") == "the snapshot is of another cluster's topics");
}

TEST_CASE("snapshot: a chain that does not hold is refused") {
  using Damage = void (*)(StateBatch&, const RocksDbState&);
  const auto record_at = [](const RocksDbState& state, LogPosition position) {
    return *codec::decode_record(state.read_events(0, position, 1)->front().bytes);
  };
  static const auto change = record_at;
  const struct {
    Damage damage;
    std::string_view message;
  } cases[] = {
      // Another payload: the next record of the tenant no longer follows.
      {[](StateBatch& batch, const RocksDbState& state) {
         auto record = change(state, 4);
         record.payload.push_back(1);
         batch.put_event(0, 4, record.tenant, record.tenant_sequence, codec::encode_record(record));
       },
       "event 6 of partition 0 does not follow its tenant's last one"},
      {[](StateBatch& batch, const RocksDbState& state) {
         auto record = change(state, 4);
         record.epoch = 9;
         batch.put_event(0, 4, record.tenant, record.tenant_sequence, codec::encode_record(record));
       },
       "event 4 of partition 0 has the epoch 9"},
      // One more in the index than there are events.
      {[](StateBatch& batch, const RocksDbState& state) {
         const auto record = change(state, 4);
         batch.put_event(0, 99, record.tenant, 1'000, codec::encode_record(record));
       },
       "event 21 of partition 0 is not there"},
      {[](StateBatch& batch, const RocksDbState& state) {
         batch.put_event(0, 4, tenant_of(7), 1, state.read_events(0, 4, 1)->front().bytes);
       },
       "the tenants' index has 21 rows for 20 events"},
      {[](StateBatch& batch, const RocksDbState&) {
         codec::AccessEnvelope envelope;
         envelope.previous_hash = Bytes(32, 1);
         batch.put_access(0, 5, codec::encode_access_envelope(envelope));
       },
       "access record 5 of partition 0 does not follow the one before it"},
      {[](StateBatch& batch, const RocksDbState&) { batch.erase_access(0, 5, 5); },
       "access record 5 of partition 0 is not there"},
      {[](StateBatch& batch, const RocksDbState&) {
         batch.put(Family::meta, meta_row("format"), Bytes{9, 9, 9, 9});
       },
       "the store has a format that this version does not know"},
  };
  for (const auto& one : cases) {
    SnapshotPeers peers("coffer");
    FilledStore store(peers.directory.path() / "a", 20);
    StateBatch batch(*store.state);
    one.damage(batch, *store.state);
    REQUIRE(store.state->write(std::move(batch), true).ok());
    peers.server->set_store(store.state);
    if (one.message.starts_with("the store has a format")) {
      // The giver finds it itself.
      CHECK(refusal_of(peers, "").find(one.message) != std::string::npos);
      continue;
    }
    CHECK(refusal_of(peers, "") == one.message);
  }
}

TEST_CASE("snapshot: chains that hold are counted") {
  TemporaryDirectory directory;
  FilledStore store(directory.path() / "a", 20);
  const auto checked = check_chains(*store.state, 0, kGoOn);
  REQUIRE(checked.ok());
  CHECK(checked->events == 20);
  CHECK(checked->access == 20);
  CHECK(checked->tenants == 2);
  CHECK(checked->place.events_next == 21);
  CHECK(check_chains(*store.state, 0, [] { return false; }).error().message == "stopped");
}

TEST_CASE("snapshot: no copy holds a wrapped key, and a destroy waits for none") {
  SnapshotPeers peers("coffer");
  FilledStore store(peers.directory.path() / "a", 20);
  peers.server->set_store(store.state);
  const auto client = peers.cluster.client("b");
  net::PeerSnapshot peer(*client, peers.address("a"), kGoOn);
  const auto manifest = peer.begin();
  REQUIRE(manifest.ok());
  REQUIRE(std::filesystem::exists(peers.outgoing()));
  for (std::uint8_t i = 0; i < 20; ++i)
    CHECK_FALSE(any_file_holds(peers.outgoing(), blob_numbered(i)));
  // Destroyed while the copy is there: shredding keeps its promise for the whole data folder.
  CHECK(any_file_holds(peers.directory.path(), blob_numbered(3)));
  store.destroy(3);
  CHECK_FALSE(any_file_holds(peers.directory.path(), blob_numbered(3)));
  CHECK(std::filesystem::exists(peers.outgoing()));
  const auto names = peer.key_names({});
  REQUIRE(names.ok());
  CHECK(names->size() == 19);
  CHECK(names->front() == KeyName{Bytes{1, 0}, record_hash(blob_numbered(0))});
  CHECK(peer.key_names(names->back().row)->empty());
  peer.end();
  CHECK_FALSE(std::filesystem::exists(peers.outgoing()));
}

TEST_CASE("snapshot: one copy at a time, for the peer that began it") {
  SnapshotPeers peers("coffer");
  FilledStore store(peers.directory.path() / "a", 5);
  peers.server->set_store(store.state);
  const auto b = peers.cluster.client("b");
  const auto c = peers.cluster.client("c");
  net::PeerSnapshot first(*b, peers.address("a"), kGoOn);
  net::PeerSnapshot second(*c, peers.address("a"), kGoOn);
  const auto manifest = first.begin();
  REQUIRE(manifest.ok());
  CHECK(second.begin().error().code == ErrorCode::overloaded);
  // b comes back after a crash: its old copy is gone, not in its way.
  net::PeerSnapshot again(*b, peers.address("a"), kGoOn);
  REQUIRE(again.begin().ok());
  CHECK(first.read(manifest->files.front(), 0, 1).error().code == ErrorCode::unavailable);
  again.end();
  REQUIRE(second.begin().ok());
  second.end();
}

TEST_CASE("snapshot: who is no node of the cluster gets nothing") {
  SnapshotPeers peers("coffer");
  const auto stranger = peers.cluster.client("x");
  CHECK(net::ask_status(*stranger, peers.address("a"), Milliseconds(5'000)).error().message ==
        "the peer answers 403: the certificate belongs to no node of this cluster");
  const auto b = peers.cluster.client("b");
  CHECK(net::ask_status(*b, peers.address("a"), Milliseconds(5'000)).value() ==
        net::PeerStatus{false, true, true, 7, "a"});
  net::PeerSnapshot peer(*b, peers.address("a"), kGoOn);
  CHECK(peer.begin().error().message.find("this node has no store open") != std::string::npos);
}

TEST_CASE("snapshot: a peer that ends mid-way is an error at once") {
  SnapshotPeers peers("coffer");
  FilledStore store(peers.directory.path() / "a", 20);
  peers.server->set_store(store.state);
  const auto client = peers.cluster.client("b");
  net::PeerSnapshot peer(*client, peers.address("a"), kGoOn);
  class Ending final : public SnapshotPeer {
   public:
    Ending(SnapshotPeer& peer, SnapshotPeers& peers) : peer_(peer), peers_(peers) {}
    Result<SnapshotManifest> begin() override { return peer_.begin(); }
    Result<Bytes> read(const SnapshotFile& file, std::uint64_t offset,
                       std::size_t length) override {
      if (peers_.listener) peers_.listener->stop(0);
      return peer_.read(file, offset, length);
    }
    Result<std::vector<KeyName>> key_names(const Bytes& after) override {
      return peer_.key_names(after);
    }
    void end() override { peer_.end(); }

   private:
    SnapshotPeer& peer_;
    SnapshotPeers& peers_;
  } ending(peer, peers);
  Taker taker;
  CHECK(install_snapshot(taker.options, ending, kGoOn).error().code == ErrorCode::unavailable);
  CHECK(taker.left_over() == 0);
}

TEST_CASE("snapshot: nothing is given faster than the bound") {
  SnapshotPeers peers("coffer", 100'000);
  FilledStore store(peers.directory.path() / "a", 20);
  peers.server->set_store(store.state);
  const auto client = peers.cluster.client("b");
  net::PeerSnapshot peer(*client, peers.address("a"), kGoOn);
  const auto manifest = peer.begin();
  REQUIRE(manifest.ok());
  const auto begin = std::chrono::steady_clock::now();
  std::uint64_t bytes = 0;
  for (int i = 0; i < 8; ++i) {
    const auto& file = manifest->files.front();
    REQUIRE(peer.read(file, 0, file.size).ok());
    bytes += file.size;
  }
  const auto paid = bytes - manifest->files.front().size;  // the last one is not waited for
  CHECK(std::chrono::steady_clock::now() - begin >= std::chrono::milliseconds(paid / 100));
}
