// Writes the access log: one sealed record for every request, durable before its answer leaves.
// Requests without a valid token and refused ones are recorded singly up to a rate per source; what
// goes beyond is counted, and the count is written when its second is over, so that a flood cannot
// fill the disk. Thread-safe.
#pragma once

#include <mutex>

#include "actors/admission.h"
#include "events/audit/refusal_collapser.h"

namespace coffer::actors {

class AccessRecorder {
 public:
  explicit AccessRecorder(Services& services);

  void record(const api::AdmissionPtr& admission, const api::Outcome& outcome,
              api::Callback<void> done);
  // Writes the counts of seconds that are over; `all` at shutdown.
  void flush_counts(bool all);

 private:
  [[nodiscard]] Result<log::AccessAppend> append_of(const audit::AccessRecord& record,
                                                    const TenantKeysPtr& keys) const;

  Services& services_;
  std::mutex mutex_;  // guards collapser_
  audit::RefusalCollapser collapser_;
};

}  // namespace coffer::actors
