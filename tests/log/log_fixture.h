// The two logs behind one face, and the appends that the cases are made of.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "events/codec/event_codec.h"
#include "events/log/memory_log.h"
#include "events/log/rocksdb_log.h"
#include "events/log/state_keys.h"

namespace coffer::testing {

inline constexpr Nonce128 kNonce{{7}};

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "coffer-log-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// A log that can be closed and opened again.
class LogUnderTest {
 public:
  virtual ~LogUnderTest() = default;
  virtual log::EventLog& log() = 0;
  virtual void reopen() = 0;
};

class MemoryUnderTest final : public LogUnderTest {
 public:
  log::EventLog& log() override { return *log_; }
  void reopen() override { log_ = log_->crash(log::LastBatch::lost, kNonce); }

 private:
  std::unique_ptr<log::MemoryLog> log_ = std::make_unique<log::MemoryLog>(kNonce);
};

class RocksDbUnderTest final : public LogUnderTest {
 public:
  RocksDbUnderTest() { open(); }
  log::EventLog& log() override { return *log_; }
  void reopen() override {
    log_.reset();
    open();
  }

 private:
  void open() {
    log::RocksDbOptions options;
    options.directory = directory_.path() / "db";
    auto opened = log::open_rocksdb_log(options, kNonce);
    REQUIRE(opened.ok());
    log_ = std::move(*opened);
  }
  TemporaryDirectory directory_;
  std::unique_ptr<log::EventLog> log_;
};

// Runs a case on both logs.
inline void on_each_log(const std::function<void(LogUnderTest&)>& run) {
  {
    INFO("memory");
    MemoryUnderTest memory;
    run(memory);
  }
  INFO("RocksDB");
  RocksDbUnderTest rocksdb;
  run(rocksdb);
}

inline TenantId tenant_of(std::uint8_t number) {
  return TenantId{{number}};
}

inline log::EventAppend event_of(std::uint8_t tenant, std::string_view payload) {
  const auto bytes = as_bytes(payload);
  return {.tenant = tenant_of(tenant),
          .time = Timestamp{1000},
          .log_key = KeyId{{9}},
          .heads = {{101, 1}},
          .payload = Bytes(bytes.begin(), bytes.end()),
          .command_id = {}};
}

inline log::AccessAppend access_of(std::uint8_t tenant, std::int64_t time_ns) {
  return {tenant_of(tenant), Timestamp{time_ns}, KeyId{}, Bytes{1, 2, 3}};
}

inline log::Append append_of(log::EventAppend event) {
  log::Append append;
  append.event = std::move(event);
  return append;
}

inline log::Append put(log::Family family, Bytes key, Bytes value, bool stamped = false) {
  log::Append append;
  append.changes.push_back({family, std::move(key), std::move(value), stamped});
  return append;
}

// Appends one batch; it must succeed.
inline std::vector<log::Appended> append_all(log::EventLog& log, std::vector<log::Append> batch) {
  auto result = log.append(batch);
  REQUIRE(result.ok());
  return std::move(*result);
}

}  // namespace coffer::testing
