#include "net/authn/algorithm.h"

#include <array>

namespace coffer::authn {
namespace {

struct Row {
  std::string_view name;
  KeyType key_type;
};

// In the order of the enumeration.
constexpr std::array<Row, kAlgorithmCount> kRows{{
    {"RS256", KeyType::rsa},
    {"RS384", KeyType::rsa},
    {"RS512", KeyType::rsa},
    {"PS256", KeyType::rsa},
    {"PS384", KeyType::rsa},
    {"PS512", KeyType::rsa},
    {"ES256", KeyType::p256},
    {"ES384", KeyType::p384},
    {"ES512", KeyType::p521},
    {"EdDSA", KeyType::ed25519},
}};

}  // namespace

std::optional<Algorithm> parse_algorithm(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    if (kRows[i].name == name) return static_cast<Algorithm>(i);
  }
  return std::nullopt;
}

std::string_view to_string(Algorithm algorithm) noexcept {
  return kRows[static_cast<std::size_t>(algorithm)].name;
}

KeyType key_type_of(Algorithm algorithm) noexcept {
  return kRows[static_cast<std::size_t>(algorithm)].key_type;
}

}  // namespace coffer::authn
