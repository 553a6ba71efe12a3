// A log of records for tests, served page by page as the server does.
#pragma once

#include <fmt/format.h>

#include <string>
#include <vector>

#include "tools/coffer/event_source.h"

namespace coffer::cli {

struct FakeRecord {
  std::uint64_t sequence = 0;
  std::string events;  // a JSON array
  std::string stream = std::string(kTenantStream);
  std::string hash;
  std::string previous_hash;
};

// A chain with the right numbers and hashes, one record for each list of events.
inline std::string fake_hash(std::uint64_t sequence) {
  return sequence == 0 ? std::string{} : fmt::format("{:064x}", sequence);
}
inline FakeRecord fake_record(std::uint64_t sequence, std::string events = "[]",
                              std::string stream = std::string(kTenantStream)) {
  return {sequence, std::move(events), std::move(stream), fake_hash(sequence),
          fake_hash(sequence - 1)};
}

// `limit_max` is the server's own; `requests` counts the calls.
struct FakeLog {
  std::vector<FakeRecord> records;
  std::size_t limit_max = 1000;
  std::size_t requests = 0;

  FetchPage pages() {
    return [this](std::uint64_t from, std::size_t limit,
                  const std::string& stream) -> Result<EventPage> {
      ++requests;
      std::string list;
      std::size_t count = 0;
      for (const auto& r : records) {
        if (r.sequence < from || (!stream.empty() && r.stream != stream)) continue;
        if (count++ == std::min(limit, limit_max)) break;
        list += fmt::format(
            R"({}{{"sequence":{},"time":"2026-01-01T00:00:{:02}Z","epoch":1,"hash":"{}",)"
            R"("previous_hash":"{}","stream":"{}","events":{}}})",
            list.empty() ? "" : ",", r.sequence, r.sequence % 60, r.hash, r.previous_hash, r.stream,
            r.events);
      }
      COFFER_ASSIGN(auto document,
                    json::Document::parse(fmt::format(R"({{"events":[{}]}})", list)));
      const auto& root = document.root();
      return parse_page(std::move(document), root);
    };
  }
};

}  // namespace coffer::cli
