#include <chrono>
#include <deque>
#include <thread>

#include <fmt/format.h>

#include "tools/coffer/events_command.h"

namespace coffer::cli {
namespace {

constexpr std::uint64_t kTailRecords = 20;
// Wide enough for every event name and time, so that lines that come later stay in their columns.
constexpr std::string_view kLine = "{:>8}  {:<30}  {:<32}  {:<29}  {}\n";

std::string lines_of(const EventRecord& record) {
  const auto stream = record.stream == kTenantStream ? "tenant" : printable(record.stream);
  std::string out;
  for (const auto& event : record.events) {
    SecretBytes body;
    json::write(*event.body, body);
    out += fmt::format(fmt::runtime(kLine), record.sequence, printable(record.time), stream,
                       printable(event.name), printable(body.expose_text()));
  }
  return out;
}

std::string json_line(const EventRecord& record) {
  SecretBytes out;
  json::write(*record.source, out);
  return printable(out.expose_text()) + "\n";
}

class Tail {
 public:
  Tail(FetchPage fetch, const TailOptions& options, bool json)
      : fetch_(std::move(fetch)), options_(options), json_(json) {}

  Result<Exit> run() {
    if (!json_)
      print(fmt::format(fmt::runtime(kLine), "SEQUENCE", "TIME", "STREAM", "EVENT", "BODY"));
    if (options_.from)
      next_ = *options_.from;
    else
      COFFER_TRY(find_start());
    COFFER_TRY(options_.from ? show_from_start() : show_last());
    if (options_.follow) COFFER_TRY(follow());
    return Exit::ok;
  }

 private:
  std::string text_of(const EventRecord& record) const {
    return json_ ? json_line(record) : lines_of(record);
  }

  [[nodiscard]] std::uint64_t wanted() const { return options_.limit.value_or(kTailRecords); }

  // Without a stream the last records have the last numbers. Those of a stream stand anywhere.
  Result<void> find_start() {
    COFFER_ASSIGN(const auto last, last_sequence(fetch_));
    follow_from_ = last + 1;
    next_ = options_.stream.empty() && last > wanted() ? last - wanted() + 1 : 1;
    return {};
  }

  Result<void> show_last() {
    std::deque<std::string> kept;
    COFFER_TRY(for_each_record(fetch_, next_, options_.stream,
                               [&](const EventRecord& record) -> Result<bool> {
                                 kept.push_back(text_of(record));
                                 if (kept.size() > wanted()) kept.pop_front();
                                 follow_from_ = std::max(follow_from_, record.sequence + 1);
                                 return true;
                               }));
    for (const auto& text : kept) print(text);
    return {};
  }

  Result<void> show_from_start() {
    std::uint64_t shown = 0;
    follow_from_ = next_;
    return for_each_record(fetch_, next_, options_.stream,
                           [&](const EventRecord& record) -> Result<bool> {
                             print(text_of(record));
                             follow_from_ = record.sequence + 1;
                             return !options_.limit || ++shown < *options_.limit;
                           });
  }

  // The stream is picked out here: the server would search it from `from` on at every look.
  Result<void> follow() {
    while (flush_output()) {
      COFFER_TRY(
          for_each_record(fetch_, follow_from_, {}, [&](const EventRecord& record) -> Result<bool> {
            follow_from_ = record.sequence + 1;
            if (options_.stream.empty() || options_.stream == record.stream) print(text_of(record));
            return true;
          }));
      if (!flush_output()) break;
      std::this_thread::sleep_for(std::chrono::duration<double>(options_.interval_s));
    }
    return {};
  }

  FetchPage fetch_;
  const TailOptions& options_;
  const bool json_;
  std::uint64_t next_ = 1;         // first record to look at
  std::uint64_t follow_from_ = 1;  // first record that was not looked at
};

}  // namespace

Result<Exit> tail_events(ApiClient& client, const TailOptions& options, bool json) {
  return Tail(pages_of(client), options, json).run();
}

}  // namespace coffer::cli
