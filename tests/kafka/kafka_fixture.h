// A cluster of its own for each case: topics under a fresh prefix on the broker that the suite
// started, a store in a temporary folder.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <string>

#include <fmt/format.h>

#include "events/log/kafka/kafka_event_log.h"
#include "events/log/meta_rows.h"
#include "tests/log/log_fixture.h"

namespace coffer::testing {

inline std::string required_environment(const char* name) {
  const char* value = std::getenv(name);
  REQUIRE_MESSAGE(value != nullptr, name << " is not set: run tests/kafka/kafka_suite.sh");
  return value;
}

// kill -9 of the broker, or its start; returns when it is done.
inline void control_broker(const std::string& action, int number = 1) {
  const auto command = fmt::format(
      "python3 -B {}/tests/support/kafka_broker.py --control {} {} {}", COFFER_SOURCE_DIR,
      required_environment("COFFER_TEST_KAFKA_CONTROL"), action, number);
  REQUIRE(std::system(command.c_str()) == 0);
}

inline std::string fresh_prefix() {
  static int number = 0;
  return fmt::format("case-{}", ++number);
}

class TestCluster {
 public:
  log::KafkaLogOptions options(const std::string& node = "a") {
    log::KafkaLogOptions out;
    out.client.bootstrap = required_environment("COFFER_TEST_KAFKA");
    out.client.client_id = "test-" + node;
    out.client.delivery_timeout = log::Milliseconds(3'000);
    out.client.request_timeout = log::Milliseconds(5'000);
    out.client.message_bytes_max = 1u << 20;
    out.topics.prefix = prefix_;
    const auto brokers =
        std::count(out.client.bootstrap.begin(), out.client.bootstrap.end(), ',') + 1;
    out.topics.replication = brokers < 3 ? 1 : 3;
    out.topics.in_sync_replicas_min = brokers < 3 ? 1 : 2;
    out.store.directory = store(node).string();
    out.node = node;
    out.lease = log::Milliseconds(50);
    return out;
  }
  [[nodiscard]] std::filesystem::path store(const std::string& node) const {
    return directory_.path() / node;
  }
  std::unique_ptr<log::KafkaEventLog> open(const std::string& node = "a") {
    auto opened = log::open_kafka_log(options(node), next_nonce());
    if (!opened) FAIL(opened.error().message);
    return std::move(*opened);
  }
  std::unique_ptr<log::KafkaReplica> follow(const std::string& node) {
    auto opened = log::KafkaReplica::open(options(node));
    if (!opened) FAIL(opened.error().message);
    return std::move(*opened);
  }
  void wipe(const std::string& node) { std::filesystem::remove_all(store(node)); }
  Nonce128 next_nonce() { return Nonce128{{++nonces_}}; }
  [[nodiscard]] const std::string& prefix() const { return prefix_; }

 private:
  TemporaryDirectory directory_;
  std::string prefix_ = fresh_prefix();
  std::uint8_t nonces_ = 0;
};

template <class T>
void require_ok(const Result<T>& result) {
  if (!result.ok()) FAIL(result.error().message);
}

// Everything that two logs must have in common: records but for their claims' epochs, rows of every
// family but the logs' own rows in "meta".
struct Contents {
  std::vector<Bytes> events;
  std::vector<Bytes> access;
  std::vector<std::vector<std::pair<Bytes, Bytes>>> families;
  friend bool operator==(const Contents&, const Contents&) = default;
};

template <class Log>
Contents contents_of(const Log& log) {
  Contents out;
  const auto events = log.read_events(0, 1, ~std::size_t{0});
  require_ok(events);
  for (const auto& stored : *events) out.events.push_back(stored.bytes);
  const auto access = log.read_access(0, 1, ~std::size_t{0});
  require_ok(access);
  for (const auto& stored : *access) out.access.push_back(stored.bytes);
  for (std::size_t family = 0; family < log::kFamilyCount; ++family) {
    auto& rows = out.families.emplace_back();
    const auto scanned = log.scan(static_cast<log::Family>(family), {}, {}, ~std::size_t{0});
    require_ok(scanned);
    for (const auto& row : *scanned) {
      const auto name = as_text(row.key);
      const bool own =
          family == 0 && log::is_engine_row(row.key) && !name.starts_with(log::kAccessTrimRows);
      if (!own) rows.emplace_back(row.key, row.value);
    }
  }
  return out;
}

}  // namespace coffer::testing
