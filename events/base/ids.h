// Strong identifier types. A TenantId can never be passed where a KeyId is meant, and no function
// takes a secret's path without the tenant it belongs to.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>

#include "events/base/bytes.h"

namespace coffer {

// 128 opaque bits. All zero means "none" (and, for a tenant, the root tenant).
template <class Tag>
struct Id128 {
  std::array<std::uint8_t, 16> bytes{};

  friend auto operator<=>(const Id128&, const Id128&) = default;
  [[nodiscard]] BytesView view() const noexcept { return bytes; }
  [[nodiscard]] bool is_zero() const noexcept { return *this == Id128{}; }
  // 8-4-4-4-12 lower-case hex.
  [[nodiscard]] std::string to_string() const {
    auto hex = to_hex(bytes);
    for (std::size_t at : {20u, 16u, 12u, 8u}) hex.insert(at, 1, '-');
    return hex;
  }
  [[nodiscard]] static Id128 from_bytes(BytesView raw) noexcept {
    Id128 id;
    if (raw.size() == id.bytes.size()) std::memcpy(id.bytes.data(), raw.data(), raw.size());
    return id;
  }
};

using TenantId = Id128<struct TenantTag>;
using KeyId = Id128<struct KeyTag>;        // tenant key, log key, index key or data key
using SecretId = Id128<struct SecretTag>;  // keyed hash of mount and path: reveals neither
using MountId = Id128<struct MountTag>;
using TokenId = Id128<struct TokenTag>;   // keyed hash of the token text
using Nonce128 = Id128<struct NonceTag>;  // the claim nonce of a log owner

using PartitionId = std::uint32_t;
using LogPosition = std::uint64_t;     // position in a partition; dense, starts at 1
using TenantSequence = std::uint64_t;  // number of a record within its tenant; dense, starts at 1
using VersionNumber = std::uint64_t;   // version of a secret, starts at 1; 0 = none or current

// The root tenant owns the operator's own namespace.
inline constexpr TenantId kRootTenant{};

}  // namespace coffer

template <class Tag>
struct std::hash<coffer::Id128<Tag>> {
  std::size_t operator()(const coffer::Id128<Tag>& id) const noexcept {
    std::uint64_t high;
    std::uint64_t low;
    std::memcpy(&high, id.bytes.data(), 8);
    std::memcpy(&low, id.bytes.data() + 8, 8);
    return static_cast<std::size_t>(high ^ (low * 0x9E3779B97F4A7C15ULL));
  }
};
