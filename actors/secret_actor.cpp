#include "actors/secret_actor.h"

#include <deque>

#include "actors/admission.h"
#include "actors/cubbyhole.h"
#include "actors/data_keys.h"
#include "actors/sealed_value.h"
#include "actors/wrapping.h"
#include "events/log/state_keys.h"
#include "hsm/envelope_cipher.h"

namespace coffer::actors {
namespace {

class SecretActor final : public caf::event_based_actor {
 public:
  SecretActor(caf::actor_config& config, Services& services, SecretPlace place, ActorStatsPtr stats)
      : caf::event_based_actor(config),
        services_(services),
        place_(std::move(place)),
        id_(place_.keys->secret_id(place_.key.mount, place_.key.path)),
        row_(log::secret_row(place_.keys->tenant(), place_.key.mount, id_)),
        stats_(std::move(stats)) {
    services_.secret_actors.fetch_add(1, std::memory_order_relaxed);
  }
  ~SecretActor() override { leave(); }

  void on_exit() override {
    waiting_.clear();  // each is answered as dropped
    snapshot_.reset();
    leave();
  }

  caf::behavior make_behavior() override {
    return {
        [this](const SecretRequestPtr& request) {
          const BusyScope busy(*stats_);
          receive(request);
        },
        [this](const ResumePtr& resume) {
          const BusyScope busy(*stats_);
          resume->run();
        },
        [this](const RetirePtr&) {
          const BusyScope busy(*stats_);
          retiring_ = true;
          stats_->state = "passivating";
          if (!busy_ && waiting_.empty()) quit();
        },
    };
  }

 private:
  // After its end the object may live on in a job's closure, but it appends nothing any more.
  void leave() noexcept {
    if (std::exchange(counted_, false)) services_.secret_actors.fetch_sub(1);
  }

  void receive(const SecretRequestPtr& request) {
    if (!busy_) return start(request);
    if (waiting_.size() >= services_.limits.secret_queue_max)
      return refuse(*request, fail(ErrorCode::overloaded, "too many requests for this secret"));
    waiting_.push_back(request);
  }

  void start(const SecretRequestPtr& request) {
    if (auto loaded = load(); !loaded) {
      stats_->note_error(loaded.error().message);
      return refuse(*request, loaded.error());
    }
    std::visit([&](auto& body) { run(body); }, request->body);
  }

  static void refuse(SecretRequest& request, const Error& error) {
    std::visit([&](auto& body) { body.done.fail(error); }, request.body);
  }

  Result<void> load() {
    if (snapshot_) return {};
    COFFER_ASSIGN(auto stored, load_snapshot<secret::SecretState>(services_.log, *place_.keys,
                                                                  log::Family::aggregates, row_));
    auto snapshot = std::make_shared<SecretSnapshot>();
    if (stored) snapshot->state = std::move(stored->state);
    if (const auto* current = snapshot->state.find_version(0);
        current != nullptr && !current->destroyed) {
      COFFER_ASSIGN(snapshot->current_value, read_value(snapshot->state.current_version));
    }
    publish(std::move(snapshot));
    return {};
  }

  Result<Bytes> read_value(VersionNumber version) const {
    return read_sealed_value(services_.log, *place_.keys, id_, version, value_row(version));
  }

  Bytes value_row(VersionNumber version) const {
    return log::value_row(place_.keys->tenant(), place_.key.mount, id_, version);
  }

  void publish(SecretSnapshotPtr snapshot) {
    snapshot_ = std::move(snapshot);
    services_.secrets.publish(place_.key, snapshot_, weight_of(place_.key, *snapshot_));
  }

  // -------------------------------------------------------------- requests
  void run(LoadSecret& request) {
    publish(snapshot_);  // it was asked for because the table had dropped it
    request.done(snapshot_);
  }

  void run(ReadValue& request) {
    const auto* version = snapshot_->state.find_version(request.version);
    if (version == nullptr || version->destroyed)
      return request.done(std::make_pair(snapshot_, Bytes{}));
    auto value = read_value(request.version);
    if (!value) return request.done.fail(value.error());
    request.done(std::make_pair(snapshot_, std::move(*value)));
  }

  // The mount's settings as they are now. not_found: the mount is gone; unavailable: its tenant is
  // being loaded anew, which says nothing about the mount.
  Result<secret::MountSettings> settings() const {
    if (place_.key.mount == kWrappingMount) return kWrappingSettings;
    if (place_.key.mount == kCubbyholeMount) return kCubbyholeSettings;
    const auto tenant = services_.tenants.find(place_.keys->tenant());
    if (!tenant) return fail(ErrorCode::unavailable, "the namespace is being loaded");
    for (const auto& [path, mount] : tenant->view.state.mounts)
      if (mount.id == place_.key.mount) return mount.settings;
    return fail(ErrorCode::not_found, "no such mount");
  }

  void run(WriteValue& request) {
    const auto mount = settings();
    if (!mount) return request.done.fail(mount.error());
    const auto& state = snapshot_->state;
    if (request.request.based_on && *request.request.based_on != state.current_version) {
      api::SecretWritten conflict;
      conflict.conflict = true;
      return request.done(std::move(conflict));
    }
    if (auto cas = secret::check_cas(state, request.request.cas, *mount); !cas)
      return request.done.fail(cas.error());
    busy_ = true;
    const auto version = state.current_version + 1;
    auto write = std::make_shared<WriteValue>(std::move(request));
    auto job = std::make_shared<HsmJob>();
    job->run = [this, self = self_ref(), &services = services_, keys = place_.keys,
                key = place_.key, version, write](hsm::KeyService& hsm) {
      auto fresh = make_data_key(hsm, services, *keys, {key.mount, key.path, version});
      resume_from_hsm(self, [this, write, version, fresh = std::move(fresh)] {
        seal_and_append(*write, version, fresh);
      });
    };
    if (!services_.hsm.try_send(std::move(job), services_.limits.mailbox_max)) {
      write->done.fail(ErrorCode::overloaded, "the HSM queue is full");
      next();
    }
  }

  void seal_and_append(WriteValue& write, VersionNumber version,
                       const Result<FreshDataKey>& fresh) {
    if (!fresh) {
      stats_->note_error(fresh.error().message);
      write.done.fail(fresh.error());
      return next();
    }
    const auto mount = settings();
    if (!mount) {
      write.done.fail(mount.error());
      return next();
    }
    secret::WriteVersion command{
        .mount = place_.key.mount,
        .path = place_.key.path,
        .version = version,
        .cas = write.request.cas,
        .data_key = fresh->id,
        .data_key_blob_hash = hsm::sha256(fresh->blob),
        .sealed_value = hsm::seal(fresh->plain->bytes(),
                                  secret_value_aad(place_.keys->tenant(), place_.key.mount,
                                                   place_.key.path, version, fresh->id),
                                  write.request.value.expose()),
        .patched = write.request.based_on.has_value()};
    write.request.value.wipe();
    auto append =
        decide(std::move(command), *mount, write.admission, write.success_status, version);
    if (!append) {
      services_.data_keys.erase(fresh->id);
      write.done.fail(append.error());
      return next();
    }
    append->append.changes.push_back(
        plain_row(log::Family::keys,
                  log::key_row(place_.keys->tenant(), place_.key.mount, fresh->id), fresh->blob));
    commit(std::move(*append), write.done,
           [version, lease = fresh->lease](auto& done, const SecretSnapshot& after) {
             const auto& state = after.state;
             done(api::SecretWritten{.conflict = false,
                                     .version = *state.find_version(version),
                                     .number = version,
                                     .custom_metadata = state.custom_metadata,
                                     .recorded = true});
           });
  }

  void run(ChangeSecret& request) {
    const auto mount = settings();
    if (!mount) return request.done.fail(mount.error());
    auto append = decide(request.command, *mount, request.admission, request.success_status, 0);
    if (!append) return request.done.fail(append.error());
    const bool destroys = std::holds_alternative<secret::DestroyVersions>(request.command) ||
                          std::holds_alternative<secret::RemoveSecret>(request.command);
    if (append->events.empty()) {
      // Destroyed before, but its keys may still be in a file: a crash, or another caller's shred.
      if (destroys) return answer_when_shredded(request.done, false);
      return request.done(api::SecretChanged{.recorded = false});
    }
    busy_ = true;
    commit(std::move(*append), request.done, [this, destroys](auto& done, const SecretSnapshot&) {
      if (!destroys) return done(api::SecretChanged{.recorded = true});
      answer_when_shredded(done, true);
    });
  }

  // Answers when the wrapped keys have left every file. Thread-safe.
  void answer_when_shredded(const Promise<api::SecretChanged>& done, bool recorded) const {
    auto shred = std::make_shared<ShredKeys>();
    shred->done = Promise<bool>([done, recorded](Result<bool> result) {
      if (!result) return done.fail(result.error());
      done(api::SecretChanged{.recorded = recorded});
    });
    services_.shredder.send(std::move(shred));
  }

  // -------------------------------------------------------------- decide, append, evolve
  struct Decided {
    std::vector<codec::AnyEvent> events;  // each a secret::Event
    SecretSnapshotPtr after;
    std::vector<KeyId> dead_keys;
    log::Append append;
  };

  Result<Decided> decide(secret::Command command, const secret::MountSettings& mount,
                         const api::AdmissionPtr& admission, int status, VersionNumber version) {
    const auto now = services_.clock.now();
    Decided out;
    COFFER_ASSIGN(auto decided, secret::decide(snapshot_->state, std::move(command), {now, mount}));
    out.events.assign(std::make_move_iterator(decided.begin()),
                      std::make_move_iterator(decided.end()));
    if (out.events.empty()) return out;
    const auto& keys = *place_.keys;
    out.append.partition = place_.partition;
    COFFER_ASSIGN(out.append.event,
                  seal_events(keys, id_.view(), out.events, now,
                              random_id<Id128<codec::CommandTag>>(services_.random)));
    COFFER_ASSIGN(out.append.access, success_record(admission, keys, status, version, now));
    auto after = std::make_shared<SecretSnapshot>();
    after->state = snapshot_->state;
    // A write brings its own value; everything else keeps the current one.
    if (version == 0) after->current_value = snapshot_->current_value;
    for (auto& event : out.events) COFFER_TRY(apply(std::get<secret::Event>(event), *after, out));
    if (after->state.exists) {
      COFFER_ASSIGN(
          auto row,
          sealed_row(keys, log::Family::aggregates, row_,
                     codec::encode_snapshot(codec::Snapshot<secret::SecretState>{0, after->state}),
                     true));
      out.append.changes.push_back(std::move(row));
    } else {
      out.append.changes.push_back(deleted_row(log::Family::aggregates, row_));
    }
    out.after = std::move(after);
    return out;
  }

  // The state and its rows under one event. Takes a written value out of it.
  Result<void> apply(secret::Event& event, SecretSnapshot& after, Decided& out) {
    const auto& keys = *place_.keys;
    for (const auto& [version, key] : secret::keys_destroyed_by(after.state, event)) {
      out.dead_keys.push_back(key);
      out.append.changes.push_back(
          deleted_row(log::Family::keys, log::key_row(keys.tenant(), place_.key.mount, key)));
      out.append.changes.push_back(deleted_row(log::Family::values, value_row(version)));
    }
    COFFER_ASSIGN(after.state, secret::evolve(std::move(after.state), event));
    if (auto* written = std::get_if<secret::SecretVersionWritten>(&event)) {
      out.append.changes.push_back(sealed_value_row(value_row(written->version)));
      after.current_value = std::move(written->sealed_value);
    } else if (std::holds_alternative<secret::SecretCreated>(event)) {
      for (const auto& entry : listing_entries(keys, place_.key.mount, place_.key.path)) {
        COFFER_ASSIGN(auto row, sealed_row(keys, log::Family::listing, entry.row,
                                           as_bytes(entry.name), false));
        out.append.changes.push_back(std::move(row));
      }
    } else if (std::holds_alternative<secret::SecretRemoved>(event)) {
      after.current_value.clear();
      log::ListingRemoval removal;
      for (auto& entry : listing_entries(keys, place_.key.mount, place_.key.path))
        removal.rows.push_back(std::move(entry.row));
      out.append.listing_removals.push_back(std::move(removal));
    }
    const auto* current = after.state.find_version(0);
    if (current == nullptr || current->destroyed) after.current_value.clear();
    return {};
  }

  // Publishes and answers on the log writer's thread, since only this actor's one command under way
  // can do either, and the next command is not begun before the actor has been resumed.
  template <class T, class Answer>
  void commit(Decided decided, const Promise<T>& done, Answer answer) {
    auto job = std::make_shared<AppendJob>();
    job->appends.push_back(std::move(decided.append));
    job->done =
        [this, self = self_ref(), done, answer, after = std::move(decided.after),
         dead = std::move(decided.dead_keys)](const Result<std::vector<log::Appended>>& result) {
          if (!result) {
            services_.secrets.erase(place_.key);
            done.fail(result.error());
            return self.send(resume([this, error = result.error()] {
              stats_->note_error(error.message);
              snapshot_.reset();  // what the log holds decides; read it back
              next();
            }));
          }
          services_.secrets.publish(place_.key, after, weight_of(place_.key, *after));
          for (const auto& key : dead) services_.data_keys.erase(key);
          answer(done, *after);
          services_.deliver(self, resume([this, after] {
                              snapshot_ = after;
                              next();
                            }));
        };
    services_.log_writer.send(std::move(job));
  }

  void next() {
    busy_ = false;
    while (!busy_ && !waiting_.empty()) {
      auto request = std::move(waiting_.front());
      waiting_.pop_front();
      start(request);
    }
    if (!busy_ && retiring_) quit();
  }

  SecretRef self_ref() { return {caf::actor_cast<caf::actor>(this), stats_}; }

  // `run` captures this actor; it runs inside it or, when the actor is gone, not at all.
  static ResumePtr resume(std::function<void()> run) {
    return std::make_shared<Resume>(Resume{std::move(run)});
  }
  // From the HSM worker: on its own thread while nobody else waits for it.
  void resume_from_hsm(const SecretRef& self, std::function<void()> run) const {
    constexpr std::uint64_t kThisJob = 1;
    auto message = resume(std::move(run));
    if (services_.hsm.stats()->waiting() > kThisJob) return self.send(std::move(message));
    services_.deliver(self, std::move(message));
  }

  Services& services_;
  const SecretPlace place_;
  const SecretId id_;
  const Bytes row_;
  ActorStatsPtr stats_;
  SecretSnapshotPtr snapshot_;  // null until loaded
  bool busy_ = false;           // a command is at the HSM or in the log
  bool retiring_ = false;
  bool counted_ = true;  // in Services::secret_actors
  std::deque<SecretRequestPtr> waiting_;
};

}  // namespace

SecretRef spawn_secret_actor(caf::local_actor& parent, Services& services, SecretPlace place,
                             std::string tenant_path, std::uint64_t parent_id) {
  const auto id = place.keys->secret_id(place.key.mount, place.key.path);
  auto stats =
      services.registry.add("secret", std::move(tenant_path), to_hex(id.view()), parent_id);
  auto actor = parent.system().spawn<SecretActor, caf::lazy_init>(std::ref(services),
                                                                  std::move(place), stats);
  return {std::move(actor), std::move(stats)};
}

}  // namespace coffer::actors
