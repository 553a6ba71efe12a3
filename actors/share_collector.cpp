#include "actors/share_collector.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "events/base/ids.h"
#include "hsm/shamir.h"

namespace coffer::actors {

SecretBytes pin_of(const SecretBytes& entropy) {
  auto hex = to_hex(entropy.expose());
  SecretBytes pin{std::string_view(hex)};
  wipe_memory(hex.data(), hex.size());
  return pin;
}

Result<std::optional<SecretBytes>> ShareCollector::add(SecretBytes share, const ShareScheme& scheme,
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
  const auto entropy = hsm::combine_shares(complete);
  if (!entropy) return fail(ErrorCode::invalid_argument, "unseal failed, invalid key");
  return std::optional<SecretBytes>(pin_of(*entropy));
}

void ShareCollector::reset() noexcept {
  shares_.clear();
  nonce_.clear();
}

}  // namespace coffer::actors
