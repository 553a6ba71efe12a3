// What only a disk can do: torn tails, locks, bytes that must leave every file.
#include <fstream>

#include "events/log/rocksdb_state.h"
#include "tests/log/log_fixture.h"

using namespace coffer;
using namespace coffer::log;
using namespace coffer::testing;

namespace {

RocksDbOptions options_in(const std::filesystem::path& directory) {
  RocksDbOptions options;
  options.directory = directory;
  return options;
}

bool any_file_holds(const std::filesystem::path& directory, BytesView needle) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string content((std::istreambuf_iterator<char>(file)), {});
    if (content.find(as_text(needle)) != std::string::npos) return true;
  }
  return false;
}

// The newest write-ahead log.
std::filesystem::path wal_of(const std::filesystem::path& directory) {
  std::filesystem::path newest;
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    if (entry.path().extension() == ".log" && entry.path() > newest) newest = entry.path();
  return newest;
}

}  // namespace

TEST_CASE("rocksdb: a store is read under its lock and left as it is") {
  TemporaryDirectory directory;
  RocksDbOptions options;
  options.directory = directory.path() / "db";
  RocksDbState nothing(options);
  CHECK(nothing.open_read_only().error().code == ErrorCode::not_found);
  CHECK_FALSE(std::filesystem::exists(options.directory));
  {
    auto log = open_rocksdb_log(options, kNonce);
    REQUIRE(log.ok());
    append_all(**log, {append_of(event_of(1, "a")), put(Family::meta, {1}, {2})});
    RocksDbState busy(options);
    CHECK(busy.open_read_only().error().code == ErrorCode::unavailable);
  }
  const auto stamps = [&] {
    std::map<std::string, std::filesystem::file_time_type> out;
    for (const auto& entry : std::filesystem::directory_iterator(options.directory))
      out[entry.path().string()] = entry.last_write_time();
    return out;
  };
  const auto before = stamps();
  {
    RocksDbState state(options);
    REQUIRE(state.open_read_only().ok());
    CHECK(state.heads(0).events == 1);
    auto meta = state.cursor(Table::meta);
    REQUIRE(meta.valid());
    CHECK(Bytes(meta.value().begin(), meta.value().end()) == Bytes{2});
    RocksDbBatch batch(state);
    batch.put(Family::meta, Bytes{1}, Bytes{3});
    CHECK_FALSE(state.write(batch, true).ok());
  }
  CHECK(stamps() == before);
  {
    RocksDbState state(options);
    REQUIRE(state.open_read_only().ok());
    CHECK_FALSE(open_rocksdb_log(options, kNonce).ok());  // the reader has the lock
  }
  CHECK(open_rocksdb_log(options, kNonce).ok());
}

TEST_CASE("rocksdb: after shredding no file holds a deleted key") {
  TemporaryDirectory directory;
  auto log = open_rocksdb_log(options_in(directory.path() / "db"), kNonce);
  REQUIRE(log.ok());
  Bytes blob(60);
  for (std::size_t i = 0; i < blob.size(); ++i) blob[i] = static_cast<std::uint8_t>(131 * i + 77);
  append_all(**log, {put(Family::keys, {1}, blob), put(Family::keys, {2}, Bytes(60, 5))});
  CHECK(any_file_holds(directory.path(), blob));
  Append removal;
  removal.changes.push_back({Family::keys, {1}, std::nullopt, false});
  append_all(**log, {removal});
  REQUIRE((*log)->shred_deleted_keys().ok());
  CHECK_FALSE(any_file_holds(directory.path(), blob));
  CHECK((*log)->get(Family::keys, Bytes{2})->has_value());
}

TEST_CASE("rocksdb: after shredding no file holds what a key was before it was replaced") {
  TemporaryDirectory directory;
  auto log = open_rocksdb_log(options_in(directory.path() / "db"), kNonce);
  REQUIRE(log.ok());
  Bytes blob(60);
  for (std::size_t i = 0; i < blob.size(); ++i) blob[i] = static_cast<std::uint8_t>(131 * i + 77);
  append_all(**log, {put(Family::keys, {1}, blob)});
  REQUIRE((*log)->shred_deleted_keys().ok());
  REQUIRE_FALSE((*log)->has_deleted_keys());
  Append replace;
  replace.replacements.push_back({Family::keys, {1}, blob, Bytes(64, 5)});
  append_all(**log, {replace});
  CHECK((*log)->has_deleted_keys());
  CHECK(any_file_holds(directory.path(), blob));
  REQUIRE((*log)->shred_deleted_keys().ok());
  CHECK_FALSE(any_file_holds(directory.path(), blob));
  CHECK((*log)->get(Family::keys, Bytes{1})->value() == Bytes(64, 5));
}

TEST_CASE("rocksdb: a torn tail of the write-ahead log costs only what was torn") {
  for (const std::uintmax_t torn : {1u, 7u, 40u}) {
    CAPTURE(torn);
    TemporaryDirectory directory;
    const auto source = directory.path() / "db";
    const auto copy = directory.path() / "copy";
    {
      auto log = open_rocksdb_log(options_in(source), kNonce);
      REQUIRE(log.ok());
      for (const auto* payload : {"first", "second", "last"})
        append_all(**log, {append_of(event_of(1, payload))});
      // As a power failure leaves it: copied while open, so that no clean close has flushed.
      std::filesystem::copy(source, copy, std::filesystem::copy_options::recursive);
    }
    const auto wal = wal_of(copy);
    REQUIRE_FALSE(wal.empty());
    REQUIRE(std::filesystem::file_size(wal) > torn);
    std::filesystem::resize_file(wal, std::filesystem::file_size(wal) - torn);
    auto recovered = open_rocksdb_log(options_in(copy), kNonce);
    REQUIRE(recovered.ok());
    CHECK((*recovered)->events_end(0) == 2);
    CHECK(append_all(**recovered, {append_of(event_of(1, "again"))}).front().tenant_sequence == 3);
  }
}

TEST_CASE("rocksdb: a store that is open is not opened a second time") {
  TemporaryDirectory directory;
  const auto options = options_in(directory.path() / "db");
  auto first = open_rocksdb_log(options, kNonce);
  REQUIRE(first.ok());
  const auto second = open_rocksdb_log(options, kNonce);
  REQUIRE_FALSE(second.ok());
  CHECK(second.error().code == ErrorCode::unavailable);
}
