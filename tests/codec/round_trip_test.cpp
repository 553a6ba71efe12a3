// What was encoded decodes to the same value, and to the same bytes when encoded again.
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "events/codec/event_registry.h"
#include "tests/codec/generators.h"
#include "tests/codec/samples.h"

namespace coffer::codec {
namespace {

bool round_trips(const AnyEvent& event) {
  const auto encoded = encode_event(event);
  const auto decoded = decode_event(encoded.head, encoded.body);
  return decoded.ok() && *decoded == event && encode_event(*decoded).body == encoded.body;
}

template <class State>
bool round_trips(const Snapshot<State>& snapshot) {
  const auto bytes = encode_snapshot(snapshot);
  const auto decoded = decode_snapshot<State>(bytes);
  return decoded.ok() && *decoded == snapshot && encode_snapshot(*decoded) == bytes;
}

bool round_trips(const Record& record) {
  const auto bytes = encode_record(record);
  const auto decoded = decode_record(bytes);
  return decoded.ok() && *decoded == record && encode_record(*decoded) == bytes;
}

bool round_trips(const ReplicatedRecord& record) {
  const auto bytes = encode_replicated(record);
  const auto decoded = decode_replicated(bytes);
  return decoded.ok() && *decoded == record && encode_replicated(*decoded) == bytes;
}

bool round_trips(const Batch& batch) {
  const auto bytes = encode_batch(batch);
  const auto decoded = decode_batch(bytes);
  return decoded.ok() && *decoded == batch && encode_batch(*decoded) == bytes;
}

bool round_trips(const AccessEnvelope& envelope) {
  const auto bytes = encode_access_envelope(envelope);
  const auto decoded = decode_access_envelope(bytes);
  return decoded.ok() && *decoded == envelope && encode_access_envelope(*decoded) == bytes;
}

bool round_trips(const audit::AccessRecord& record) {
  const auto bytes = encode_access_record(record);
  const auto decoded = decode_access_record(bytes);
  return decoded.ok() && *decoded == record && encode_access_record(*decoded) == bytes;
}

TEST_CASE("every sample event keeps its value, type and name") {
  const auto events = samples::events();
  REQUIRE(events.size() == event_registry().size());
  for (std::size_t i = 0; i < events.size(); ++i) {
    const auto& row = event_registry()[i];
    CAPTURE(std::string(row.name));
    CHECK(encode_event(events[i]).head == EventHead{row.type, row.schema_version});
    CHECK(event_name(row.type) == row.name);
    CHECK(round_trips(events[i]));
  }
}

TEST_CASE("an event with nothing set round-trips") {
  CHECK(round_trips(secret::Event{secret::SecretVersionWritten{}}));
  CHECK(round_trips(secret::Event{secret::SecretMetadataChanged{}}));
  CHECK(round_trips(tenant::Event{tenant::MountEnabled{}}));
  CHECK(round_trips(tenant::Event{tenant::MountTuned{}}));
  CHECK(round_trips(keyring::Event{keyring::KeyringCreated{}}));
  CHECK(round_trips(keyring::Event{keyring::TenantKeyRotated{}}));
  CHECK(round_trips(token::Event{token::TokenCreated{}}));
  CHECK(round_trips(policy::Event{policy::PolicyWritten{}}));
}

TEST_CASE("set to zero, false or empty is not the same as not set") {
  secret::SecretMetadataChanged metadata{0, false, Seconds{0}, secret::CustomMetadata{}, {}};
  CHECK(round_trips(secret::Event{metadata}));
  tenant::MountTuning tuning{"", Seconds{0}, Seconds{0}, "", false};
  CHECK(round_trips(tenant::Event{tenant::MountTuned{"kv/", tuning}}));
}

TEST_CASE("records, batches and the access log round-trip") {
  CHECK(round_trips(samples::record()));
  CHECK(round_trips(Record{}));
  CHECK(round_trips(samples::batch()));
  CHECK(round_trips(Batch{Bytes(16), {}}));
  CHECK(round_trips(samples::access_envelope()));
  CHECK(round_trips(AccessEnvelope{}));
  CHECK(round_trips(samples::access_record()));
  CHECK(round_trips(audit::AccessRecord{}));
}

TEST_CASE("snapshots round-trip") {
  CHECK(round_trips(samples::secret_snapshot()));
  CHECK(round_trips(samples::tenant_snapshot()));
  CHECK(round_trips(samples::keyring_snapshot()));
  CHECK(round_trips(samples::keyring_snapshot_rotating()));
  CHECK(round_trips(samples::token_snapshot()));
  CHECK(round_trips(samples::policy_snapshot()));
  CHECK(round_trips(Snapshot<secret::SecretState>{}));
  CHECK(round_trips(Snapshot<tenant::TenantState>{}));
  CHECK(round_trips(Snapshot<keyring::KeyringState>{}));
  CHECK(round_trips(Snapshot<token::TokenState>{}));
  CHECK(round_trips(Snapshot<policy::PolicySet>{}));
}

TEST_CASE("property: any event of any aggregate round-trips") {
  for (std::size_t aggregate = 0; aggregate < std::variant_size_v<AnyEvent>; ++aggregate)
    REQUIRE(rc::check("events of aggregate " + std::to_string(aggregate),
                      [&] { RC_ASSERT(round_trips(random::event(aggregate))); }));
}

TEST_CASE("property: any record, batch, access record and snapshot round-trips") {
  REQUIRE(rc::check("record", [] { RC_ASSERT(round_trips(random::record())); }));
  REQUIRE(rc::check("append", [] { RC_ASSERT(round_trips(random::replicated_append())); }));
  REQUIRE(rc::check("group", [] {
    GroupBody group;
    for (int i = *rc::gen::inRange(0, 4); i > 0; --i)
      group.commands.push_back(std::get<AppendBody>(random::replicated_append().body));
    RC_ASSERT(round_trips(ReplicatedRecord{1, Nonce128{{1}}, group}));
  }));
  REQUIRE(rc::check("batch", [] { RC_ASSERT(round_trips(random::batch())); }));
  REQUIRE(rc::check("envelope", [] { RC_ASSERT(round_trips(random::access_envelope())); }));
  REQUIRE(rc::check("access", [] { RC_ASSERT(round_trips(random::access_record())); }));
  REQUIRE(rc::check("secret", [] { RC_ASSERT(round_trips(random::secret_snapshot())); }));
  REQUIRE(rc::check("tenant", [] { RC_ASSERT(round_trips(random::tenant_snapshot())); }));
  REQUIRE(rc::check("keyring", [] { RC_ASSERT(round_trips(random::keyring_snapshot())); }));
  REQUIRE(rc::check("token", [] { RC_ASSERT(round_trips(random::token_snapshot())); }));
  REQUIRE(rc::check("policies", [] { RC_ASSERT(round_trips(random::policy_snapshot())); }));
}

}  // namespace
}  // namespace coffer::codec
