// The Random port over OpenSSL's generator, which the kernel seeds. Stateless and thread-safe.
// Errors: none; no randomness aborts the process.
#pragma once

#include "events/base/ports.h"

namespace coffer::hsm {

class SystemRandom final : public Random {
 public:
  void fill(std::span<std::uint8_t> out) noexcept override;
};

}  // namespace coffer::hsm
