// What is done to one node of a cluster alone: it is unsealed, sealed, and told to stand back from
// being the active one.
//
// Automatic seal: unsealed from the start; once sealed, until the process starts again. Shamir:
// sealed from the start, and unsealed when it was given enough shares and the HSM has taken the PIN
// they make. The node keeps that PIN in locked memory until it is sealed, since it needs it each
// time it becomes the active one; a Vault's standby keeps its root key the same way.
//
// Threads: the StandbyPort's part and seal(), learn() from any; the rest from the node's thread.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include "actors/share_collector.h"
#include "events/base/ports.h"
#include "events/codec/meta_codec.h"
#include "hsm/locked_pages.h"
#include "net/vault_api/standby.h"

namespace coffer::server {

class NodeControl final : public net::StandbyPort {
 public:
  // Whether the HSM takes the PIN and has the root key of that epoch. May block.
  using CheckPin = std::function<Result<void>(const SecretBytes& pin, std::uint32_t root_epoch)>;

  NodeControl(api::SealType type, const Clock& clock, Random& random, CheckPin check_pin);

  // The vault as the log has it.
  void learn(const codec::VaultRow& row);
  // A peer knows a vault that this node's log does not show yet.
  void assume_initialized();
  // May become the active node: there is something to serve or to initialise, and it is not asked
  // to stand back.
  [[nodiscard]] bool is_candidate() const;
  [[nodiscard]] bool stands_back() const;
  // Shamir and unsealed: what the HSM wants. Nothing otherwise.
  [[nodiscard]] std::optional<SecretBytes> pin() const;

  // Does what was asked for meanwhile and takes long: checks a PIN. Whoever gave the last share is
  // answered when the cluster serves, as far as `served` (there is an active node) says, so that
  // his next request finds it; or after 10 s.
  void work(bool served);
  // Somebody waits for look_again(). `up_to_date` answers them: this node has seen everything that
  // was in the log when they were collected by begin_look().
  [[nodiscard]] bool begin_look();
  void up_to_date();
  // This node cannot see the log now, or owns it: everybody who waits gets what it knows.
  void cannot_look();

  [[nodiscard]] bool sealed() const override;
  [[nodiscard]] api::ServiceStatus status() const override;
  void look_again(std::function<void(api::ServiceStatus)> done) override;
  void unseal(SecretBytes share, api::Callback<api::ServiceStatus> done) override;
  api::ServiceStatus reset_unseal() override;
  void seal() override;
  void stand_back(std::optional<Seconds> length) override;
  void volunteer() override;

 private:
  using Look = std::function<void(api::ServiceStatus)>;
  struct Attempt {
    SecretBytes pin;  // wiped once it was checked
    std::int64_t patience_until_ns = 0;
    api::Callback<api::ServiceStatus> done;
  };

  [[nodiscard]] bool is_sealed() const noexcept { return (vault_ || assumed_) && !unsealed_; }
  [[nodiscard]] bool is_standing_back() const;
  void check(Attempt attempt);
  void keep_pin(const SecretBytes& pin);
  void forget_pin();

  const api::SealType type_;
  const Clock& clock_;
  Random& random_;
  const CheckPin check_pin_;
  std::vector<Look> looking_;         // the node's thread only, as the next one
  std::vector<Attempt> unsealed_by_;  // successful, and not answered yet
  mutable std::mutex mutex_;          // guards what follows
  std::optional<codec::VaultRow> vault_;
  bool unsealed_;
  bool assumed_ = false;  // there is a vault, which is not known here yet
  hsm::LockedPages pin_pages_;
  std::size_t pin_bytes_ = 0;  // 0: no PIN is kept
  actors::ShareCollector shares_;
  std::vector<Attempt> attempts_;
  std::uint64_t seals_ = 0;  // an attempt that a seal has overtaken comes to nothing
  std::vector<Look> looks_;
  std::optional<std::int64_t> stand_back_until_ns_;  // monotonic; the largest number: for good
};

}  // namespace coffer::server
