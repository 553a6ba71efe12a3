#include "tools/cofferd/node_control.h"

#include <cstring>
#include <limits>
#include <utility>

#include "events/base/check.h"

namespace coffer::server {
namespace {

constexpr std::int64_t kForGood = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t kWaitingMax = 1000;  // of looks and of unseal attempts
constexpr std::int64_t kPatienceNs = 10'000'000'000;
constexpr std::size_t kPinBytesMax = 2 * actors::kPinEntropyBytes;

hsm::LockedPages pages_for_pin() {
  std::string warning;  // the vault's arena has reported the same
  return {kPinBytesMax, warning};
}

}  // namespace

NodeControl::NodeControl(api::SealType type, const Clock& clock, Random& random, CheckPin check_pin)
    : type_(type),
      clock_(clock),
      random_(random),
      check_pin_(std::move(check_pin)),
      unsealed_(type == api::SealType::automatic),
      pin_pages_(pages_for_pin()) {}

void NodeControl::learn(const codec::VaultRow& row) {
  const std::lock_guard lock(mutex_);
  if (vault_ && *vault_ != row) shares_.reset();  // they were of the former scheme
  vault_ = row;
}

void NodeControl::assume_initialized() {
  const std::lock_guard lock(mutex_);
  assumed_ = true;
}

bool NodeControl::is_standing_back() const {
  return stand_back_until_ns_ && clock_.monotonic_ns() < *stand_back_until_ns_;
}

bool NodeControl::is_candidate() const {
  const std::lock_guard lock(mutex_);
  return !is_sealed() && !is_standing_back();
}

bool NodeControl::stands_back() const {
  const std::lock_guard lock(mutex_);
  return is_standing_back();
}

std::optional<SecretBytes> NodeControl::pin() const {
  const std::lock_guard lock(mutex_);
  if (pin_bytes_ == 0) return std::nullopt;
  return SecretBytes(BytesView(pin_pages_.bytes().first(pin_bytes_)));
}

void NodeControl::keep_pin(const SecretBytes& pin) {
  COFFER_CHECK(pin.size() <= kPinBytesMax);
  std::memcpy(pin_pages_.bytes().data(), pin.expose().data(), pin.size());
  pin_bytes_ = pin.size();
}

void NodeControl::forget_pin() {
  wipe_memory(pin_pages_.bytes().data(), pin_bytes_);
  pin_bytes_ = 0;
}

bool NodeControl::sealed() const {
  const std::lock_guard lock(mutex_);
  return is_sealed();
}

api::ServiceStatus NodeControl::status() const {
  const std::lock_guard lock(mutex_);
  api::ServiceStatus status;
  status.seal_type = type_;
  status.initialized = vault_ || assumed_;
  status.sealed = !vault_ || !unsealed_;
  if (vault_) {
    status.threshold = vault_->threshold;
    status.shares = vault_->shares;
  }
  status.progress = shares_.progress();
  status.nonce = shares_.nonce();
  if (!status.sealed) {
    status.cluster_name = vault_->cluster_name;
    status.cluster_id = vault_->cluster_id.to_string();
  }
  return status;
}

// ---------------------------------------------------------------- looking again
void NodeControl::look_again(std::function<void(api::ServiceStatus)> done) {
  {
    const std::lock_guard lock(mutex_);
    if (!vault_ && !assumed_ && looks_.size() < kWaitingMax) {
      looks_.push_back(std::move(done));
      return;
    }
  }
  done(status());
}

bool NodeControl::begin_look() {
  const std::lock_guard lock(mutex_);
  for (auto& look : looks_) looking_.push_back(std::move(look));
  looks_.clear();
  return !looking_.empty();
}

void NodeControl::up_to_date() {
  for (const auto& look : std::exchange(looking_, {})) look(status());
}

void NodeControl::cannot_look() {
  if (begin_look()) up_to_date();
}

// ---------------------------------------------------------------- unseal and seal
void NodeControl::unseal(SecretBytes share, api::Callback<api::ServiceStatus> done) {
  {
    std::unique_lock lock(mutex_);
    if (!vault_ && assumed_) {
      lock.unlock();
      return done(fail(ErrorCode::unavailable, "this node is still reading the log: try later"));
    }
    if (!vault_) {
      lock.unlock();
      return done(fail(ErrorCode::not_initialized, "server is not yet initialized"));
    }
    if (is_sealed() && type_ == api::SealType::automatic) {
      lock.unlock();
      return done(
          fail(ErrorCode::invalid_argument, "this server unseals itself: no key shares are taken"));
    }
    if (is_sealed()) {
      auto pin = shares_.add(std::move(share), actors::scheme_of(*vault_), random_);
      const bool full = attempts_.size() >= kWaitingMax;
      if (pin && *pin && !full) {
        attempts_.push_back(
            {std::move(**pin), clock_.monotonic_ns() + kPatienceNs, std::move(done)});
        return;
      }
      lock.unlock();
      if (!pin) return done(pin.error());
      if (*pin) return done(fail(ErrorCode::overloaded, "too many unseal attempts"));
    }
  }
  done(status());
}

void NodeControl::work(bool served) {
  std::vector<Attempt> attempts;
  {
    const std::lock_guard lock(mutex_);
    attempts.swap(attempts_);
  }
  for (auto& attempt : attempts) check(std::move(attempt));
  std::vector<Attempt> waiting;
  for (auto& attempt : std::exchange(unsealed_by_, {})) {
    if (!served && clock_.monotonic_ns() < attempt.patience_until_ns)
      waiting.push_back(std::move(attempt));
    else
      attempt.done(status());
  }
  unsealed_by_ = std::move(waiting);
}

void NodeControl::check(Attempt attempt) {
  std::uint32_t epoch = 0;
  std::uint64_t seals = 0;
  {
    const std::lock_guard lock(mutex_);
    if (vault_) epoch = vault_->root_epoch;
    seals = seals_;
  }
  const auto checked = check_pin_(attempt.pin, epoch);
  const auto pin = std::exchange(attempt.pin, {});
  if (!checked && checked.error().code == ErrorCode::permission_denied)
    return attempt.done(fail(ErrorCode::invalid_argument, "unseal failed, invalid key"));
  if (!checked) return attempt.done(checked.error());
  {
    const std::lock_guard lock(mutex_);
    if (seals == seals_) {
      keep_pin(pin);
      unsealed_ = true;
    }
  }
  unsealed_by_.push_back(std::move(attempt));
}

api::ServiceStatus NodeControl::reset_unseal() {
  {
    const std::lock_guard lock(mutex_);
    shares_.reset();
  }
  return status();
}

void NodeControl::seal() {
  const std::lock_guard lock(mutex_);
  ++seals_;
  unsealed_ = false;
  forget_pin();
  shares_.reset();
}

// ---------------------------------------------------------------- standing back
void NodeControl::stand_back(std::optional<Seconds> length) {
  constexpr std::int64_t kNanoseconds = 1'000'000'000;
  const std::lock_guard lock(mutex_);
  stand_back_until_ns_ = length && length->count < kForGood / kNanoseconds / 2
                             ? clock_.monotonic_ns() + length->count * kNanoseconds
                             : kForGood;
}

void NodeControl::volunteer() {
  const std::lock_guard lock(mutex_);
  stand_back_until_ns_.reset();
}

}  // namespace coffer::server
