// The event log of a namespace, read page by page. Pages come from a function, so that tests need
// no server.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "events/base/result.h"
#include "events/json/json_value.h"
#include "tools/coffer/api_client.h"

namespace coffer::cli {

// The stream of what belongs to the namespace itself.
inline constexpr std::string_view kTenantStream = "00000000000000000000000000000000";

struct EventRecord {
  std::uint64_t sequence = 0;
  std::string time;  // as the server wrote it
  std::uint64_t epoch = 0;
  std::string hash;           // hex
  std::string previous_hash;  // hex; empty for the first record
  std::string stream;         // hex
  struct Item {
    std::string name;
    const json::Value* body;  // in the page's document
  };
  std::vector<Item> events;
  const json::Value* source = nullptr;  // the whole record, in the page's document
};

struct EventPage {
  json::Document document;
  std::vector<EventRecord> records;
};

// Records from `from` on, `limit` at most; of one stream unless `stream` is empty. An empty page is
// the end of the log.
using FetchPage = std::function<Result<EventPage>(std::uint64_t from, std::size_t limit,
                                                  const std::string& stream)>;

[[nodiscard]] FetchPage pages_of(ApiClient& client);

// `data` lives in `document`. Errors: corrupt.
[[nodiscard]] Result<EventPage> parse_page(json::Document document, const json::Value& data);

// Calls `visit` for each record until it returns false or the log ends. Errors: those of `fetch`
// and of `visit`; corrupt when the server's answers do not move on.
using Visit = std::function<Result<bool>(const EventRecord& record)>;
[[nodiscard]] Result<void> for_each_record(const FetchPage& fetch, std::uint64_t from,
                                           const std::string& stream, const Visit& visit);

// Number of the last record, 0 for an empty log; found with few requests.
[[nodiscard]] Result<std::uint64_t> last_sequence(const FetchPage& fetch);

// Empty, or what is wrong with a stream's name: 32 hex digits, dashes allowed, or 0. Puts it into
// the server's form.
[[nodiscard]] std::string check_stream(std::string& stream);

}  // namespace coffer::cli
