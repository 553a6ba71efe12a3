// The Clock port over the kernel's clocks. Stateless and thread-safe.
#pragma once

#include "events/base/ports.h"

namespace coffer::hsm {

class SystemClock final : public Clock {
 public:
  [[nodiscard]] Timestamp now() const noexcept override;
  [[nodiscard]] std::int64_t monotonic_ns() const noexcept override;
};

}  // namespace coffer::hsm
