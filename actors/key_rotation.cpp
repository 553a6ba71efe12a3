#include "actors/key_rotation.h"

#include "actors/append_builder.h"
#include "events/log/state_keys.h"
#include "hsm/envelope_cipher.h"

namespace coffer::actors {
namespace {

// One HSM job and one append: a few milliseconds in which others wait for the HSM.
constexpr std::size_t kBatchKeys = 32;
constexpr std::chrono::milliseconds kLeasePause{50};
constexpr std::chrono::seconds kRetryPause{5};
constexpr std::chrono::seconds kStuckPause{60};

}  // namespace

struct KeyRotation::Batch {
  std::vector<RewrapCandidate> keys;
  std::vector<log::Replacement> replacements;
  Sha256 set_hash{};
  KeyUse::Lease lease;
  std::string damage;  // of keys that do not open: they stay as they are
  Result<void> outcome;
};

namespace {

// Runs on the HSM worker. Keys that do not open are left out; any other failure ends the batch.
template <class Batch>
void run_batch(hsm::KeyService& hsm, Services& services, const TenantKeys& keys, Batch& batch) {
  const auto ring = services.tenant_key_rings.find(keys.tenant());
  if (!ring) {
    batch.outcome = fail(ErrorCode::unavailable, "the namespace's keys are not open");
    return;
  }
  batch.lease = begin_wraps(services, keys, ring->active.id, batch.keys.size());
  Bytes set;
  for (const auto& key : batch.keys) {
    auto blob = rewrap_data_key(hsm, services, keys, key.place, key.blob);
    if (!blob && blob.error().code == ErrorCode::corrupt) {
      batch.damage = blob.error().message;
      continue;
    }
    if (!blob) {
      batch.outcome = blob.error();
      return;
    }
    append(set, key.key.view());
    append(set, hsm::sha256(*blob));
    batch.replacements.push_back({log::Family::keys,
                                  log::key_row(keys.tenant(), key.place.mount, key.key), key.blob,
                                  std::move(*blob)});
  }
  batch.set_hash = hsm::sha256(set);
}

}  // namespace

// ---------------------------------------------------------------- the new key
void KeyRotation::start(TenantKeysPtr keys) {
  keys_ = std::move(keys);
  begin();
}

void KeyRotation::rotate(const RotateKey& request) {
  const auto now = ring();
  if (!now || !keys_) return request.done.fail(ErrorCode::unavailable, "the keys are not open");
  if (auto free = keyring::check_rotation(now->state); !free)
    return request.done.fail(free.error());
  if (preparing_)
    return request.done.fail(ErrorCode::invalid_argument,
                             "a rotation of this namespace's key is in progress");
  preparing_ = true;
  auto job = std::make_shared<HsmJob>();
  job->run = [this, &services = services_, tenant = tenant_, resume = owner_.resume,
              request](hsm::KeyService& hsm) {
    auto made = std::make_shared<Result<RotatedKeys>>(
        make_rotated_keys(hsm, services, tenant, request.automatic));
    resume([this, request, made] {
      if (*made) return append_rotation(request, std::make_shared<RotatedKeys>(std::move(**made)));
      preparing_ = false;
      request.done.fail(made->error());
    });
  };
  if (services_.hsm.try_send(std::move(job), services_.limits.mailbox_max)) return;
  preparing_ = false;
  request.done.fail(ErrorCode::overloaded, "the HSM queue is full");
}

void KeyRotation::append_rotation(const RotateKey& request,
                                  const std::shared_ptr<RotatedKeys>& made) {
  Promise<api::Changed> done([this, request, key = made->tenant_key.id,
                              resume = owner_.resume](Result<api::Changed> changed) {
    resume([this, request, key, changed = std::move(changed)] {
      preparing_ = false;
      if (!changed) unload(key);
      request.done(changed);
      begin();
    });
  });
  owner_.change(
      {request.admission,
       KeyringChange{made->command, std::move(made->rows), {}, std::move(made->tenant_key)},
       request.success_status, std::move(done)});
}

void KeyRotation::rotate_when_due() {
  const auto now = ring();
  if (!now || now->state.retiring || preparing_) return;
  if (services_.key_use.wraps(now->active.id) < services_.limits.tenant_key_wraps_max) return;
  rotate(RotateKey{nullptr, true, 0, Promise<api::Changed>([stats = stats_](auto result) {
                     if (!result)
                       stats->note_error("automatic rotation: " + result.error().message);
                   })});
}

// ---------------------------------------------------------------- re-wrapping
void KeyRotation::begin() {
  const auto now = ring();
  if (running_ || !now || !now->state.retiring) return;
  running_ = true;
  term_ = now->state.retiring->term;
  note_ = {};
  services_.rewraps.set(tenant_, note_);
  drain();
}

void KeyRotation::drain() {
  auto job = std::make_shared<HsmJob>();
  job->run = [this, resume = owner_.resume](hsm::KeyService&) {
    resume([this] { wait_for_leases(); });
  };
  services_.hsm.send(std::move(job));
}

void KeyRotation::wait_for_leases() {
  const auto now = ring();
  if (!now || !now->retiring) return;
  if (services_.key_use.under_way(now->retiring->id))
    return later(kLeasePause, &KeyRotation::wait_for_leases);
  count();
}

template <class T>
void KeyRotation::read(std::function<Result<T>()> run, std::function<void(T)> then, Step again) {
  auto job = std::make_shared<ReadJob>();
  job->run = [this, run = std::move(run), then = std::move(then), again, resume = owner_.resume] {
    auto result = std::make_shared<Result<T>>(run());
    resume([this, then, again, result] {
      if (!*result) return retry(result->error(), again);
      then(std::move(**result));
    });
  };
  services_.reader.send(std::move(job));
}

void KeyRotation::count() {
  count_page(std::make_shared<BlobCount>());
}

void KeyRotation::count_page(const std::shared_ptr<BlobCount>& so_far) {
  using Counted = std::shared_ptr<BlobCount>;
  read<Counted>(
      [&services = services_, tenant = tenant_, term = term_, so_far]() -> Result<Counted> {
        COFFER_TRY(count_blobs(services.log, tenant, term, *so_far));
        return so_far;
      },
      [this](const Counted& now) { now->ended ? counted(now->left) : count_page(now); },
      &KeyRotation::count);
}

void KeyRotation::counted(std::uint64_t left) {
  note_.left = left;
  note_.rewrapped = 0;
  if (left == 0) return retire();
  // A whole walk found nothing to do for those that are left.
  const bool stuck = walk_ended_ && found_in_walk_ == 0;
  if (stuck && note_.problem.empty())
    note_.problem = "wrapped keys are left that belong to no secret";
  services_.rewraps.set(tenant_, note_);
  if (stuck) stats_->note_error(note_.problem);
  after_.clear();
  walk_ended_ = false;
  found_in_walk_ = 0;
  stuck ? later(kStuckPause, &KeyRotation::walk) : walk();
}

void KeyRotation::walk() {
  read<RewrapPage>([&services = services_, keys = keys_, term = term_,
                    after = after_] { return find_candidates(services.log, *keys, term, after); },
                   [this](RewrapPage page) {
                     walk_ended_ = page.ended;
                     after_ = std::move(page.after);
                     pending_.insert(pending_.end(), std::make_move_iterator(page.found.begin()),
                                     std::make_move_iterator(page.found.end()));
                     rewrap();
                   },
                   &KeyRotation::walk);
}

void KeyRotation::rewrap() {
  if (pending_.empty()) return walk_ended_ ? count() : walk();
  auto batch = std::make_shared<Batch>();
  while (!pending_.empty() && batch->keys.size() < kBatchKeys) {
    batch->keys.push_back(std::move(pending_.front()));
    pending_.pop_front();
  }
  std::sort(batch->keys.begin(), batch->keys.end(),
            [](const auto& a, const auto& b) { return a.key < b.key; });
  auto job = std::make_shared<HsmJob>();
  job->run = [this, &services = services_, keys = keys_, resume = owner_.resume,
              batch](hsm::KeyService& hsm) {
    run_batch(hsm, services, *keys, *batch);
    resume([this, batch] { rewrapped(batch); });
  };
  services_.hsm.send(std::move(job));
}

void KeyRotation::rewrapped(const std::shared_ptr<Batch>& batch) {
  const auto again = [this, batch](const Error& error) {
    pending_.insert(pending_.end(), std::make_move_iterator(batch->keys.begin()),
                    std::make_move_iterator(batch->keys.end()));
    retry(error, &KeyRotation::rewrap);
  };
  if (!batch->outcome) return again(batch->outcome.error());
  note_.problem = batch->damage;
  const auto keys = batch->replacements.size();
  if (keys == 0) return rewrap();
  // Copied: the batch is tried again when the append fails.
  change({keyring::NoteRewrapped{term_, keys, batch->set_hash}, {}, batch->replacements, {}},
         [this, again, keys](const Result<void>& appended) {
           if (!appended) return again(appended.error());
           found_in_walk_ += keys;
           note_.rewrapped += keys;
           services_.instruments->add(Count::keys_rewrapped, keys);
           services_.rewraps.set(tenant_, note_);
           later(services_.rewrap_pace.after(keys, services_.clock.monotonic_ns()),
                 &KeyRotation::rewrap);
         });
}

// ---------------------------------------------------------------- the end of the old key
void KeyRotation::retire() {
  const auto now = ring();
  if (!now || !now->retiring) return;
  const auto key = now->retiring->id;
  change({keyring::RetireTenantKey{term_},
          {deleted_row(log::Family::keys, log::key_row(tenant_, {}, key)),
           deleted_row(log::Family::aggregates, log::key_use_row(tenant_, key))},
          {},
          {}},
         [this, key](const Result<void>& appended) {
           if (!appended) return retry(appended.error(), &KeyRotation::retire);
           retired(key);
         });
}

void KeyRotation::retired(const KeyId& key) {
  running_ = false;
  services_.rewraps.erase(tenant_);
  services_.key_use.forget(key);
  unload(key);
  // Should this one fail, the next shredding at its interval takes them along.
  auto shred = std::make_shared<ShredKeys>();
  shred->done = Promise<bool>([](Result<bool>) {});
  services_.shredder.send(std::move(shred));
}

// ---------------------------------------------------------------- steps
void KeyRotation::change(KeyringChange change, std::function<void(const Result<void>&)> then) {
  Promise<api::Changed> done(
      [resume = owner_.resume, then = std::move(then)](Result<api::Changed> changed) {
        resume([then, outcome = changed ? Result<void>{} : Result<void>{changed.error()}] {
          then(outcome);
        });
      });
  owner_.change({nullptr, std::move(change), 0, std::move(done)});
}

void KeyRotation::later(std::chrono::nanoseconds delay, Step step) {
  next_ = step;
  owner_.wake_after(delay);
}

void KeyRotation::wake() {
  if (const auto step = std::exchange(next_, nullptr)) (this->*step)();
}

void KeyRotation::retry(const Error& error, Step step) {
  note_.problem = error.message;
  services_.rewraps.set(tenant_, note_);
  stats_->note_error("re-wrapping: " + error.message);
  later(kRetryPause, step);
}

void KeyRotation::unload(const KeyId& key) const {
  auto job = std::make_shared<HsmJob>();
  job->run = [key](hsm::KeyService& hsm) { hsm.unload_tenant_key(key); };
  services_.hsm.send(std::move(job));
}

}  // namespace coffer::actors
