// Every stored form ever released decodes for ever: the files in tests/golden are the proof. They
// are written once (COFFER_WRITE_GOLDEN=1 test_codec, missing ones only) and never edited.
#include <doctest/doctest.h>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "events/codec/event_registry.h"
#include "tests/codec/samples.h"

namespace coffer::codec {
namespace {

namespace fs = std::filesystem;

const fs::path kGolden = fs::path(COFFER_SOURCE_DIR) / "tests" / "golden";
const fs::path kRegistry = kGolden / "events" / "registry.txt";

bool may_write() {
  return std::getenv("COFFER_WRITE_GOLDEN") != nullptr;
}

std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  REQUIRE_MESSAGE(in.good(), "no golden file " << path.string() << ": see the top of this test");
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void write(const fs::path& path, std::string_view content, std::ios::openmode mode) {
  fs::create_directories(path.parent_path());
  std::ofstream out(path, std::ios::binary | mode);
  out << content;
  REQUIRE(out.good());
}

// The golden content; `now` becomes it when there is none yet and golden files may be written.
std::string golden(const fs::path& path, std::string_view now) {
  if (!fs::exists(path) && may_write()) write(path, now, std::ios::trunc);
  return read(path);
}

std::string registry_line(const EventRow& row) {
  return std::to_string(row.type) + " " + std::string(row.name) + "\n";
}

template <class Value, class Encode, class Decode>
void check_golden(const std::string& name, const Value& sample, Encode encode, Decode decode) {
  CAPTURE(name);
  const Bytes now = encode(sample);
  const auto stored = golden(kGolden / "codec" / name / "v1.bin", as_text(now));
  CHECK(stored == as_text(now));
  const auto decoded = decode(as_bytes(stored));
  REQUIRE(decoded.ok());
  CHECK(*decoded == sample);
}

template <class State>
void check_golden_snapshot(const std::string& name, const Snapshot<State>& sample) {
  check_golden(
      name, sample, [](const auto& s) { return encode_snapshot(s); }, decode_snapshot<State>);
}

TEST_CASE("every event type has a golden file that decodes to its sample and encodes to itself") {
  for (const auto& event : samples::events()) {
    const auto now = encode_event(event);
    const std::string name(event_name(now.head.type));
    CAPTURE(name);
    const auto file = "v" + std::to_string(now.head.schema_version);
    const auto stored = golden(kGolden / "events" / name / (file + ".bin"), as_text(now.body));
    CHECK(stored == as_text(now.body));
    const auto decoded = decode_event(now.head, as_bytes(stored));
    REQUIRE(decoded.ok());
    CHECK(*decoded == event);
    const auto json = event_to_json(now.head, as_bytes(stored));
    REQUIRE(json.ok());
    CHECK(golden(kGolden / "events" / name / (file + ".json"), *json + "\n") == *json + "\n");
  }
}

TEST_CASE("every golden event there is still decodes") {
  for (const auto& folder : fs::directory_iterator(kGolden / "events")) {
    if (!folder.is_directory()) continue;
    const auto name = folder.path().filename().string();
    CAPTURE(name);
    const auto rows = event_registry();
    const auto row =
        std::find_if(rows.begin(), rows.end(), [&](const EventRow& r) { return r.name == name; });
    REQUIRE(row != rows.end());
    for (const auto& file : fs::directory_iterator(folder)) {
      if (file.path().extension() != ".bin") continue;
      const auto version = std::stoul(file.path().stem().string().substr(1));
      const auto body = read(file.path());
      CHECK(decode_event({row->type, static_cast<std::uint32_t>(version)}, as_bytes(body)).ok());
    }
  }
}

TEST_CASE("type numbers and names are never changed, reused or dropped") {
  std::set<std::string> released;
  if (fs::exists(kRegistry)) {
    std::ifstream in(kRegistry);
    for (std::string line; std::getline(in, line);) released.insert(line + "\n");
  }
  std::set<std::string> now;
  for (const auto& row : event_registry()) {
    const auto line = registry_line(row);
    now.insert(line);
    if (!released.contains(line) && may_write()) {
      write(kRegistry, line, std::ios::app);
      released.insert(line);
    }
  }
  CHECK(released == now);
}

TEST_CASE("records, batches and the access log have golden files") {
  check_golden("record", samples::record(), encode_record, decode_record);
  check_golden("batch", samples::batch(), encode_batch, decode_batch);
  check_golden("access_envelope", samples::access_envelope(), encode_access_envelope,
               decode_access_envelope);
  check_golden("access_record", samples::access_record(), encode_access_record,
               decode_access_record);
  check_golden("access_record_traced", samples::traced_access_record(), encode_access_record,
               decode_access_record);
}

TEST_CASE("the messages of the Kafka topics have golden files") {
  const char* names[] = {"replicated_claim",  "replicated_release", "replicated_noop",
                         "replicated_append", "replicated_group",   "replicated_access_start"};
  const auto records = samples::replicated_records();
  for (std::size_t i = 0; i < records.size(); ++i)
    check_golden(names[i], records[i], encode_replicated, decode_replicated);
  check_golden("key_blob", samples::key_blob(), encode_key_blob, decode_key_blob);
  check_golden("vault_row", samples::vault_row(), encode_vault_row, decode_vault_row);
  check_golden("vault_row_with_sealed_pin", samples::vault_row_with_sealed_pin(), encode_vault_row,
               decode_vault_row);
  check_golden("migration_row", samples::migration_row(), encode_migration_row,
               decode_migration_row);
  check_golden("replica_position", samples::replica_position(), encode_replica_position,
               decode_replica_position);
}

TEST_CASE("snapshots have golden files") {
  check_golden_snapshot("secret_snapshot", samples::secret_snapshot());
  check_golden_snapshot("tenant_snapshot", samples::tenant_snapshot());
  check_golden_snapshot("tenant_snapshot_with_roles", samples::tenant_snapshot_with_roles());
  check_golden_snapshot("tenant_snapshot_with_limits", samples::tenant_snapshot_with_limits());
  check_golden_snapshot("keyring_snapshot", samples::keyring_snapshot());
  check_golden_snapshot("keyring_snapshot_rotating", samples::keyring_snapshot_rotating());
  check_golden_snapshot("token_snapshot", samples::token_snapshot());
  check_golden_snapshot("policy_snapshot", samples::policy_snapshot());
}

TEST_CASE("what identities added to stored forms has golden files") {
  const auto whole = [](const AnyEvent& event) { return encode_event(event).body; };
  for (const auto& [name, event] :
       {std::pair{"token_created_of_entity", samples::token_created_of_entity()},
        std::pair{"token_role_with_entity_aliases", samples::token_role_with_entity_aliases()}}) {
    const auto head = encode_event(event).head;
    check_golden(name, event, whole, [&](BytesView body) { return decode_event(head, body); });
  }
  check_golden_snapshot("token_snapshot_of_entity", samples::token_snapshot_of_entity());
  check_golden_snapshot("entity_snapshot", samples::entity_snapshot());
  check_golden_snapshot("group_snapshot", samples::group_snapshot());
}

}  // namespace
}  // namespace coffer::codec
