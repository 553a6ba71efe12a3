#include "actors/share_collector.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "events/base/ids.h"
#include "hsm/envelope_cipher.h"
#include "hsm/shamir.h"

namespace coffer::actors {
namespace {

Bytes pin_aad(const Id128<codec::ClusterTag>& vault) {
  constexpr std::string_view kPurpose = "coffer token pin";
  Bytes aad(kPurpose.begin(), kPurpose.end());
  append(aad, vault.view());
  return aad;
}

}  // namespace

SecretBytes pin_of(const SecretBytes& entropy) {
  auto hex = to_hex(entropy.expose());
  SecretBytes pin{std::string_view(hex)};
  wipe_memory(hex.data(), hex.size());
  return pin;
}

ShareScheme scheme_of(const codec::VaultRow& row) {
  return {row.threshold, row.shares, row.sealed_pin, row.cluster_id};
}

Bytes seal_pin(const SecretBytes& unseal_key, const Id128<codec::ClusterTag>& vault,
               const SecretBytes& pin_entropy) {
  COFFER_CHECK(unseal_key.size() == kPinEntropyBytes && pin_entropy.size() == kPinEntropyBytes);
  return hsm::seal(unseal_key.expose(), pin_aad(vault), pin_entropy.expose());
}

Result<SecretBytes> open_pin(const ShareScheme& scheme, const SecretBytes& combined) {
  if (scheme.sealed_pin.empty()) return combined.clone();
  auto entropy = hsm::open(combined.expose(), pin_aad(scheme.vault), scheme.sealed_pin);
  if (!entropy || entropy->size() != kPinEntropyBytes)
    return fail(ErrorCode::invalid_argument, "unseal failed, invalid key");
  return entropy;
}

Result<std::optional<SecretBytes>> ShareCollector::add(SecretBytes share, const ShareScheme& scheme,
                                                       Random& random) {
  COFFER_ASSIGN(const auto combined, combine(std::move(share), scheme, random));
  if (!combined) return std::optional<SecretBytes>();
  COFFER_ASSIGN(const auto entropy, open_pin(scheme, *combined));
  return std::optional<SecretBytes>(pin_of(entropy));
}

Result<std::optional<SecretBytes>> ShareCollector::combine(SecretBytes share,
                                                           const ShareScheme& scheme,
                                                           Random& random) {
  const std::size_t expected = kPinEntropyBytes + (scheme.shares > 1 ? 1 : 0);
  if (share.size() != expected)
    return fail(ErrorCode::invalid_argument,
                fmt::format("key is shorter or longer than {} bytes", expected));
  if (shares_.empty()) nonce_ = random_id<Id128<struct UnsealTag>>(random).to_string();
  const bool known = std::any_of(shares_.begin(), shares_.end(), [&](const SecretBytes& other) {
    return other.equals(share.expose());
  });
  if (!known) shares_.push_back(std::move(share));
  if (shares_.size() < scheme.threshold) return std::optional<SecretBytes>();
  const auto complete = std::exchange(shares_, {});
  nonce_.clear();
  auto combined = hsm::combine_shares(complete);
  if (!combined || combined->size() != kPinEntropyBytes)
    return fail(ErrorCode::invalid_argument, "unseal failed, invalid key");
  return std::optional<SecretBytes>(std::move(*combined));
}

void ShareCollector::reset() noexcept {
  shares_.clear();
  nonce_.clear();
}

}  // namespace coffer::actors
