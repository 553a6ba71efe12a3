// A store as a replica has it, filled without a broker, served by a real peer listener over mutual
// TLS to a real client.
#pragma once

#include <fstream>

#include "events/log/kafka/record_applier.h"
#include "net/snapshot/snapshot_client.h"
#include "net/snapshot/snapshot_server.h"
#include "tests/cluster/cluster_fixture.h"
#include "tests/log/log_fixture.h"
#include "tests/support/seeded_random.h"

namespace coffer::testing {

// A blob that occurs nowhere else.
inline Bytes blob_numbered(std::uint8_t number) {
  Bytes blob(60);
  for (std::size_t i = 0; i < blob.size(); ++i)
    blob[i] = static_cast<std::uint8_t>(131 * i + 77 + number);
  return blob;
}

// Messages of one owner, applied one by one: events of two tenants in turn, each with a key and a
// value, and an access record.
class FilledStore final : public log::BlobSource {
 public:
  FilledStore(const std::string& directory, std::size_t events) {
    log::RocksDbOptions options;
    options.directory = directory;
    state = std::make_shared<log::RocksDbState>(options);
    REQUIRE(state->open().ok());
    apply({1, kNonce, codec::ClaimBody{"a"}});
    for (std::size_t i = 0; i < events; ++i) add(static_cast<std::uint8_t>(i));
  }

  void add(std::uint8_t number) {
    auto chain = state->chain(claim_);
    auto linked = chain.link_event(0, event_of(1 + number % 2, "event"));
    REQUIRE(linked.ok());
    codec::AppendBody body;
    body.event = linked->bytes;
    body.changes.push_back({4, Bytes{1, number}, Bytes(300, number)});
    body.changes.push_back({5, Bytes{1, number}, log::record_hash(blob_numbered(number))});
    apply({1, kNonce, body});
    body = {};
    const auto access = chain.link_access(0, access_of(1, number));
    body.access_position = access.position;
    body.access.push_back(access.bytes);
    log::RecordApplier applier(*state, 0, place, *this);
    REQUIRE(applier.add_access_message(place.access_next, {1, kNonce, body}).ok());
    REQUIRE(applier.write(0).ok());
  }

  void destroy(std::uint8_t number) {
    codec::AppendBody body;
    body.changes.push_back({5, Bytes{1, number}, {}});
    apply({1, kNonce, body});
    REQUIRE(state->shred_deleted_keys().ok());
  }

  Result<std::optional<Bytes>> find(BytesView row, const Sha256&, std::uint64_t) override {
    return std::optional<Bytes>{blob_numbered(row.back())};
  }
  void claimed(const log::ClaimState&) override {}

  std::shared_ptr<log::RocksDbState> state;
  log::ReplicaPlace place;

 private:
  void apply(const codec::ReplicatedRecord& record) {
    log::RecordApplier applier(*state, 0, place, *this);
    REQUIRE(applier.add_event_message(place.events_next, record).ok());
    if (std::holds_alternative<codec::ClaimBody>(record.body))
      REQUIRE(applier.add_access_message(place.access_next, record).ok());
    REQUIRE(applier.write(0).ok());
  }

  log::Claim claim_{1, kNonce};
};

// Node "a" serves; "b" and "c" are its peers.
class SnapshotPeers {
 public:
  explicit SnapshotPeers(const std::string& prefix, std::uint64_t bytes_per_second = 0) {
    net::SnapshotServerOptions options;
    options.source.folder = outgoing();
    options.source.topic_prefix = prefix;
    options.bytes_per_second = bytes_per_second;
    server = std::make_unique<net::SnapshotServer>(options, book, random, [this] {
      return net::PeerStatus{false, true, true, 7, "a"};
    });
    listener = test::start_server(cluster.listener_options("a"),
                                  [this](const auto& request, const auto& respond) {
                                    server->on_request(*request, respond);
                                  });
    REQUIRE(book.replace({address("a"), address("b"), address("c")}).ok());
  }
  ~SnapshotPeers() {
    server->stop();
    if (listener) listener->stop(0);
  }

  [[nodiscard]] net::PeerAddress address(const std::string& node) const {
    return test::address_of(node, listener->port());
  }
  [[nodiscard]] std::string outgoing() const { return directory.path() / "outgoing"; }

  TemporaryDirectory directory;
  test::Cluster cluster;
  net::AddressBook book;
  SeededRandom random{1};
  std::unique_ptr<net::SnapshotServer> server;
  std::unique_ptr<net::HttpServer> listener;
};

// Whether any file below the folder holds the bytes.
inline bool any_file_holds(const std::filesystem::path& folder, BytesView needle) {
  if (!std::filesystem::exists(folder)) return false;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string content((std::istreambuf_iterator<char>(file)), {});
    if (content.find(as_text(needle)) != std::string::npos) return true;
  }
  return false;
}

}  // namespace coffer::testing
