// Wrapped keys have a topic of their own: what is destroyed does not come back from it, and only
// what an event that counts asked for becomes a row.
#include <set>

#include "events/log/kafka/key_stage.h"
#include "tests/kafka/kafka_fixture.h"

using namespace coffer;
using namespace coffer::log;
using namespace coffer::testing;

namespace {

// Bytes that occur nowhere else.
Bytes blob_of(std::uint8_t number) {
  Bytes blob(60);
  for (std::size_t i = 0; i < blob.size(); ++i)
    blob[i] = static_cast<std::uint8_t>(131 * i + 77 + number);
  return blob;
}

Append key_put(std::uint8_t row, std::uint8_t blob) {
  return put(Family::keys, {1, row}, blob_of(blob));
}
Append key_delete(std::uint8_t row) {
  Append append;
  append.changes.push_back({Family::keys, {1, row}, std::nullopt, false});
  return append;
}

std::optional<Bytes> key_in(const StateReader& log, std::uint8_t row) {
  const auto found = log.get(Family::keys, Bytes{1, row});
  require_ok(found);
  return *found;
}

bool holds(BytesView haystack, BytesView needle) {
  return as_text(haystack).find(as_text(needle)) != std::string_view::npos;
}

bool any_message_holds(TestCluster& cluster, const std::string& topic, BytesView needle) {
  const auto options = cluster.options();
  auto reader = KafkaReader::create(options.client);
  require_ok(reader);
  const auto ends = (*reader)->watermarks(topic, 0);
  require_ok(ends);
  auto stream = (*reader)->open(topic, 0, ends->first);
  require_ok(stream);
  bool found = false;
  for (auto next = ends->first; next < ends->end;) {
    const auto fetched = (*stream)->read(500, Milliseconds(500));
    require_ok(fetched);
    for (const auto& message : fetched->messages)
      found =
          found || holds(message.key, needle) || (message.value && holds(*message.value, needle));
    next = std::max(next, fetched->next);
  }
  return found;
}

// Message keys whose last message in the topic "keys" is a blob.
std::set<Bytes> live_blobs(TestCluster& cluster) {
  const auto replica = cluster.follow("inspector");
  std::set<Bytes> live;
  require_ok(replica->visit_blobs(0, [&](const Bytes& key, const auto* blob) {
    if (blob != nullptr)
      live.insert(key);
    else
      live.erase(key);
  }));
  return live;
}

void send_message(TestCluster& cluster, const std::string& topic, const Bytes& key,
                  const std::optional<Bytes>& value) {
  auto producer = KafkaProducer::create(cluster.options().client, std::span(&topic, 1));
  require_ok(producer);
  KafkaMessage message{BytesView(key), std::nullopt};
  if (value) message.value = BytesView(*value);
  const auto tickets = (*producer)->send(topic, 0, std::span(&message, 1));
  require_ok(tickets);
  require_ok((*producer)->await(*tickets));
}

Bytes message_key_of(std::uint8_t row, std::uint8_t blob) {
  return key_message_key(Bytes{1, row}, record_hash(blob_of(blob)));
}

}  // namespace

TEST_CASE("kafka keys: a destroyed key does not come back when the topics are replayed") {
  TestCluster cluster;
  auto log = cluster.open();
  append_all(*log, {key_put(1, 1), key_put(2, 2), append_of(event_of(1, "a"))});
  append_all(*log, {key_delete(1)});
  REQUIRE(log->shred_deleted_keys().ok());
  CHECK_FALSE(log->has_deleted_keys());
  CHECK(live_blobs(cluster) == std::set<Bytes>{message_key_of(2, 2)});
  log.reset();
  // The blob is still in the topic's segment, before its tombstone.
  CHECK(any_message_holds(cluster, topic_names(cluster.prefix()).keys, blob_of(1)));
  cluster.wipe("a");
  log = cluster.open();
  CHECK_FALSE(key_in(*log, 1));
  CHECK(key_in(*log, 2) == blob_of(2));
}

TEST_CASE("kafka keys: no wrapped key is in the topics that are kept") {
  TestCluster cluster;
  const auto log = cluster.open();
  append_all(*log, {key_put(1, 1), key_put(2, 2)});
  const auto names = topic_names(cluster.prefix());
  for (const std::uint8_t number : {1, 2}) {
    CHECK_FALSE(any_message_holds(cluster, names.events, blob_of(number)));
    CHECK_FALSE(any_message_holds(cluster, names.access, blob_of(number)));
    CHECK(any_message_holds(cluster, names.events, record_hash(blob_of(number))));
  }
}

TEST_CASE("kafka keys: a key that came back under the same row survives a replay") {
  TestCluster cluster;
  auto log = cluster.open();
  append_all(*log, {key_put(1, 1), key_put(2, 2)});
  append_all(*log, {key_delete(1)});
  append_all(*log, {key_put(1, 1)});
  // Within one batch too.
  append_all(*log, {key_delete(2), key_put(2, 2), key_put(3, 3), key_delete(3)});
  REQUIRE(log->shred_deleted_keys().ok());
  const std::set<Bytes> live{message_key_of(1, 1), message_key_of(2, 2)};
  CHECK(live_blobs(cluster) == live);
  log.reset();
  cluster.wipe("a");
  log = cluster.open();
  CHECK(key_in(*log, 1) == blob_of(1));
  CHECK(key_in(*log, 2) == blob_of(2));
  CHECK_FALSE(key_in(*log, 3));
}

TEST_CASE("kafka keys: a new blob replaces the old one, a prefix delete takes all below it") {
  TestCluster cluster;
  auto log = cluster.open();
  append_all(*log, {key_put(1, 1), key_put(2, 2), put(Family::keys, {2, 1}, blob_of(9))});
  append_all(*log, {key_put(1, 3)});
  CHECK(key_in(*log, 1) == blob_of(3));
  REQUIRE(log->shred_deleted_keys().ok());
  CHECK_FALSE(live_blobs(cluster).contains(message_key_of(1, 1)));
  Append removal;
  removal.prefix_deletes.push_back({Family::keys, {1}});
  append_all(*log, {key_put(4, 4), removal});
  REQUIRE(log->shred_deleted_keys().ok());
  const std::set<Bytes> left{key_message_key(Bytes{2, 1}, record_hash(blob_of(9)))};
  CHECK(live_blobs(cluster) == left);
  log.reset();
  cluster.wipe("a");
  log = cluster.open();
  CHECK_FALSE(key_in(*log, 1));
  CHECK_FALSE(key_in(*log, 4));
  CHECK((*log->get(Family::keys, Bytes{2, 1})).has_value());
}

TEST_CASE("kafka keys: a zombie's blob never becomes a row and is swept") {
  TestCluster cluster;
  auto zombie = cluster.open("a");
  append_all(*zombie, {key_put(1, 1)});
  const auto owner = cluster.open("b");
  // No access record: the zombie's event itself gets into the log.
  std::vector<Append> late{key_put(1, 66)};
  CHECK(zombie->append(late).error().code == ErrorCode::unknown_outcome);
  CHECK(key_in(*zombie, 1) == blob_of(1));
  append_all(*owner, {key_put(2, 2)});
  CHECK(owner->epoch(0) == 2);
  CHECK(key_in(*owner, 1) == blob_of(1));
  CHECK(live_blobs(cluster).contains(message_key_of(1, 66)));
  REQUIRE(owner->shred_deleted_keys().ok());
  const std::set<Bytes> live{message_key_of(1, 1), message_key_of(2, 2)};
  CHECK(live_blobs(cluster) == live);
  const auto follower = cluster.follow("c");
  REQUIRE(follower->catch_up(0).ok());
  CHECK(key_in(follower->state(), 1) == blob_of(1));
}

TEST_CASE("kafka keys: a tombstone that a crash prevented is sent by the next owner") {
  TestCluster cluster;
  auto log = cluster.open();
  append_all(*log, {key_put(1, 1), key_put(2, 2)});
  append_all(*log, {key_delete(1)});
  REQUIRE(log->shred_deleted_keys().ok());
  log.reset();
  // As if the tombstone had never been sent.
  send_message(cluster, topic_names(cluster.prefix()).keys, message_key_of(1, 1),
               codec::encode_key_blob({1, cluster.next_nonce(), blob_of(1)}));
  CHECK(live_blobs(cluster).contains(message_key_of(1, 1)));
  log = cluster.open();
  CHECK_FALSE(key_in(*log, 1));
  CHECK(log->has_deleted_keys());
  REQUIRE(log->shred_deleted_keys().ok());
  CHECK(live_blobs(cluster) == std::set<Bytes>{message_key_of(2, 2)});
}

TEST_CASE("kafka keys: a key in use that is not in its topic stops whoever needs it") {
  TestCluster cluster;
  auto log = cluster.open();
  append_all(*log, {key_put(1, 1)});
  log.reset();
  // An event under the claim that stands, whose blob was never sent.
  codec::AppendBody body;
  body.changes.push_back({5, Bytes{1, 2}, record_hash(blob_of(2))});
  const auto event = codec::encode_replicated({1, Nonce128{{1}}, body});
  const auto names = topic_names(cluster.prefix());
  send_message(cluster, names.events, {}, event);
  const std::string why = "1 wrapped keys in use are not in partition 0 of " + names.keys;
  for (int attempt = 0; attempt < 2; ++attempt) {
    const auto opened = open_kafka_log(cluster.options(), cluster.next_nonce());
    REQUIRE_FALSE(opened.ok());
    CHECK(opened.error().code == ErrorCode::corrupt);
    CHECK(opened.error().message == why);
  }
  // It turns up: found on the next start.
  send_message(cluster, names.keys, message_key_of(2, 2),
               codec::encode_key_blob({1, Nonce128{{1}}, blob_of(2)}));
  log = cluster.open();
  CHECK(key_in(*log, 2) == blob_of(2));
}

TEST_CASE("kafka keys: a follower's restart between blob and event loses nothing") {
  TestCluster cluster;
  const auto log = cluster.open("a");
  append_all(*log, {key_put(1, 1)});
  auto follower = cluster.follow("b");
  REQUIRE(follower->catch_up(0).ok());
  // Blobs without an event yet, in front of one that is needed: they stay staged.
  send_message(cluster, topic_names(cluster.prefix()).keys, message_key_of(7, 7),
               codec::encode_key_blob({1, kNonce, blob_of(7)}));
  append_all(*log, {key_put(2, 2)});
  REQUIRE(follower->catch_up(0).ok());
  CHECK(key_in(follower->state(), 2) == blob_of(2));
  CHECK_FALSE(key_in(follower->state(), 7));
  follower.reset();
  append_all(*log, {key_put(7, 7)});
  follower = cluster.follow("b");
  REQUIRE(follower->catch_up(0).ok());
  CHECK(key_in(follower->state(), 7) == blob_of(7));
}
