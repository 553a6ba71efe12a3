// What a replica makes of messages, without a broker: gaps, foreign records, chains that do not
// fit.
#include "events/log/kafka/record_applier.h"
#include "events/log/rocksdb_state.h"
#include "tests/log/log_fixture.h"

using namespace coffer;
using namespace coffer::log;
using namespace coffer::testing;

namespace {

class NoBlobs final : public BlobSource {
 public:
  Result<std::optional<Bytes>> find(BytesView, const Sha256&, std::uint64_t) override {
    return std::optional<Bytes>{};
  }
  void claimed(const ClaimState&) override {}
};

struct Replica {
  TemporaryDirectory directory;
  RocksDbState state;
  ReplicaPlace place;
  NoBlobs blobs;

  Replica() : state(options_in(directory)) { REQUIRE(state.open().ok()); }
  static RocksDbOptions options_in(const TemporaryDirectory& directory) {
    RocksDbOptions options;
    options.directory = directory.path() / "db";
    return options;
  }
  Result<void> access(std::uint64_t offset, const codec::ReplicatedRecord& record) {
    RecordApplier applier(state, 0, place, blobs);
    COFFER_TRY(applier.add_access_message(offset, record));
    return applier.write(0);
  }
  Result<void> event(std::uint64_t offset, const codec::ReplicatedRecord& record) {
    RecordApplier applier(state, 0, place, blobs);
    COFFER_TRY(applier.add_event_message(offset, record));
    return applier.write(0);
  }
};

codec::ReplicatedRecord claim(std::uint64_t epoch) {
  return {epoch, kNonce, codec::ClaimBody{"node"}};
}

// The access records of one owner from the first on, one in each message.
std::vector<codec::ReplicatedRecord> access_messages(std::uint64_t epoch, std::size_t count) {
  std::vector<codec::ReplicatedRecord> out;
  Bytes previous;
  for (std::size_t i = 1; i <= count; ++i) {
    codec::AccessEnvelope envelope;
    envelope.previous_hash = previous;
    codec::AppendBody body;
    body.access_position = i;
    body.access.push_back(codec::encode_access_envelope(envelope));
    const auto hash = record_hash(body.access.back());
    previous.assign(hash.begin(), hash.end());
    out.push_back({epoch, kNonce, body});
  }
  return out;
}

}  // namespace

TEST_CASE("replica: access records that retention took are reported as trimmed") {
  const auto messages = access_messages(3, 6);
  Replica replica;
  // Offset 0 was the claim and 1 to 3 the first records; a zombie's comes first of what is left.
  REQUIRE(replica.access(4, {2, kNonce, codec::AppendBody{}}).ok());
  for (std::uint64_t i = 4; i <= 6; ++i) REQUIRE(replica.access(i + 1, messages[i - 1]).ok());
  CHECK(replica.state.heads(0).access == 6);
  CHECK(replica.state.read_access(0, 1, 10)->size() == 3);
  const auto trim = replica.state.read_access_trim(0);
  CHECK(trim->first == 1);
  CHECK(trim->last == 3);
  CHECK(trim->last_hash == record_hash(std::get<codec::AppendBody>(messages[2].body).access[0]));
  // The next claim says whose the partition is: from there on the rule alone decides.
  REQUIRE(replica.access(8, claim(10)).ok());
  CHECK_FALSE(replica.place.access_gap);
  CHECK(replica.place.access_claim == ClaimState{10, kNonce, false});
  REQUIRE(replica.access(9, {11, kNonce, codec::AppendBody{}}).ok());
  CHECK(replica.place.access_claim.epoch == 10);
}

TEST_CASE("replica: a place is stored with what was applied") {
  Replica replica;
  REQUIRE(replica.event(0, claim(1)).ok());
  codec::AppendBody body;
  body.changes.push_back({5, Bytes{1}, Sha256{7}});
  REQUIRE(replica.event(1, {1, kNonce, body}).ok());
  REQUIRE(replica.event(1, {1, kNonce, codec::AppendBody{}}).ok());  // delivered twice
  const auto loaded = load_place(replica.state, 0);
  REQUIRE(loaded.ok());
  CHECK(loaded->events_next == 2);
  CHECK(loaded->events_claim == ClaimState{1, kNonce, false});
  CHECK(loaded->missing == std::map<Bytes, Sha256>{{Bytes{1}, Sha256{7}}});
  codec::AppendBody removal;
  removal.row_ranges.push_back({5, Bytes{}});
  REQUIRE(replica.event(2, {1, kNonce, removal}).ok());
  CHECK(load_place(replica.state, 0)->missing.empty());
}

TEST_CASE("replica: what does not fit is corrupt and changes nothing") {
  Replica replica;
  REQUIRE(replica.event(0, claim(1)).ok());
  codec::Record record;
  record.epoch = 1;
  record.nonce = kNonce;
  record.tenant_sequence = 2;  // there is no first
  codec::AppendBody out_of_order;
  out_of_order.event = codec::encode_record(record);
  record.tenant_sequence = 1;
  record.epoch = 7;  // not the message's
  codec::AppendBody other_claim;
  other_claim.event = codec::encode_record(record);
  codec::AppendBody unknown_family;
  unknown_family.changes.push_back({9, Bytes{1}, Bytes{1}});
  codec::AppendBody key_in_the_clear;
  key_in_the_clear.changes.push_back({5, Bytes{1}, Bytes{1}});
  codec::AppendBody no_event;
  no_event.event = Bytes{1, 2, 3};
  for (const auto& body : {out_of_order, other_claim, unknown_family, key_in_the_clear, no_event}) {
    CHECK(replica.event(1, {1, kNonce, body}).error().code == ErrorCode::corrupt);
    CHECK(replica.event(1, {1, Nonce128{{9}}, body}).ok());  // a zombie's is not even looked at
    replica.place.events_next = 1;
  }
  CHECK(replica.event(2, {1, kNonce, codec::NoopBody{}}).error().message ==
        "events 1 to 1 of partition 0 are not in their topic any more");
  REQUIRE(replica.access(0, claim(1)).ok());
  auto messages = access_messages(1, 2);
  CHECK(replica.access(1, messages[1]).error().code == ErrorCode::corrupt);
  REQUIRE(replica.access(1, messages[0]).ok());
  std::get<codec::AppendBody>(messages[1].body).access[0] =
      std::get<codec::AppendBody>(messages[0].body).access[0];
  CHECK(replica.access(2, messages[1]).error().code == ErrorCode::corrupt);
  CHECK(replica.state.heads(0).access == 1);
}
