#include <fmt/format.h>

#include "tools/coffer/events_command.h"
#include "tools/coffer/replay.h"
#include "tools/coffer/state_view.h"

namespace coffer::cli {

Result<Exit> replay_events(ApiClient& client, const ReplayOptions& options, bool json) {
  const auto fetch = pages_of(client);
  const std::string stream = options.stream.empty() ? std::string(kTenantStream) : options.stream;
  if (options.at) {
    COFFER_ASSIGN(const auto page, fetch(*options.at, 1, std::string{}));
    if (page.records.empty())
      return fail(ErrorCode::not_found,
                  fmt::format("there is no record {}: the log ends before it", *options.at));
  }
  ReplayedState state;
  COFFER_TRY(for_each_record(fetch, 1, stream, [&](const EventRecord& record) -> Result<bool> {
    if (options.at && record.sequence > *options.at) return false;
    COFFER_TRY(apply(state, record));
    return true;
  }));
  if (state.records == 0)
    return fail(ErrorCode::not_found,
                options.at ? fmt::format("stream {} has no record up to {}", stream, *options.at)
                           : fmt::format("stream {} has no record in this namespace", stream));
  if (json)
    print_json(state_json(state, stream));
  else
    print(state_tables(state));
  return Exit::ok;
}

}  // namespace coffer::cli
