#include "tools/coffer/event_source.h"

#include <algorithm>
#include <memory>

#include <fmt/format.h>

#include "events/base/bytes.h"
#include "tools/coffer/json_fields.h"

namespace coffer::cli {
namespace {

constexpr std::size_t kPageRecords = 500;

Result<EventRecord> parse_record(const json::Value& value) {
  JsonFields::Fault fault;
  JsonFields in(value, fault);
  EventRecord record;
  record.source = &value;
  in.read("sequence", record.sequence);
  in.read("time", record.time);
  in.read("epoch", record.epoch);
  in.read("hash", record.hash);
  in.read("previous_hash", record.previous_hash);
  in.read("stream", record.stream);
  const auto* events = value.find("events");
  if (events == nullptr || !events->is_array())
    fault = "events is missing";
  else
    for (const auto* item : events->items()) {
      auto& event = record.events.emplace_back();
      JsonFields(*item, fault).read("name", event.name);
      event.body = item->find("json");
      if (event.body == nullptr && !fault) fault = "json is missing";
    }
  if (fault)
    return fail(ErrorCode::corrupt, fmt::format("the server's event record is broken: {}", *fault));
  return record;
}

}  // namespace

FetchPage pages_of(ApiClient& client) {
  return [&client](std::uint64_t from, std::size_t limit,
                   const std::string& stream) -> Result<EventPage> {
    auto path = fmt::format("sys/events?from={}&limit={}", from, limit);
    if (!stream.empty()) path += "&stream=" + stream;
    COFFER_ASSIGN(auto answer, client.ask_namespace(path));
    return parse_page(std::move(answer.document), *answer.data);
  };
}

Result<EventPage> parse_page(json::Document document, const json::Value& data) {
  EventPage page{std::move(document), {}};
  const auto* events = data.find("events");
  if (events == nullptr || !events->is_array())
    return fail(ErrorCode::corrupt, "the server's answer has no list of events");
  for (const auto* value : events->items()) {
    COFFER_ASSIGN(auto record, parse_record(*value));
    page.records.push_back(std::move(record));
  }
  return page;
}

Result<void> for_each_record(const FetchPage& fetch, std::uint64_t from, const std::string& stream,
                             const Visit& visit) {
  while (true) {
    COFFER_ASSIGN(const auto page, fetch(from, kPageRecords, stream));
    if (page.records.empty()) return {};
    for (const auto& record : page.records) {
      if (record.sequence < from)
        return fail(ErrorCode::corrupt,
                    fmt::format("the server sent record {} where {} or later was asked for",
                                record.sequence, from));
      from = record.sequence + 1;
      COFFER_ASSIGN(const bool go_on, visit(record));
      if (!go_on) return {};
    }
  }
}

Result<std::uint64_t> last_sequence(const FetchPage& fetch) {
  // Records are dense: `low` is there, `high` is not.
  std::uint64_t low = 0;
  std::uint64_t high = 1;
  const auto probe = [&](std::uint64_t at) -> Result<bool> {
    COFFER_ASSIGN(const auto page, fetch(at, 1, std::string{}));
    if (page.records.empty())
      high = at;
    else
      low = std::max(at, page.records.back().sequence);
    return !page.records.empty();
  };
  constexpr std::uint64_t kStepMax = std::uint64_t{1} << 60;
  for (std::uint64_t step = 1; step <= kStepMax; step *= 4) {
    COFFER_ASSIGN(const bool there, probe(low + step));
    if (!there) break;
  }
  while (high > low + 1) {
    COFFER_ASSIGN(const bool there, probe(low + (high - low) / 2));
    static_cast<void>(there);
  }
  return low;
}

std::string check_stream(std::string& stream) {
  stream.erase(std::remove(stream.begin(), stream.end(), '-'), stream.end());
  if (stream == "0") stream = kTenantStream;
  const auto bytes = from_hex(stream);
  if (bytes.size() * 2 != kTenantStream.size())
    return "a stream is 32 hex digits, or 0 for the namespace itself";
  stream = to_hex(bytes);
  return {};
}

}  // namespace coffer::cli
