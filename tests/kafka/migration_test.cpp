// A vault is moved into the topics and out of them: everything is as before, damage and foreign
// content are refused, and what is not finished is used by nobody.
#include <fstream>

#include "events/log/migration/migration.h"
#include "events/log/migration/vault_export.h"
#include "tests/kafka/kafka_fixture.h"

using namespace coffer;
using namespace coffer::log;
using namespace coffer::testing;

namespace {

const Bytes kDestroyed(40, 0xDD);

// An embedded vault that was started twice, has dropped access records and destroyed a key.
class Embedded {
 public:
  explicit Embedded(const std::filesystem::path& folder) : folder_(folder) {
    std::filesystem::create_directories(folder);
    fill();
    grow();
  }

  [[nodiscard]] RocksDbOptions options() const {
    RocksDbOptions out;
    out.directory = folder_ / "store";
    return out;
  }
  std::unique_ptr<EventLog> open(std::uint8_t nonce) const {
    auto opened = open_rocksdb_log(options(), Nonce128{{nonce}});
    if (!opened) FAIL(opened.error().message);
    return std::move(*opened);
  }
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }

 private:
  void fill() const {
    const auto log = open(41);
    codec::VaultRow vault;
    vault.root_epoch = 1;
    auto first = append_of(event_of(1, "first"));
    first.changes.push_back({Family::meta, meta_row("vault"), codec::encode_vault_row(vault)});
    append_all(*log, {first});
    for (std::uint8_t i = 1; i <= 5; ++i) {
      auto append = append_of(event_of(i % 2 + 1, "payload"));
      append.access.push_back(access_of(1, i));
      for (std::size_t family = 1; family < kFamilyCount; ++family)
        append.changes.push_back({static_cast<Family>(family), {i}, Bytes(40, i), family == 2});
      append_all(*log, {append});
    }
    append_all(*log, {put(Family::keys, {77}, kDestroyed)});
    REQUIRE(log->trim_access(0, Timestamp{3}, ~0ull).ok());
  }
  void grow() const {
    const auto log = open(42);
    Append destroy = append_of(event_of(2, "destroyed"));
    destroy.changes.push_back({Family::keys, {77}, std::nullopt});
    destroy.access.push_back(access_of(2, 9));
    append_all(*log, {destroy, append_of(event_of(3, "a third tenant"))});
    REQUIRE(log->shred_deleted_keys().ok());
  }

  std::filesystem::path folder_;
};

std::map<std::string, std::string> files_of(const std::filesystem::path& folder) {
  std::map<std::string, std::string> out;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    out[entry.path().string()] = {std::istreambuf_iterator<char>(in), {}};
  }
  return out;
}

struct World {
  TemporaryDirectory directory;
  TestCluster cluster;
  Embedded source{directory.path() / "source"};
  std::vector<std::string> steps;

  MigrationContext context(const std::filesystem::path& embedded) {
    MigrationContext out;
    out.cluster = cluster.options("migration");
    out.embedded.directory = embedded / "store";
    out.folder = embedded;
    out.scratch = directory.path() / "scratch";
    out.nonce = cluster.next_nonce();
    out.now = Timestamp{1'000'000'000};
    out.on_step = [this](std::string_view step) { steps.emplace_back(step); };
    return out;
  }
  Result<StoreSummary> to_kafka() { return migrate_to_kafka(context(source.folder()), any); }
  static Result<void> any(const codec::VaultRow&) { return {}; }
  bool in_files(const std::filesystem::path& folder, const Bytes& needle) const {
    const auto files = files_of(folder);
    return std::any_of(files.begin(), files.end(), [&](const auto& file) {
      return file.second.find(as_text(needle)) != std::string::npos;
    });
  }
};

std::string marked(const std::string& prefix, const std::string& folder) {
  return fmt::format(
      "the vault of {0} is being moved into the topics since 1970-01-01T00:00:01Z; if that was "
      "interrupted, delete the topics {1}-events, {1}-access and {1}-keys and start `coffer "
      "migrate to-kafka` again",
      folder, prefix);
}

}  // namespace

TEST_CASE("migration: a vault goes into the topics, lives there, and comes back") {
  World world;
  const auto files = files_of(world.source.folder());
  const auto moved = world.to_kafka();
  require_ok(moved);
  CHECK(moved->tenants == 3);
  CHECK(moved->events == 8);
  CHECK(moved->access_records == 4);
  CHECK(moved->keys == 5);
  CHECK(moved->last_epoch == 2);
  CHECK(files_of(world.source.folder()) == files);
  CHECK_FALSE(std::filesystem::exists(world.directory.path() / "scratch"));

  Contents before;
  {
    auto node = world.cluster.open("a");
    before = contents_of(*node);
    CHECK(node->epoch(0) == 4);
    CHECK(append_all(*node, {append_of(event_of(3, "in the cluster"))}).front().tenant_sequence ==
          2);
    append_all(*node, {put(Family::keys, {78}, kDestroyed)});
    Append destroy;
    destroy.changes.push_back({Family::keys, {78}, std::nullopt});
    append_all(*node, {destroy});
    REQUIRE(node->release().ok());
  }
  const auto target = world.directory.path() / "target";
  std::filesystem::create_directories(target);
  const auto back = migrate_to_embedded(world.context(target), World::any, false);
  require_ok(back);
  CHECK(back->events == 9);
  CHECK_FALSE(world.in_files(target, kDestroyed));

  // The nodes have lost it, and may follow only.
  const auto node = open_kafka_log(world.cluster.options("b"), world.cluster.next_nonce());
  REQUIRE_FALSE(node.ok());
  CHECK(node.error().message ==
        fmt::format("the vault was moved to the embedded one in {} on 1970-01-01T00:00:01Z; if it "
                    "is not used there, `coffer migrate reopen` gives it back to the cluster",
                    target.string()));

  {
    RocksDbOptions options;
    options.directory = target / "store";
    auto embedded = open_rocksdb_log(options, kNonce);
    require_ok(embedded);
    // As the source was, with what the cluster added.
    const auto source = world.source.open(43);
    auto after = contents_of(**embedded);
    CHECK(after.events.size() == 9);
    after.events.pop_back();
    CHECK(after == before);
    CHECK(after == contents_of(*source));
    CHECK(append_all(**embedded, {append_of(event_of(3, "back"))}).front().tenant_sequence == 3);
    const auto last = codec::decode_record((*embedded)->read_events(0, 10, 1)->front().bytes);
    CHECK(last->epoch == 6);  // above the cluster's claims
  }
  // And once more, into other topics: epochs with gaps.
  TestCluster second;
  auto context = world.context(target);
  context.cluster = second.options("migration");
  require_ok(migrate_to_kafka(context, World::any));
  CHECK(contents_of(*second.open("a")).events.size() == 10);
}

TEST_CASE("migration: the cluster's vault is left to its nodes again") {
  World world;
  require_ok(world.to_kafka());
  const auto target = world.directory.path() / "target";
  CHECK(reopen_cluster(world.context(target)).error().code == ErrorCode::not_found);
  require_ok(migrate_to_embedded(world.context(target), World::any, false));
  CHECK(migrate_to_embedded(world.context(target), World::any, false).error().code ==
        ErrorCode::already_exists);
  // Once more, as after an interruption.
  std::filesystem::remove_all(target);
  require_ok(migrate_to_embedded(world.context(target), World::any, false));
  require_ok(reopen_cluster(world.context(target)));
  const auto node = world.cluster.open("a");
  CHECK(contents_of(*node) == contents_of(*world.source.open(43)));
}

TEST_CASE("migration: a node that has not released the vault keeps it unless it is dead") {
  World world;
  require_ok(world.to_kafka());
  auto node = world.cluster.open("a");
  const auto target = world.directory.path() / "target";
  CHECK(migrate_to_embedded(world.context(target), World::any, false).error().message ==
        "node a has not released the vault: stop all nodes (SIGTERM, the active one last); if it "
        "died, say --owner-is-dead");
  append_all(*node, {append_of(event_of(3, "still alive"))});
  require_ok(migrate_to_embedded(world.context(target), World::any, true));
  std::vector<Append> late{append_of(event_of(3, "too late"))};
  CHECK_FALSE(node->append(late).ok());
}

TEST_CASE("migration: a damaged source is refused by tenant and record, and nothing is written") {
  World world;
  RocksDbState store(world.source.options());
  REQUIRE(store.open().ok());
  const auto records = store.read_tenant(tenant_of(2), 2, 1);
  auto bytes = records->front().bytes;
  const auto put_back = [&](const Bytes& changed) {
    RocksDbBatch batch(store);
    batch.put_event(0, records->front().position, tenant_of(2), 2, changed);
    REQUIRE(store.write(batch, true).ok());
  };
  SUBCASE("a byte of a payload") {
    const auto at = as_text(bytes).find("payload");
    REQUIRE(at != std::string::npos);
    bytes[at] ^= 1;
    put_back(bytes);
    CHECK(check_store(store).error().message ==
          "record 3 of the tenant 02000000-0000-0000-0000-000000000000 does not follow record 2: "
          "one of the two was changed");
  }
  SUBCASE("a record that does not decode") {
    put_back(Bytes(bytes.begin(), bytes.begin() + 20));
    CHECK(check_store(store).error().message.starts_with(
        "record 2 of the tenant 02000000-0000-0000-0000-000000000000 (position 4) is damaged"));
  }
}

TEST_CASE("migration: what cannot be moved is refused before anything is written") {
  World world;
  const auto cluster = world.cluster.options("migration");
  SUBCASE("the embedded server runs") {
    const auto running = world.source.open(50);
    const auto refused = world.to_kafka();
    CHECK(refused.error().code == ErrorCode::unavailable);
    CHECK(refused.error().message.starts_with(
        "stop the embedded server first (another process has the store"));
  }
  SUBCASE("there is no store") {
    auto context = world.context(world.directory.path() / "nowhere");
    CHECK(migrate_to_kafka(context, World::any).error().code == ErrorCode::not_found);
    CHECK_FALSE(std::filesystem::exists(world.directory.path() / "nowhere"));
  }
  SUBCASE("the caller does not want this vault") {
    const auto no = [](const codec::VaultRow&) -> Result<void> {
      return fail(ErrorCode::invalid_argument, "not this one");
    };
    CHECK(migrate_to_kafka(world.context(world.source.folder()), no).error().message ==
          "not this one");
  }
  CHECK_FALSE(*topics_exist(cluster.client, cluster.topics.prefix));
}

TEST_CASE("migration: topics with content are refused, and stores of the other engine") {
  World world;
  require_ok(world.to_kafka());
  CHECK(world.to_kafka().error().code == ErrorCode::already_exists);
  const auto as_node = [&] {
    auto options = world.cluster.options("a");
    options.store = world.source.options();
    return open_kafka_log(options, kNonce);
  };
  CHECK(as_node().error().message ==
        "the store is an embedded vault's: a cluster node needs a data folder of its own");
  world.cluster.open("a");
  RocksDbOptions node_store;
  node_store.directory = world.cluster.store("a").string();
  CHECK(open_rocksdb_log(node_store, kNonce).error().message ==
        "the store is a cluster node's copy: it cannot be used as an embedded one");
}

TEST_CASE("migration: nobody uses topics whose migration was interrupted") {
  World world;
  const auto options = world.cluster.options("migration");
  require_ok(ensure_topics(options.client, options.topics));
  RocksDbState source(world.source.options());
  REQUIRE(source.open_read_only().ok());
  const auto target = VaultExport::start(source, options, 2, world.cluster.next_nonce());
  require_ok(target);
  const auto folder = world.source.folder().string();
  const auto refused = [&] {
    const auto node = open_kafka_log(world.cluster.options("a"), world.cluster.next_nonce());
    return node.ok() ? std::string("it was taken over") : node.error().message;
  };
  const auto why = marked(world.cluster.prefix(), folder);
  require_ok((*target)->write_events(
      {codec::MigrationDirection::to_kafka, Timestamp{1'000'000'000}, folder}));
  CHECK(refused() == why);
  require_ok((*target)->write_access());
  require_ok((*target)->write_rows());
  CHECK(refused() == why);
  CHECK(world.to_kafka().error().code == ErrorCode::unavailable);  // the source is still held
  CHECK(migrate_to_embedded(world.context(world.directory.path() / "target"), World::any, true)
            .error()
            .message == why);
  require_ok((*target)->finish());
  CHECK(refused() == "it was taken over");
}

TEST_CASE("migration: a node that claims the topics in between stops the migration") {
  World world;
  const auto options = world.cluster.options("migration");
  require_ok(ensure_topics(options.client, options.topics));
  RocksDbState source(world.source.options());
  REQUIRE(source.open_read_only().ok());
  const auto target = VaultExport::start(source, options, 2, world.cluster.next_nonce());
  require_ok(target);
  world.cluster.open("a");
  const auto written = (*target)->write_events(
      {codec::MigrationDirection::to_kafka, Timestamp{1}, world.source.folder().string()});
  CHECK(written.error().code == ErrorCode::already_exists);
}
