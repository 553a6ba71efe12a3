// The map of the runtime: every actor, every message it takes and what the message is for.
//
//   system ── partition ── tenant ── secret      decide and evolve, never block
//      ├── log writer   (own thread)             group commit
//      ├── HSM worker   (own thread)             every call into the PKCS#11 module
//      ├── reader       (own thread)             long scans: lists, event streams, chain checks
//      └── shredder     (own thread)             makes destroyed keys leave every file
//
// Messages are shared pointers because the actor library copies messages, and are never inspected
// or printed by it. Every request carries a Promise, so a request that dies with its actor is
// answered all the same. Other actors and I/O threads reach an actor only through its Ref, which
// counts what waits in the mailbox.
#pragma once

#include <caf/all.hpp>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "actors/actor_stats.h"
#include "actors/inline_unit.h"
#include "actors/promise.h"
#include "actors/views.h"
#include "events/log/event_log.h"
#include "hsm/key_service.h"

namespace coffer::actors {

// Runs a continuation inside the actor that receives it (the way back from log and HSM).
struct Resume {
  std::function<void()> run;
};
using ResumePtr = std::shared_ptr<Resume>;

// Ends an actor once nothing is under way; its state is in the log already.
struct Retire {};
using RetirePtr = std::shared_ptr<Retire>;

// Runs on the HSM worker's thread.
struct HsmJob {
  std::function<void(hsm::KeyService&)> run;
};
using HsmJobPtr = std::shared_ptr<HsmJob>;

// Runs on the reader's thread: scans of the store that may take long.
struct ReadJob {
  std::function<void()> run;
};
using ReadJobPtr = std::shared_ptr<ReadJob>;

// Appends that become durable together. `done` runs on the log writer's thread and must be short.
struct AppendJob {
  std::vector<log::Append> appends;
  std::function<void(const Result<std::vector<log::Appended>>&)> done;
};
using AppendJobPtr = std::shared_ptr<AppendJob>;

struct TrimAccessLog {
  Seconds age_max{0};
  std::uint64_t bytes_max = 0;
};
using TrimAccessLogPtr = std::shared_ptr<TrimAccessLog>;

// Answers when destroyed keys are in no file any more.
struct ShredKeys {
  Promise<bool> done;
};
using ShredKeysPtr = std::shared_ptr<ShredKeys>;

// ---------------------------------------------------------------- secret
struct LoadSecret {
  Promise<SecretSnapshotPtr> done;
};
// The sealed value of a version that is not the current one.
struct ReadValue {
  VersionNumber version = 0;
  Promise<std::pair<SecretSnapshotPtr, Bytes>> done;
};
struct WriteValue {
  api::AdmissionPtr admission;
  api::WriteSecret request;
  int success_status = 200;
  Promise<api::SecretWritten> done;
};
struct ChangeSecret {
  api::AdmissionPtr admission;
  secret::Command command;
  int success_status = 204;
  Promise<api::SecretChanged> done;
};
struct SecretRequest {
  SecretKey key;
  std::variant<LoadSecret, ReadValue, WriteValue, ChangeSecret> body;
};
using SecretRequestPtr = std::shared_ptr<SecretRequest>;

// ---------------------------------------------------------------- tenant
// Opens the tenant's keys, loads its snapshots and publishes them.
struct ActivateTenant {
  Promise<TenantSnapshotPtr> done;
};
// A change of the tenant's keyring with the rows that belong to it.
struct KeyringChange {
  keyring::Command command;
  std::vector<log::StateChange> rows;
  std::vector<log::Replacement> replacements;
  std::optional<hsm::WrappedTenantKey> rotated_in;  // by a rotation
};
struct ChangeTenant {
  api::AdmissionPtr admission;  // may be null: an internal change that is not anybody's request
  std::variant<tenant::Command, policy::Command, KeyringChange> command;
  int success_status = 204;
  Promise<api::Changed> done;
};
// Answers when the new tenant key is in use; re-wrapping goes on behind it (key_rotation.h).
struct RotateKey {
  api::AdmissionPtr admission;  // null: its access record is written elsewhere, or nobody asked
  bool automatic = false;
  int success_status = 204;
  Promise<api::Changed> done;
};
struct CreateToken {
  api::AdmissionPtr admission;
  token::TokenCreated created;
  int success_status = 200;
  Promise<TokenStatePtr> done;
  // Whose token it becomes: the entity is found or made in the same commit.
  std::optional<identity::LoginSubject> subject = {};
};
// Loads a token of this tenant and publishes it.
struct LoadToken {
  TokenId id;
  Promise<TokenStatePtr> done;
};
struct ChangeToken {
  api::AdmissionPtr admission;  // null: no access record of its own (UseToken)
  TokenId id;
  token::Command command;  // renew, use, revoke or forget
  int success_status = 200;
  Promise<TokenStatePtr> done;
};
struct ChangeIdentity {
  api::AdmissionPtr admission;
  identity::Command command;
  int created_status = 200;
  int changed_status = 204;
  Promise<api::IdentityChanged> done;
};
// Publishes the view of an entity, also that there is none.
struct LoadIdentity {
  identity::EntityId id;
  Promise<bool> done;
};
struct TenantRequest {
  TenantId tenant;
  std::variant<ActivateTenant, ChangeTenant, RotateKey, CreateToken, LoadToken, ChangeToken,
               ChangeIdentity, LoadIdentity>
      body;
};
using TenantRequestPtr = std::shared_ptr<TenantRequest>;

// ---------------------------------------------------------------- system
struct CreateNamespace {
  api::AdmissionPtr admission;
  std::string name;
  tenant::TextMap custom_metadata;
  Promise<api::NamespaceInfo> done;
};
// Neither writes the caller's access record: it belongs to the parent's log, not the child's.
struct DeleteNamespace {
  TenantId tenant;
  Promise<api::Changed> done;
};
struct SystemRequest {
  std::variant<CreateNamespace, DeleteNamespace> body;
};
using SystemRequestPtr = std::shared_ptr<SystemRequest>;

// The tenant's actor ends (the tenant was deleted), or every tenant's (the service is sealed).
struct DropTenants {
  std::optional<TenantId> only;
};
using DropTenantsPtr = std::shared_ptr<DropTenants>;

// ---------------------------------------------------------------- how to reach an actor
template <class... Messages>
class Ref {
 public:
  Ref() = default;
  Ref(caf::actor handle, ActorStatsPtr stats)
      : handle_(std::move(handle)), stats_(std::move(stats)) {}

  template <class Message>
  void send(Message message) const {
    static_assert((std::is_same_v<Message, Messages> || ...), "not in the actor's protocol");
    stats_->sent.fetch_add(1, std::memory_order_relaxed);
    caf::anon_send(handle_, std::move(message));
  }
  // As send(); when the actor is idle, its handler runs now and on this thread.
  template <class Message>
  void run(Message message) const {
    static_assert((std::is_same_v<Message, Messages> || ...), "not in the actor's protocol");
    stats_->sent.fetch_add(1, std::memory_order_relaxed);
    auto& unit = InlineUnit::of_thread(handle_.home_system());
    handle_->eq_impl(caf::make_message_id(), nullptr, &unit, std::move(message));
    unit.run();
  }
  // False, and nothing is sent, when `limit` messages wait already.
  template <class Message>
  [[nodiscard]] bool try_send(Message message, std::uint64_t limit) const {
    if (stats_->waiting() >= limit) return false;
    send(std::move(message));
    return true;
  }
  [[nodiscard]] const caf::actor& handle() const noexcept { return handle_; }
  [[nodiscard]] const ActorStatsPtr& stats() const noexcept { return stats_; }
  explicit operator bool() const noexcept { return static_cast<bool>(handle_); }

 private:
  caf::actor handle_;
  ActorStatsPtr stats_;
};

using LogWriterRef = Ref<AppendJobPtr, TrimAccessLogPtr>;
using HsmWorkerRef = Ref<HsmJobPtr>;
using ShredderRef = Ref<ShredKeysPtr>;
using ReaderRef = Ref<ReadJobPtr>;
using SecretRef = Ref<SecretRequestPtr, ResumePtr, RetirePtr>;
using TenantRef = Ref<TenantRequestPtr, SecretRequestPtr, ResumePtr>;
using PartitionRef = Ref<TenantRequestPtr, DropTenantsPtr, ResumePtr>;
using SystemRef = Ref<SystemRequestPtr, ResumePtr>;

// Kept in the tenant's snapshot, so that a request finds the actor without a lookup.
class TenantLink {
 public:
  explicit TenantLink(TenantRef ref) : ref_(std::move(ref)) {}
  [[nodiscard]] const TenantRef& ref() const noexcept { return ref_; }

 private:
  TenantRef ref_;
};

}  // namespace coffer::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(coffer::actors::ResumePtr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(coffer::actors::RetirePtr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(coffer::actors::HsmJobPtr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(coffer::actors::ReadJobPtr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(coffer::actors::AppendJobPtr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(coffer::actors::TrimAccessLogPtr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(coffer::actors::ShredKeysPtr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(coffer::actors::SecretRequestPtr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(coffer::actors::TenantRequestPtr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(coffer::actors::SystemRequestPtr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(coffer::actors::DropTenantsPtr)
