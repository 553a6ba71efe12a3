// State rebuilt from a log's JSON, at every record.
#include <doctest/doctest.h>

#include "tests/cli/event_pages.h"
#include "tools/coffer/replay.h"
#include "tools/coffer/state_view.h"

namespace coffer::cli {
namespace {

const std::string kStream = "0000000000000000000000000000aaaa";
const std::string kMount = "101112131415161718191a1b1c1d1e1f";
const std::string kHash(64, '3');

std::string event(const std::string& name, const std::string& body) {
  return fmt::format(R"({{"name":"{}","json":{}}})", name, body);
}

std::string written(int version) {
  return event("secret.version_written",
               fmt::format(R"({{"version":{0},"created_time":"2026-01-01T00:00:0{0}Z",)"
                           R"("deletion_time":null,"data_key":"202122232425262728292a2b2c2d2e2f",)"
                           R"("data_key_blob_hash":"{1}","sealed_value":{{"sealed_bytes":9}},)"
                           R"("oldest_version":0,"patched":false}})",
                           version, kHash));
}

FakeLog secret_log() {
  const auto created =
      event("secret.created",
            fmt::format(R"({{"mount":"{}","path":"app/db","created_time":"2026-01-01T00:00:01Z"}})",
                        kMount));
  FakeLog log;
  log.records = {
      fake_record(3, "[" + created + "," + written(1) + "]", kStream),
      fake_record(4, "[]", "0000000000000000000000000000bbbb"),
      fake_record(5, "[" + written(2) + "]", kStream),
      fake_record(7,
                  "[" +
                      event("secret.versions_deleted",
                            R"({"versions":[2],"deletion_time":"2026-01-01T00:00:07Z"})") +
                      "]",
                  kStream),
      fake_record(8, "[" + event("secret.versions_destroyed", R"({"versions":[1]})") + "]",
                  kStream),
      fake_record(9,
                  "[" + event("secret.removed", R"({"removed_time":"2026-01-01T00:00:09Z"})") + "]",
                  kStream),
  };
  return log;
}

ReplayedState replay(FakeLog log, const std::string& stream, std::uint64_t at) {
  ReplayedState state;
  const auto done =
      for_each_record(log.pages(), 1, stream, [&](const EventRecord& record) -> Result<bool> {
        if (record.sequence > at) return false;
        COFFER_TRY(apply(state, record));
        return true;
      });
  REQUIRE(done.ok());
  return state;
}

TEST_CASE("a secret at each of its records") {
  struct Row {
    std::uint64_t at;
    std::uint64_t records;
    bool exists;
    VersionNumber current;
    bool second_deleted;
    bool first_destroyed;
  };
  const Row rows[] = {
      {3, 1, true, 1, false, false}, {4, 1, true, 1, false, false}, {5, 2, true, 2, false, false},
      {7, 3, true, 2, true, false},  {8, 4, true, 2, true, true},   {9, 5, false, 0, false, false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.at);
    const auto state = replay(secret_log(), kStream, row.at);
    REQUIRE(state.secret.has_value());
    const auto& secret = *state.secret;
    CHECK(state.records == row.records);
    CHECK(secret.exists == row.exists);
    CHECK(secret.current_version == row.current);
    const auto* second = secret.find_version(2);
    CHECK((second != nullptr && second->deletion_time.is_set()) == row.second_deleted);
    const auto* first = row.exists ? secret.find_version(1) : nullptr;
    CHECK((first != nullptr && first->destroyed) == row.first_destroyed);
    CHECK_FALSE(state.tenant.has_value());
  }
}

TEST_CASE("a secret for people") {
  const auto text = state_tables(replay(secret_log(), kStream, 8));
  for (const std::string_view part :
       {"State after record 8 of 2026-01-01T00:00:08Z, rebuilt from 4 records.",
        "secret                app/db\n", "current version       2\n", "VERSION  CREATED",
        "      1  2026-01-01T00:00:01Z  -                     true       -\n",
        "      2  2026-01-01T00:00:02Z  2026-01-01T00:00:07Z  false      "
        "20212223-2425-2627-2829-2a2b2c2d2e2f\n"})
    CHECK_MESSAGE(text.find(part) != std::string::npos, part << "\nnot in\n" << text);
  CHECK(state_tables(replay(secret_log(), kStream, 9)).find("secret  removed") !=
        std::string::npos);
}

TEST_CASE("a secret for programs") {
  const auto out = state_json(replay(secret_log(), kStream, 3), kStream);
  CHECK(out.expose_text() ==
        R"({"stream":"0000000000000000000000000000aaaa","sequence":3,)"
        R"("time":"2026-01-01T00:00:03Z","records":1,"secret":{"exists":true,)"
        R"("mount":"101112131415161718191a1b1c1d1e1f","path":"app/db",)"
        R"("created_time":"2026-01-01T00:00:01Z","updated_time":"2026-01-01T00:00:01Z",)"
        R"("current_version":1,"oldest_version":0,"max_versions":0,"cas_required":false,)"
        R"("delete_version_after_s":0,"custom_metadata":{},"versions":{"1":{)"
        R"("created_time":"2026-01-01T00:00:01Z","deletion_time":null,"destroyed":false,)"
        R"("data_key":"202122232425262728292a2b2c2d2e2f"}}}})");
}

FakeLog tenant_log() {
  const auto reference = [](char digit) {
    return fmt::format(R"({{"id":"{}","blob_hash":"{}"}})", std::string(32, digit),
                       std::string(64, digit));
  };
  const auto keyring =
      fmt::format(R"({{"root_epoch":1,"tenant_key":{},"log_key":{},"index_key":{},)"
                  R"("created_time":null}})",
                  reference('1'), reference('2'), reference('3'));
  const auto mount = fmt::format(
      R"({{"id":"{}","path":"kv/","type":"kv","accessor":"kv_1","options":{{"version":"2"}},)"
      R"("tuning":{{"description":"a\u001b[31mb"}},"local":false,"seal_wrap":false,)"
      R"("created_time":null}})",
      kMount);
  FakeLog log;
  log.records = {
      fake_record(1,
                  "[" + event("keyring.created", keyring) + "," +
                      event("tenant.created",
                            fmt::format(R"({{"parent":"{}","name":"team","created_time":null}})",
                                        kTenantStream)) +
                      "," +
                      event("policy.written",
                            R"({"name":"default","text":"path \"a\" {}","modified_time":null})") +
                      "]"),
      fake_record(2, "[" + event("tenant.mount_enabled", mount) + "]"),
  };
  return log;
}

TEST_CASE("a namespace with its mounts, policies and keys") {
  const auto first = replay(tenant_log(), std::string(kTenantStream), 1);
  CHECK(first.tenant->mounts.empty());
  CHECK(first.policies->texts.at("default") == "path \"a\" {}");
  CHECK(first.keyring->root_epoch == 1);
  const auto second = replay(tenant_log(), std::string(kTenantStream), 2);
  REQUIRE(second.tenant->mounts.contains("kv/"));
  const auto text = state_tables(second);
  CHECK(text.find("namespace        team\n") != std::string::npos);
  CHECK(text.find("a\\u001b[31mb") != std::string::npos);
  CHECK(text.find('\x1b') == std::string::npos);
  const auto json = state_json(second, std::string(kTenantStream));
  const auto parsed = json::Document::parse(json.expose_text());
  REQUIRE(parsed.ok());
  CHECK(parsed->root().find("policies")->find("default")->text() == "path \"a\" {}");
  CHECK(parsed->root().find("secret") == nullptr);
}

TEST_CASE("events that do not fit name their record") {
  FakeLog log;
  log.records = {fake_record(6, "[" + written(2) + "]", kStream)};
  ReplayedState state;
  const auto done =
      for_each_record(log.pages(), 1, kStream, [&](const EventRecord& record) -> Result<bool> {
        COFFER_TRY(apply(state, record));
        return true;
      });
  REQUIRE_FALSE(done.ok());
  CHECK(done.error().code == ErrorCode::corrupt);
  CHECK(done.error().message.starts_with("record 6: "));
  CHECK(state.records == 0);
}

}  // namespace
}  // namespace coffer::cli
