// The signature algorithms that tokens may use (RFC 7518, 3.1; RFC 8037, 3.1): asymmetric ones
// only. What is not in this table does not exist for this folder: no "none", no HMAC. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace coffer::authn {

enum class Algorithm : std::uint8_t {
  rs256,
  rs384,
  rs512,
  ps256,
  ps384,
  ps512,
  es256,
  es384,
  es512,
  eddsa
};
inline constexpr int kAlgorithmCount = 10;

enum class KeyType : std::uint8_t { rsa, p256, p384, p521, ed25519 };

// By its exact name: "RS256" is one, "rs256" is none.
[[nodiscard]] std::optional<Algorithm> parse_algorithm(std::string_view name) noexcept;
[[nodiscard]] std::string_view to_string(Algorithm algorithm) noexcept;
// The only type of key that can check this algorithm; ES256 is P-256 and nothing else.
[[nodiscard]] KeyType key_type_of(Algorithm algorithm) noexcept;

// A set of algorithms, as an allow-list.
class AlgorithmSet {
 public:
  [[nodiscard]] static constexpr AlgorithmSet all() noexcept {
    return AlgorithmSet((1u << kAlgorithmCount) - 1);
  }
  constexpr AlgorithmSet() noexcept = default;
  constexpr void add(Algorithm algorithm) noexcept { bits_ |= bit(algorithm); }
  [[nodiscard]] constexpr bool has(Algorithm algorithm) const noexcept {
    return (bits_ & bit(algorithm)) != 0;
  }
  [[nodiscard]] constexpr bool empty() const noexcept { return bits_ == 0; }
  friend bool operator==(const AlgorithmSet&, const AlgorithmSet&) = default;

 private:
  explicit constexpr AlgorithmSet(std::uint32_t bits) noexcept : bits_(bits) {}
  [[nodiscard]] static constexpr std::uint32_t bit(Algorithm algorithm) noexcept {
    return 1u << static_cast<unsigned>(algorithm);
  }
  std::uint32_t bits_ = 0;
};

}  // namespace coffer::authn
