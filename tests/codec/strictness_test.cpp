// Stored bytes that our encoders never write are `corrupt`, never a crash and never a guess.
#include <doctest/doctest.h>
#include <functional>

#include "events/codec/event_registry.h"
#include "tests/codec/samples.h"
#include "tests/codec/wire.h"

namespace coffer::codec {
namespace {

// Decodes `bytes` and encodes the outcome again; empty when decoding refused them as corrupt.
using Recode = std::function<Bytes(BytesView)>;
struct Stored {
  std::string name;
  Bytes bytes;
  Recode recode;
};

template <class Decoded, class Encode>
Bytes recoded(const Result<Decoded>& decoded, Encode encode) {
  if (decoded.ok()) return encode(*decoded);
  // The format of a later release is `unsupported`.
  CHECK((decoded.error().code == ErrorCode::corrupt ||
         decoded.error().message.find(" is not known") != std::string::npos));
  CHECK_FALSE(decoded.error().message.empty());
  return {};
}

template <class State>
Stored stored_snapshot(std::string name, const Snapshot<State>& snapshot) {
  return {std::move(name), encode_snapshot(snapshot), [](BytesView b) {
            return recoded(decode_snapshot<State>(b),
                           [](const auto& s) { return encode_snapshot(s); });
          }};
}

std::vector<Stored> everything_stored() {
  std::vector<Stored> out;
  for (const auto& event : samples::events()) {
    const auto encoded = encode_event(event);
    out.push_back({std::string(event_name(encoded.head.type)), encoded.body,
                   [head = encoded.head](BytesView b) {
                     return recoded(decode_event(head, b),
                                    [](const auto& e) { return encode_event(e).body; });
                   }});
  }
  out.push_back({"record", encode_record(samples::record()),
                 [](BytesView b) { return recoded(decode_record(b), encode_record); }});
  out.push_back({"batch", encode_batch(samples::batch()),
                 [](BytesView b) { return recoded(decode_batch(b), encode_batch); }});
  out.push_back({"envelope", encode_access_envelope(samples::access_envelope()), [](BytesView b) {
                   return recoded(decode_access_envelope(b), encode_access_envelope);
                 }});
  out.push_back({"access", encode_access_record(samples::access_record()), [](BytesView b) {
                   return recoded(decode_access_record(b), encode_access_record);
                 }});
  for (const auto& record : samples::replicated_records())
    out.push_back({"replicated", encode_replicated(record),
                   [](BytesView b) { return recoded(decode_replicated(b), encode_replicated); }});
  out.push_back({"key blob", encode_key_blob(samples::key_blob()),
                 [](BytesView b) { return recoded(decode_key_blob(b), encode_key_blob); }});
  out.push_back(
      {"replica position", encode_replica_position(samples::replica_position()),
       [](BytesView b) { return recoded(decode_replica_position(b), encode_replica_position); }});
  out.push_back(stored_snapshot("secret", samples::secret_snapshot()));
  out.push_back(stored_snapshot("tenant", samples::tenant_snapshot()));
  out.push_back(stored_snapshot("keyring", samples::keyring_snapshot()));
  out.push_back(stored_snapshot("rotating keyring", samples::keyring_snapshot_rotating()));
  out.push_back(stored_snapshot("token", samples::token_snapshot()));
  out.push_back(stored_snapshot("policies", samples::policy_snapshot()));
  return out;
}

TEST_CASE("truncation at every length is corrupt or loses whole fields, and never crashes") {
  for (const auto& stored : everything_stored()) {
    CAPTURE(stored.name);
    for (std::size_t size = 0; size < stored.bytes.size(); ++size) {
      const auto again = stored.recode(BytesView(stored.bytes).first(size));
      CHECK(again != stored.bytes);
    }
  }
}

TEST_CASE("every flipped bit is corrupt or a value of its own, and never crashes") {
  for (const auto& stored : everything_stored()) {
    CAPTURE(stored.name);
    for (std::size_t bit = 0; bit < stored.bytes.size() * 8; ++bit) {
      auto bytes = stored.bytes;
      bytes[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
      const auto again = stored.recode(bytes);
      // What decodes is stable: decoding its encoding gives the same bytes.
      if (!again.empty()) CHECK(stored.recode(again) == again);
    }
  }
}

TEST_CASE("fields that a later release added are ignored") {
  Wire later;
  later.number(900, 7).text(901, "from the future");
  for (const auto& stored : everything_stored()) {
    CAPTURE(stored.name);
    auto bytes = stored.bytes;
    append(bytes, later);
    CHECK(stored.recode(bytes) == stored.bytes);
  }
}

TEST_CASE("bytes that are no message are corrupt") {
  const Bytes no_message = {0xFF, 0xFF, 0xFF};
  for (const auto& stored : everything_stored()) {
    CAPTURE(stored.name);
    CHECK(stored.recode(no_message).empty());
  }
}

TEST_CASE("a body under the head of another type never crashes") {
  for (const auto& event : samples::events()) {
    const auto body = encode_event(event).body;
    for (const auto& row : event_registry()) {
      const auto decoded = decode_event({row.type, row.schema_version}, body);
      if (decoded.ok()) continue;
      CHECK(decoded.error().code == ErrorCode::corrupt);
      CHECK(decoded.error().message.starts_with("event type " + std::to_string(row.type)));
    }
  }
}

TEST_CASE("an unknown type or schema version is corrupt and named") {
  const auto body = encode_event(samples::events().front()).body;
  struct Row {
    EventHead head;
    std::string message;
  };
  const Row rows[] = {
      {{0, 1}, "event type 0 is not known"},
      {{100, 1}, "event type 100 is not known"},
      {{108, 1}, "event type 108 is not known"},
      {{4'294'967'295, 1}, "event type 4294967295 is not known"},
      {{101, 0}, "event type 101 (secret.created): schema version 0 is not known"},
      {{101, 2}, "event type 101 (secret.created): schema version 2 is not known"},
  };
  for (const auto& row : rows) {
    const auto decoded = decode_event(row.head, body);
    REQUIRE_FALSE(decoded.ok());
    CHECK(decoded.error() == fail(ErrorCode::corrupt, row.message));
    CHECK(event_to_json(row.head, body).error() == fail(ErrorCode::corrupt, row.message));
  }
  CHECK(event_name(100).empty());
  CHECK(event_name(0).empty());
}

Wire text_map(std::initializer_list<std::pair<std::string_view, std::string_view>> entries) {
  Wire map;
  for (const auto& [key, value] : entries) map.message(1, Wire().text(1, key).text(2, value));
  return map;
}

TEST_CASE("an event with a field that does not fit is corrupt, with the field named") {
  const Wire key = Wire().zeros(1, 16).zeros(2, 32);
  struct Row {
    std::uint32_t type;
    Wire body;
    std::string fault;
  };
  const Row rows[] = {
      {101, Wire(), "mount has 0 bytes instead of 16"},
      {101, Wire().zeros(1, 15), "mount has 15 bytes instead of 16"},
      {101, Wire().zeros(1, 17), "mount has 17 bytes instead of 16"},
      {101, Wire().number(1, 5), "mount has 0 bytes instead of 16"},  // a number, not bytes
      {102, Wire().zeros(4, 16).zeros(5, 31), "data_key_blob_hash has 31 bytes instead of 32"},
      {102, Wire().zeros(5, 32), "data_key has 0 bytes instead of 16"},
      {106, Wire().message(4, text_map({{"b", "1"}, {"a", "2"}})),
       "keys of custom_metadata are not ascending"},
      {106, Wire().message(4, text_map({{"a", "1"}, {"a", "1"}})),
       "keys of custom_metadata are not ascending"},
      {201, Wire().text(2, "n"), "parent has 0 bytes instead of 16"},
      {202, Wire().message(1, text_map({{"b", ""}, {"", ""}})),
       "keys of custom_metadata are not ascending"},
      {204, Wire().message(6, Wire()), "id has 0 bytes instead of 16"},
      {204, Wire().zeros(1, 16), "tuning is missing"},
      {205, Wire().text(1, "kv/"), "tuning is missing"},
      {206, Wire().text(1, "kv/"), "id has 0 bytes instead of 16"},
      {207, Wire().text(1, "kv/"), "settings is missing"},
      {301, Wire().message(2, key).message(3, key), "id of a key has 0 bytes instead of 16"},
      {301, Wire().message(2, key).message(3, key).message(4, Wire().zeros(1, 16)),
       "blob_hash of a key has 0 bytes instead of 32"},
      {401, Wire().zeros(1, 16).zeros(3, 16), "parent has 0 bytes instead of 16"},
      {401,
       Wire().zeros(1, 16).zeros(3, 16).zeros(4, 16).message(6, text_map({{"b", ""}, {"a", ""}})),
       "keys of meta are not ascending"},
      {102, Wire().text(6, "x").number(6, 1).zeros(4, 3), "data_key has 3 bytes instead of 16"},
  };
  for (const auto& row : rows) {
    const auto decoded = decode_event({row.type, 1}, row.body);
    REQUIRE_FALSE(decoded.ok());
    CHECK(decoded.error().code == ErrorCode::corrupt);
    CHECK(decoded.error().message == "event type " + std::to_string(row.type) + " (" +
                                         std::string(event_name(row.type)) + "): " + row.fault);
    CHECK(event_to_json({row.type, 1}, row.body).error() == decoded.error());
  }
}

TEST_CASE("a message of a Kafka topic that does not fit is corrupt") {
  const auto replicated = [] { return Wire().number(1, 1).zeros(3, 16); };
  CHECK(decode_replicated(replicated().message(6, Wire())).ok());
  CHECK(decode_replicated(Wire().number(1, 2)).error().message ==
        "replicated record: format 2 is not known");
  CHECK(decode_replicated(replicated()).error().message ==
        "replicated record: its kind is not known");
  CHECK(decode_replicated(Wire().number(1, 1).message(6, Wire())).error().message ==
        "replicated record: nonce has 0 bytes instead of 16");
  const auto change = Wire().number(1, 5).text(2, "row").zeros(4, 31);
  CHECK(decode_replicated(replicated().message(7, Wire().message(2, change))).error().message ==
        "replicated record: blob_hash has 31 bytes instead of 32");
  CHECK(decode_replicated(replicated().message(7, Wire().number(4, 9))).error().message ==
        "replicated record: access records and their position do not go together");
  CHECK(decode_key_blob(Wire().zeros(3, 16)).error().message == "key blob: format 0 is not known");
  const auto start = [](std::uint64_t first, std::uint64_t last) {
    return Wire().number(1, first).number(2, last).zeros(3, 32);
  };
  const auto moved = [&](const Wire& begin) {
    return decode_replicated(
        replicated().message(7, Wire().number(4, 9).zeros(5, 3).message(6, begin)));
  };
  CHECK(moved(start(1, 8)).ok());
  for (const auto& wrong : {start(0, 8), start(1, 7), start(9, 8)})
    CHECK(moved(wrong).error().message ==
          "replicated record: access records do not begin behind what is missing");
  CHECK(moved(Wire().number(1, 1).number(2, 8)).error().message ==
        "replicated record: last_hash has 0 bytes instead of 32");
  CHECK(decode_replica_position(Wire().number(1, 1)).error().message ==
        "replica position: claim nonce has 0 bytes instead of 16");
}

TEST_CASE("a record, batch or access record that does not fit is corrupt") {
  const auto ids = [](Wire w) { return w.zeros(2, 16).zeros(5, 16).zeros(8, 16).zeros(11, 16); };
  CHECK(decode_record(ids(Wire().number(1, 1))).ok());
  CHECK(decode_record(ids(Wire())).error().message == "event record: format 0 is not known");
  CHECK(decode_record(ids(Wire().number(1, 2))).error().message ==
        "event record: format 2 is not known");
  CHECK(decode_record(ids(Wire().number(1, 1).zeros(7, 31))).error().message ==
        "event record: previous_hash has 31 bytes instead of 32");
  CHECK(decode_record(Wire().number(1, 1).zeros(2, 16).zeros(5, 16).zeros(8, 16)).error().message ==
        "event record: command_id has 0 bytes instead of 16");
  CHECK(decode_batch(Wire().text(1, "body")).error().message ==
        "event batch: stream has 0 bytes instead of 16");
  CHECK(decode_access_envelope(Wire().zeros(2, 16)).error().message ==
        "access envelope: format 0 is not known");
  CHECK(decode_access_envelope(Wire().number(1, 1).zeros(2, 16)).error().message ==
        "access envelope: log_key has 0 bytes instead of 16");
  CHECK(decode_access_record(Wire().zeros(3, 16).number(13, 65535)).ok());
  CHECK(decode_access_record(Wire().zeros(3, 16).number(13, 65536)).error().message ==
        "access record: status is too large");
  CHECK(decode_access_record(Wire()).error().message ==
        "access record: tenant has 0 bytes instead of 16");
}

TEST_CASE("a snapshot that does not fit is corrupt") {
  const auto policies = encode_snapshot(samples::policy_snapshot());
  CHECK(decode_snapshot<secret::SecretState>(policies).error().message ==
        "snapshot: state of a secret is missing");
  CHECK(decode_snapshot<tenant::TenantState>(policies).error().message ==
        "snapshot: state of a tenant is missing");
  CHECK(decode_snapshot<keyring::KeyringState>(policies).error().message ==
        "snapshot: state of a keyring is missing");
  CHECK(decode_snapshot<token::TokenState>(policies).error().message ==
        "snapshot: state of a token is missing");
  CHECK(decode_snapshot<policy::PolicySet>(encode_snapshot(samples::token_snapshot()))
            .error()
            .message == "snapshot: state of the policies is missing");
  CHECK(decode_snapshot<policy::PolicySet>(Wire().number(1, 9)).error().message ==
        "snapshot: format 9 is not known");
  const auto version = [](std::uint64_t n) { return Wire().number(1, n).zeros(5, 16); };
  const Wire secret = Wire().zeros(2, 16).message(12, version(2)).message(12, version(2));
  CHECK(decode_snapshot<secret::SecretState>(Wire().number(1, 1).message(3, secret))
            .error()
            .message == "snapshot: versions are not ascending");
  const Wire mount = Wire().zeros(1, 16).text(2, "kv/").message(14, Wire());
  const Wire tenant = Wire().zeros(3, 16).message(7, mount).message(7, mount);
  CHECK(decode_snapshot<tenant::TenantState>(Wire().number(1, 1).message(4, tenant))
            .error()
            .message == "snapshot: mounts are not ascending");
}

}  // namespace
}  // namespace coffer::codec
