#include "actors/access_recorder.h"

#include <limits>

namespace coffer::actors {
namespace {

constexpr std::size_t kSourcesMax = 4096;

audit::AccessRecord record_of(const audit::CollapsedCount& count) {
  return audit::AccessRecord{.time = count.second,
                             .request_id = {},
                             .tenant = {},
                             .namespace_path = {},
                             .remote_address = count.source,
                             .operation = count.operation_class,
                             .path = {},
                             .token_hmac = {},
                             .token_accessor_hmac = {},
                             .display_name = {},
                             .policies = {},
                             .matched_rule = {},
                             .status = static_cast<std::uint16_t>(count.status_class * 100),
                             .error_class = {},
                             .secret_version = 0,
                             .collapsed_count = count.count,
                             .trace_parent = {}};
}

void append_job(Services& services, log::AccessAppend access, api::Callback<void> done) {
  auto job = std::make_shared<AppendJob>();
  job->appends.resize(1);
  job->appends.front().access.push_back(std::move(access));
  job->done = [done = std::move(done)](const Result<std::vector<log::Appended>>& result) {
    done(result ? Result<void>{} : Result<void>{result.error()});
  };
  services.log_writer.send(std::move(job));
}

}  // namespace

AccessRecorder::AccessRecorder(Services& services)
    : services_(services), collapser_(services.limits.refusals_per_second, kSourcesMax) {}

Result<log::AccessAppend> AccessRecorder::append_of(const audit::AccessRecord& record,
                                                    const TenantKeysPtr& keys) const {
  if (keys) return seal_access(*keys, record);
  // Sealed: no key is at hand, so what is written says nothing but that somebody asked.
  audit::AccessRecord bare{};
  bare.time = record.time;
  bare.request_id = record.request_id;
  bare.remote_address = record.remote_address;
  bare.operation = record.operation;
  bare.status = record.status;
  bare.error_class = record.error_class;
  bare.collapsed_count = record.collapsed_count;
  return log::AccessAppend{kRootTenant, record.time, KeyId{}, codec::encode_access_record(bare)};
}

void AccessRecorder::record(const api::AdmissionPtr& admission, const api::Outcome& outcome,
                            api::Callback<void> done) {
  const auto& gate = gate_of(admission);
  const auto now = services_.clock.now();
  const bool refused = gate.refusal.has_value() || !gate.token;
  if (refused) {
    const std::lock_guard lock(mutex_);
    const auto verdict = collapser_.note(
        gate.head.remote_address, policy::to_string(gate.head.operation), outcome.status, now);
    if (verdict == audit::RefusalCollapser::Verdict::collapsed) {
      services_.instruments->add(Count::access_records_collapsed);
      return done(Result<void>{});
    }
  }
  const auto keys = gate.snapshot ? gate.snapshot->keys : services_.root_keys();
  auto append = append_of(access_record(gate, outcome, now), keys);
  if (!append) return done(append.error());
  append_job(services_, std::move(*append), std::move(done));
}

void AccessRecorder::flush_counts(bool all) {
  std::vector<audit::CollapsedCount> counts;
  {
    const std::lock_guard lock(mutex_);
    counts = collapser_.take_finished(all ? Timestamp{std::numeric_limits<std::int64_t>::max()}
                                          : services_.clock.now());
  }
  for (const auto& count : counts) {
    auto append = append_of(record_of(count), services_.root_keys());
    if (append) append_job(services_, std::move(*append), [](Result<void>) {});
  }
}

}  // namespace coffer::actors
