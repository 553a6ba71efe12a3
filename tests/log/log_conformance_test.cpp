// One table of cases for both logs: what is true of one must be true of the other.
#include <atomic>
#include <thread>

#include "tests/log/log_fixture.h"

using namespace coffer;
using namespace coffer::log;
using namespace coffer::testing;

namespace {

codec::Record record_at(EventLog& log, LogPosition position) {
  const auto stored = log.read_events(0, position, 1);
  REQUIRE(stored.ok());
  REQUIRE(stored->size() == 1);
  auto record = codec::decode_record(stored->front().bytes);
  REQUIRE(record.ok());
  return *record;
}

bool has(EventLog& log, Family family, const Bytes& key) {
  const auto row = log.get(family, key);
  REQUIRE(row.ok());
  return row->has_value();
}

// Folder and child as listing rows have them.
Bytes row_in(std::uint8_t folder, std::uint8_t child) {
  Bytes folder_hash(16, folder);
  Bytes child_hash(16, child);
  return listing_row(tenant_of(1), MountId{{1}}, folder_hash, child_hash);
}

}  // namespace

TEST_CASE("log: positions and tenant sequences are dense and start at 1") {
  on_each_log([](LogUnderTest& under_test) {
    auto& log = under_test.log();
    CHECK(log.events_end(0) == 0);
    const auto out = append_all(log, {append_of(event_of(1, "a")), append_of(event_of(2, "b")),
                                      append_of(event_of(1, "c")), put(Family::meta, {1}, {2})});
    REQUIRE(out.size() == 4);
    CHECK(out[0].position == 1);
    CHECK(out[0].tenant_sequence == 1);
    CHECK(out[1].position == 2);
    CHECK(out[1].tenant_sequence == 1);
    CHECK(out[2].position == 3);
    CHECK(out[2].tenant_sequence == 2);
    CHECK(out[3].tenant_sequence == 0);
    CHECK(log.events_end(0) == 3);
    const auto mine = log.read_tenant(tenant_of(1), 2, 10);
    REQUIRE(mine.ok());
    REQUIRE(mine->size() == 1);
    CHECK(mine->front().position == 3);
  });
}

TEST_CASE("log: each record holds the hash of its tenant's record before it") {
  on_each_log([](LogUnderTest& under_test) {
    auto& log = under_test.log();
    append_all(log, {append_of(event_of(1, "a")), append_of(event_of(2, "b"))});
    append_all(log, {append_of(event_of(1, "c"))});
    CHECK(record_at(log, 1).previous_hash.empty());
    CHECK(record_at(log, 2).previous_hash.empty());
    const auto first = log.read_events(0, 1, 1);
    const auto hash = record_hash(first->front().bytes);
    CHECK(record_at(log, 3).previous_hash == Bytes(hash.begin(), hash.end()));
  });
}

TEST_CASE("log: a stamped row carries the sequence of its record, also of an older tenant") {
  on_each_log([](LogUnderTest& under_test) {
    auto& log = under_test.log();
    append_all(log, {append_of(event_of(1, "a"))});
    auto append = append_of(event_of(1, "b"));
    append.changes.push_back({Family::aggregates, {5}, Bytes{42}, true});
    append_all(log, {append});
    const auto row = log.get(Family::aggregates, Bytes{5});
    REQUIRE(row.ok());
    REQUIRE(row->has_value());
    CHECK(unstamp(**row).sequence == 2);
    CHECK(unstamp(**row).value[0] == 42);
  });
}

TEST_CASE("log: a prefix delete takes what lies below the prefix and nothing else") {
  on_each_log([](LogUnderTest& under_test) {
    auto& log = under_test.log();
    const Bytes below{1, 0xFF};
    append_all(log, {put(Family::values, below, {1}), put(Family::values, {1, 0xFF, 3}, {1}),
                     put(Family::values, {2}, {1}), put(Family::values, {1, 0xFE}, {1}),
                     put(Family::keys, {1, 0xFF, 3}, {1})});
    Append removal;
    removal.prefix_deletes.push_back({Family::values, below});
    append_all(log, {removal});
    CHECK_FALSE(has(log, Family::values, below));
    CHECK_FALSE(has(log, Family::values, {1, 0xFF, 3}));
    CHECK(has(log, Family::values, {2}));
    CHECK(has(log, Family::values, {1, 0xFE}));
    CHECK(has(log, Family::keys, {1, 0xFF, 3}));
  });
}

TEST_CASE("log: removing a leaf removes the folders that become empty, within one batch too") {
  on_each_log([](LogUnderTest& under_test) {
    auto& log = under_test.log();
    // top/folder/{a,b}: the folder's rows have folder 2, its own row is in the top folder 1.
    const auto a = row_in(2, 10);
    const auto b = row_in(2, 11);
    const auto folder = row_in(1, 2);
    append_all(log, {put(Family::listing, a, {1}), put(Family::listing, b, {1}),
                     put(Family::listing, folder, {1})});
    Append remove_a;
    remove_a.listing_removals.push_back({{a, folder}});
    append_all(log, {remove_a});
    CHECK_FALSE(has(log, Family::listing, a));
    CHECK(has(log, Family::listing, folder));
    // b goes and c comes in one batch: the folder stays.
    const auto c = row_in(2, 12);
    Append remove_b;
    remove_b.listing_removals.push_back({{b, folder}});
    append_all(log, {put(Family::listing, c, {1}), remove_b});
    CHECK(has(log, Family::listing, folder));
    // c goes and d came and went earlier in the batch: the folder goes.
    const auto d = row_in(2, 13);
    Append remove_d;
    remove_d.listing_removals.push_back({{d, folder}});
    Append remove_c;
    remove_c.listing_removals.push_back({{c, folder}});
    append_all(log, {put(Family::listing, d, {1}), remove_d, remove_c});
    CHECK_FALSE(has(log, Family::listing, folder));
  });
}

TEST_CASE("log: a replacement holds only for a row that is still what it was") {
  struct Row {
    const char* name;
    std::vector<Append> before;  // in the same batch
    std::optional<Bytes> expected;
  };
  const Bytes key{5, 1};
  const Append replace = [&] {
    Append append;
    append.replacements.push_back({Family::keys, key, Bytes{1}, Bytes{2}});
    return append;
  }();
  Append remove;
  remove.changes.push_back({Family::keys, key, std::nullopt, false});
  Append remove_all;
  remove_all.prefix_deletes.push_back({Family::keys, Bytes{5}});
  Append remove_others;
  remove_others.prefix_deletes.push_back({Family::keys, Bytes{6}});
  Append remove_elsewhere;
  remove_elsewhere.changes.push_back({Family::values, key, std::nullopt, false});
  const Row rows[] = {
      {"untouched", {}, Bytes{2}},
      {"deleted before", {remove}, std::nullopt},
      {"deleted with its prefix", {remove_all}, std::nullopt},
      {"another prefix deleted", {remove_others}, Bytes{2}},
      {"the row of another family deleted", {remove_elsewhere}, Bytes{2}},
      {"changed before", {put(Family::keys, key, {3})}, Bytes{3}},
      {"deleted and put again", {remove_all, put(Family::keys, key, {1})}, Bytes{2}},
      {"replaced before", {replace}, Bytes{2}},
  };
  for (const auto& row : rows) {
    for (const bool same_batch : {true, false}) {
      CAPTURE(row.name);
      CAPTURE(same_batch);
      on_each_log([&](LogUnderTest& under_test) {
        auto& log = under_test.log();
        append_all(log, {put(Family::keys, key, {1})});
        auto batch = row.before;
        if (!same_batch && !batch.empty()) append_all(log, std::exchange(batch, {}));
        batch.push_back(replace);
        append_all(log, batch);
        CHECK(*log.get(Family::keys, key) == row.expected);
      });
    }
  }
}

TEST_CASE("log: a row that never was is not replaced") {
  on_each_log([](LogUnderTest& under_test) {
    Append replace;
    replace.replacements.push_back({Family::keys, {5}, Bytes{}, Bytes{2}});
    append_all(under_test.log(), {replace});
    CHECK_FALSE(has(under_test.log(), Family::keys, {5}));
  });
}

TEST_CASE("log: a scan pages through a prefix in order") {
  on_each_log([](LogUnderTest& under_test) {
    auto& log = under_test.log();
    std::vector<Append> batch;
    for (std::uint8_t i = 0; i < 10; ++i) batch.push_back(put(Family::tokens, {1, i}, {i}));
    batch.push_back(put(Family::tokens, {2}, {0}));
    append_all(log, batch);
    std::vector<std::uint8_t> seen;
    Bytes after;
    while (true) {
      const auto page = log.scan(Family::tokens, Bytes{1}, after, 3);
      REQUIRE(page.ok());
      if (page->empty()) break;
      CHECK(page->size() <= 3);
      for (const auto& row : *page) seen.push_back(row.value[0]);
      after = page->back().key;
    }
    CHECK(seen == std::vector<std::uint8_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  });
}

TEST_CASE("log: trimming the access log leaves range and hash, and the chain goes on") {
  on_each_log([](LogUnderTest& under_test) {
    auto& log = under_test.log();
    for (const std::int64_t time : {10, 20, 30}) {
      Append append;
      append.access.push_back(access_of(1, time));
      append_all(log, {append});
    }
    const auto second = log.read_access(0, 2, 1);
    const auto trim = log.trim_access(0, Timestamp{25}, ~0ull);
    REQUIRE(trim.ok());
    CHECK(trim->first == 1);
    CHECK(trim->last == 2);
    CHECK(trim->last_hash == record_hash(second->front().bytes));
    CHECK(log.read_access(0, 1, 10)->front().position == 3);
    // The head stays whatever its age, and the next record follows it.
    CHECK(log.trim_access(0, Timestamp{1000}, 0)->last == 0);
    under_test.reopen();
    CHECK(under_test.log().read_access_trim(0)->last == 2);
    Append append;
    append.access.push_back(access_of(1, 40));
    append_all(under_test.log(), {append});
    const auto records = under_test.log().read_access(0, 3, 10);
    REQUIRE(records->size() == 2);
    const auto hash = record_hash((*records)[0].bytes);
    const auto envelope = codec::decode_access_envelope((*records)[1].bytes);
    CHECK(envelope->previous_hash == Bytes(hash.begin(), hash.end()));
  });
}

TEST_CASE("log: a reopened log keeps everything and takes the next claim epoch") {
  on_each_log([](LogUnderTest& under_test) {
    append_all(under_test.log(), {append_of(event_of(1, "a")), put(Family::meta, {1}, {2})});
    const auto before = record_at(under_test.log(), 1);
    under_test.reopen();
    auto& log = under_test.log();
    CHECK(log.events_end(0) == 1);
    CHECK(record_at(log, 1) == before);
    CHECK(has(log, Family::meta, {1}));
    const auto out = append_all(log, {append_of(event_of(1, "b"))});
    CHECK(out.front().tenant_sequence == 2);
    const auto after = record_at(log, 2);
    CHECK(after.epoch == before.epoch + 1);
    const auto hash = record_hash(log.read_events(0, 1, 1)->front().bytes);
    CHECK(after.previous_hash == Bytes(hash.begin(), hash.end()));
  });
}

TEST_CASE("log: readers on other threads see whole batches in order") {
  on_each_log([](LogUnderTest& under_test) {
    auto& log = under_test.log();
    std::atomic<bool> stop = false;
    std::atomic<unsigned> wrong = 0;
    std::vector<std::thread> readers;
    for (int i = 0; i < 3; ++i) {
      readers.emplace_back([&] {
        while (!stop) {
          const auto end = log.events_end(0);
          const auto records = log.read_events(0, 1, ~std::size_t{0});
          if (!records || records->size() < end) ++wrong;
          for (std::size_t at = 0; records && at < records->size(); ++at)
            if ((*records)[at].position != at + 1) ++wrong;
        }
      });
    }
    for (int i = 0; i < 100; ++i)
      append_all(log, {append_of(event_of(1, "a")), append_of(event_of(2, "b"))});
    stop = true;
    for (auto& reader : readers) reader.join();
    CHECK(wrong == 0u);
  });
}
