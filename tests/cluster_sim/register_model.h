// What the simulated service stores of one register: a row with its version and value, and a
// wrapped key that comes and goes with the value.
#pragma once

#include <fmt/format.h>

#include "events/log/event_log.h"
#include "events/log/state_keys.h"

namespace coffer::sim {

inline constexpr TenantId kTenant{{1}};
inline constexpr MountId kMount{{2}};

struct RegisterState {
  std::uint64_t version = 0;  // 0: never written
  std::uint64_t value = 0;
  bool destroyed = false;
};

inline Bytes register_row(unsigned key) {
  SecretId id;
  id.bytes[0] = static_cast<std::uint8_t>(key);
  return log::secret_row(kTenant, kMount, id);
}
inline Bytes register_key_row(unsigned key) {
  KeyId id;
  id.bytes[0] = static_cast<std::uint8_t>(key);
  return log::key_row(kTenant, kMount, id);
}

inline Bytes encode_register(const RegisterState& state) {
  Bytes out;
  append_u64(out, state.version);
  append_u64(out, state.value);
  append_u64(out, state.destroyed ? 1 : 0);
  return out;
}
inline RegisterState decode_register(BytesView bytes) {
  return {read_u64(bytes, 0), read_u64(bytes, 8), read_u64(bytes, 16) != 0};
}
// The wrapped key of a value: any bytes that only this value has.
inline Bytes wrapped_key_of(std::uint64_t value) {
  Bytes out;
  for (int i = 0; i < 5; ++i) append_u64(out, value);
  return out;
}

// What a client hears.
inline std::string said_written(std::uint64_t version) {
  return fmt::format("written {}", version);
}
inline std::string said_read(const RegisterState& state) {
  if (state.version == 0) return "nothing";
  if (state.destroyed) return fmt::format("{} destroyed", state.version);
  return fmt::format("{} = {}", state.version, state.value);
}
inline constexpr std::string_view kRefused = "refused";
inline constexpr std::string_view kDestroyed = "destroyed";

}  // namespace coffer::sim
