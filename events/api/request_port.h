// The one door between net/ and actors/. net/ turns bytes into these calls and their results into
// answers; actors/ implements them. Every request takes the same way:
//   admit()    authenticate, find tenant and mount, authorise; never blocks on the caller's thread
//   one call   the operation itself, with the Admission it was allowed under
//   record()   the access record, durable before the answer leaves; calls that change something
//              write their record in the same commit and report recorded = true
// Callbacks run exactly once, on any thread, also when the actor that should answer dies. They must
// not block. Values that hold plaintext are moved, never copied.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "events/api/key_ceremonies.h"
#include "events/base/ids.h"
#include "events/base/result.h"
#include "events/base/secret_bytes.h"
#include "events/identity/identity_decider.h"
#include "events/json/json_value.h"
#include "events/policy/policy_evaluator.h"
#include "events/policy/policy_set.h"
#include "events/secret/secret_decider.h"
#include "events/tenant/tenant_decider.h"
#include "events/token/token.h"

namespace coffer::api {

template <class T>
using Callback = std::function<void(Result<T>)>;

// ---------------------------------------------------------------- service
enum class SealType : std::uint8_t { automatic, shamir };

struct ServiceStatus {
  bool initialized = false;
  bool sealed = true;
  SealType seal_type = SealType::automatic;
  unsigned threshold = 0;
  unsigned shares = 0;
  unsigned progress = 0;
  std::string nonce;         // of the unseal attempt under way; empty otherwise
  std::string cluster_name;  // empty while sealed
  std::string cluster_id;
  std::string problem;  // why it is sealed although it should not be; no secrets
};
struct InitRequest {
  unsigned shares = 0;
  unsigned threshold = 0;
};
struct InitOutcome {
  std::vector<SecretBytes> key_shares;  // empty with the automatic seal
  SecretBytes root_token;
};

// ---------------------------------------------------------------- admission
struct RequestHead {
  std::string request_id;
  SecretBytes token;           // empty: none was sent
  std::string namespace_path;  // from the header, normalised: "" or "a/b/"
  policy::Operation operation = policy::Operation::read;  // POST and PUT: update
  std::string path;  // after "/v1/", may still begin with a namespace path
  std::string remote_address;
  std::string trace_parent;                 // of W3C Trace Context; empty: none
  const json::Value* parameters = nullptr;  // must live until admit's callback has run
  Seconds wrap_ttl{0};
};

// A tenant as net/ may see it. Immutable.
struct TenantView {
  TenantId id;
  std::string path;  // "" for the root tenant, else "a/b/"
  tenant::TenantState state;
  policy::PolicySet policies;
};

// What a request was admitted as, or why not. Always made, so that refusals are recorded too.
class Admission {
 public:
  virtual ~Admission() = default;

  std::optional<Error> refusal;                    // set: answer with it, do nothing else
  RequestHead head;                                // path is relative to the tenant, token wiped
  std::shared_ptr<const TenantView> tenant;        // null when the namespace is unknown
  std::shared_ptr<const token::TokenState> token;  // null when no valid token
  std::vector<std::string> identity_policies;      // of the token's entity and its groups
  policy::Decision decision;
  // The mount the path lies in; absent for built-in ones (sys/, auth/, ...) and for no mount.
  std::optional<tenant::Mount> mount;
  std::string mount_relative_path;     // "data/app/db"
  bool operation_is_create = false;    // an update that creates (existence was checked)
  std::optional<Seconds> retry_after;  // with a refusal: when to ask again
};
using AdmissionPtr = std::shared_ptr<Admission>;

struct Outcome {
  int status = 200;
  std::optional<ErrorCode> error;
  VersionNumber secret_version = 0;
};

// ---------------------------------------------------------------- secrets
using SecretStatePtr = std::shared_ptr<const secret::SecretState>;

struct SecretRead {
  SecretStatePtr state;       // state->exists is false when there is none
  VersionNumber version = 0;  // the version that was asked for, resolved; 0: there is none
  Timestamp now;              // the moment against which deletion times were judged
  // JSON text of the value; absent when the version is missing, deleted or destroyed.
  std::optional<SecretBytes> value;
};
struct WriteSecret {
  std::string path;   // relative to the mount, without "data/"
  SecretBytes value;  // JSON text, compact
  std::optional<std::uint64_t> cas;
  // PATCH: the version that was merged into; another current version gives cas_mismatch with
  // retry = true semantics for the caller (see SecretWritten::conflict).
  std::optional<VersionNumber> based_on;
};
struct SecretWritten {
  bool conflict = false;  // `based_on` was no longer current: read, merge and try again
  secret::VersionState version;
  VersionNumber number = 0;
  secret::CustomMetadata custom_metadata;
  bool recorded = false;
};
struct SecretChanged {
  bool recorded = false;
};

// ---------------------------------------------------------------- tenants, policies, tokens
struct NamespaceInfo {
  TenantId id;
  std::string path;  // relative to the asking tenant, with trailing '/'
  tenant::TextMap custom_metadata;
};
struct Changed {
  bool recorded = false;
};
// The last rotation of a tenant's key.
struct KeyRotationStatus {
  bool running = false;
  std::uint32_t from_term = 0;  // the term that is left, or was
  Timestamp started;
  Timestamp finished;                  // not set while it runs
  std::uint64_t rewrapped = 0;         // data keys
  std::optional<std::uint64_t> total;  // absent: not counted yet
  std::string problem;                 // why it does not go on; no secrets
};
struct KeyStatus {
  std::uint32_t term = 0;  // of the active tenant key
  Timestamp install_time;
  std::uint64_t encryptions = 0;  // wraps; never too low, a little too high after a restart
  std::optional<KeyRotationStatus> rotation;
};
struct TokenIssued {
  SecretBytes token;
  token::TokenState state;
  std::vector<std::string> warnings;
  bool recorded = false;
  std::vector<std::string> identity_policies = {};
};
// Names one token. Exactly one is set.
struct TokenReference {
  SecretBytes token;  // its text
  std::string accessor;
  bool self = false;  // the caller's own
};
struct TokenFound {
  token::TokenState state;
  std::string namespace_path;  // "a/b/" or ""
  std::vector<std::string> identity_policies = {};
};
// An answer that is stored instead of sent, and the token that fetches it once.
struct Wrapped {
  SecretBytes token;
  token::TokenState state;
};
struct Unwrapped {
  SecretBytes content;
  token::TokenState state;  // of the token that is used up now
};
struct TokenRenewal {
  token::TokenState state;
  std::vector<std::string> warnings;
  bool recorded = false;
  std::vector<std::string> identity_policies = {};
};

// ---------------------------------------------------------------- identity
struct IdentityChanged {
  identity::Decision decision;  // no events: nothing changed
  bool recorded = false;
};
// Names one entity or group: by id, by name, by an alias's id, or by an alias's name at a mount.
struct IdentityQuery {
  enum class By : std::uint8_t { id, name, alias_id, alias } by = By::id;
  std::string text;  // the id as a client wrote it, or the name
  std::string mount_accessor = {};
};
struct EntityFound {
  identity::Entity entity;
  std::vector<identity::GroupId> direct_groups;
  std::vector<identity::GroupId> groups;  // with those that hold them
};
struct GroupFound {
  identity::Group group;
  identity::Members members;
  std::vector<identity::GroupId> parents;
};

struct AuditHash {
  std::string token;     // as `token_hmac` has it
  std::string accessor;  // as `token_accessor_hmac` has it, in the admission's tenant
};

// ---------------------------------------------------------------- inspection
struct ActorInfo {
  std::uint64_t id = 0;
  std::uint64_t parent = 0;   // 0: none
  std::string kind;           // "system", "partition", "tenant", "secret", "hsm", "log"
  std::string tenant;         // namespace path; empty where it does not apply
  std::string name;           // never a secret's path: its id
  std::uint64_t mailbox = 0;  // messages waiting
  std::uint64_t processed = 0;
  std::uint64_t busy_ns = 0;
  std::string state;  // "running", "passivating", "quarantined"
  std::string last_error;
};
struct EventInfo {
  TenantSequence sequence = 0;
  Timestamp time;
  std::uint64_t epoch = 0;
  std::string hash;           // hex, of the stored record
  std::string previous_hash;  // hex
  std::string stream;         // hex id of the aggregate
  struct Item {
    std::string name;  // "secret.version_written"
    std::string json;  // body; sealed values as lengths
  };
  std::vector<Item> events;
};
struct ChainReport {
  TenantSequence records = 0;
  std::string head_hash;
  std::optional<std::string> problem;  // "record 17: previous hash does not match"
};

class RequestPort {
 public:
  virtual ~RequestPort() = default;

  [[nodiscard]] virtual ServiceStatus status() const = 0;
  [[nodiscard]] virtual Timestamp now() const = 0;
  // invalid_argument "Vault is already initialized", or bad numbers.
  virtual void initialize(InitRequest request, Callback<InitOutcome> done) = 0;
  // Takes one share; the status afterwards. invalid_argument for a share that cannot be one.
  virtual void unseal(SecretBytes share, Callback<ServiceStatus> done) = 0;
  virtual void reset_unseal(Callback<ServiceStatus> done) = 0;
  virtual void seal(AdmissionPtr admission, Callback<Changed> done) = 0;
  // Outlives the port's requests.
  [[nodiscard]] virtual KeyCeremonies& key_ceremonies() = 0;

  // Paths below sys/internal/ui/mounts (relative to the tenant) check by themselves what the caller
  // may see: a live token is enough there, the policy is not asked.
  virtual void admit(RequestHead head, std::function<void(AdmissionPtr)> done) = 0;
  // For endpoints that need no token (sys/health, sys/seal-status, sys/init, ...): only finds the
  // tenant if it can and makes the Admission that record() needs. Works while sealed.
  virtual AdmissionPtr admit_public(RequestHead head) = 0;
  virtual void record(AdmissionPtr admission, Outcome outcome, Callback<void> done) = 0;

  // Secrets of admission->mount. `version` 0: the current one.
  virtual void read_secret(AdmissionPtr admission, std::string path, VersionNumber version,
                           Callback<SecretRead> done) = 0;
  virtual void secret_state(AdmissionPtr admission, std::string path,
                            Callback<SecretStatePtr> done) = 0;
  // `success_status` goes into the access record of a write that succeeds.
  virtual void write_secret(AdmissionPtr admission, WriteSecret request, int success_status,
                            Callback<SecretWritten> done) = 0;
  virtual void change_secret(AdmissionPtr admission, std::string path, secret::Command command,
                             int success_status, Callback<SecretChanged> done) = 0;
  // Names directly below `folder` ("" or "a/b/"), sorted bytewise, folders with trailing '/'.
  virtual void list_secrets(AdmissionPtr admission, std::string folder, std::string after,
                            std::size_t limit, Callback<std::vector<std::string>> done) = 0;

  virtual void change_tenant(AdmissionPtr admission, tenant::Command command, int success_status,
                             Callback<Changed> done) = 0;
  virtual void change_policies(AdmissionPtr admission, policy::Command command, int success_status,
                               Callback<Changed> done) = 0;
  // Children of the admission's tenant. `name` is one segment.
  virtual void create_namespace(AdmissionPtr admission, std::string name,
                                tenant::TextMap custom_metadata, Callback<NamespaceInfo> done) = 0;
  virtual void change_namespace(AdmissionPtr admission, std::string name,
                                tenant::TextMap custom_metadata, Callback<NamespaceInfo> done) = 0;
  virtual void delete_namespace(AdmissionPtr admission, std::string name,
                                Callback<Changed> done) = 0;
  virtual void find_namespace(AdmissionPtr admission, std::string name,
                              Callback<NamespaceInfo> done) = 0;  // not_found
  virtual void list_namespaces(AdmissionPtr admission,
                               Callback<std::vector<NamespaceInfo>> done) = 0;

  // The tenant's key, of the child `name` or, when it is empty, of the admission's tenant.
  // Answers when the new key is in use; what the old one wrapped is re-wrapped behind it.
  // invalid_argument: a rotation is under way; not_found: no such child.
  virtual void rotate_tenant_key(AdmissionPtr admission, std::string name, int success_status,
                                 Callback<Changed> done) = 0;
  virtual void tenant_key_status(AdmissionPtr admission, std::string name,
                                 Callback<KeyStatus> done) = 0;

  // `custom_token`: the caller's own choice of token text, empty for a random one.
  virtual void create_token(AdmissionPtr admission, token::TokenRequest request,
                            SecretBytes custom_token, int success_status,
                            Callback<TokenIssued> done) = 0;
  // permission_denied: unknown token; invalid_argument: unknown accessor.
  virtual void find_token(AdmissionPtr admission, TokenReference reference,
                          Callback<TokenFound> done) = 0;
  virtual void renew_token(AdmissionPtr admission, TokenReference reference, Seconds increment,
                           int success_status, Callback<TokenRenewal> done) = 0;
  virtual void revoke_token(AdmissionPtr admission, TokenReference reference, bool children_live_on,
                            int success_status, Callback<Changed> done) = 0;
  virtual void list_accessors(AdmissionPtr admission, Callback<std::vector<std::string>> done) = 0;
  // Capability names for each path ("root", "deny" or the list); paths relative to the tenant.
  virtual void capabilities(AdmissionPtr admission, TokenReference reference,
                            std::vector<std::string> paths,
                            Callback<std::vector<std::vector<std::string>>> done) = 0;
  // True when the caller may do something below the mount ("secret/"): the CLI's preflight.
  [[nodiscard]] virtual bool sees_mount(const Admission& admission,
                                        std::string_view mount_path) const = 0;

  // The tenant's identity store. The record's status of a change follows from whether something
  // was created.
  virtual void change_identity(AdmissionPtr admission, identity::Command command,
                               int created_status, int changed_status,
                               Callback<IdentityChanged> done) = 0;
  virtual void find_entity(AdmissionPtr admission, IdentityQuery query,
                           Callback<std::optional<EntityFound>> done) = 0;
  virtual void find_group(AdmissionPtr admission, IdentityQuery query,
                          Callback<std::optional<GroupFound>> done) = 0;
  // In the order of their ids, behind `after`, at most `limit`. Groups without their members' ids
  // being sorted out: counts are what lists show.
  virtual void list_entities(AdmissionPtr admission, identity::EntityId after, std::size_t limit,
                             Callback<std::vector<identity::Entity>> done) = 0;
  virtual void list_groups(AdmissionPtr admission, identity::GroupId after, std::size_t limit,
                           Callback<std::vector<GroupFound>> done) = 0;

  // Response wrapping. `content` is kept sealed under a key of its own for at most `ttl`.
  virtual void wrap(AdmissionPtr admission, SecretBytes content, Seconds ttl,
                    std::string creation_path, Callback<Wrapped> done) = 0;
  // Uses the token up and destroys the content's key. With `self` the admission has used it up
  // already. invalid_argument: no wrapping token, used or expired.
  virtual void unwrap(AdmissionPtr admission, TokenReference reference,
                      Callback<Unwrapped> done) = 0;
  // Leaves the token as it is. The admission may be a public one.
  virtual void lookup_wrapped(AdmissionPtr admission, SecretBytes token,
                              Callback<token::TokenState> done) = 0;

  // The keyed hash by which a token's or an accessor's text is found in access records, in hex.
  // sealed: there is no key.
  [[nodiscard]] virtual Result<AuditHash> audit_hash(const Admission& admission,
                                                     std::string_view text) const = 0;
  // An opaque text for the client: the state of the admission's tenant that answers from now on
  // have seen. Empty while sealed. Whether the vault holds a state that a client brings back: false
  // when it has not come so far; invalid_argument: no such text of this vault.
  [[nodiscard]] virtual std::string state_index(const Admission& admission) const = 0;
  [[nodiscard]] virtual Result<bool> holds_state(std::string_view index) const = 0;

  // Operator API (metadata only; admitted like every request, with sudo).
  virtual void list_actors(AdmissionPtr admission, Callback<std::vector<ActorInfo>> done) = 0;
  virtual void read_events(AdmissionPtr admission, TenantSequence from, std::size_t limit,
                           std::optional<std::string> stream_hex,
                           Callback<std::vector<EventInfo>> done) = 0;
  virtual void verify_chain(AdmissionPtr admission, Callback<ChainReport> done) = 0;
};

}  // namespace coffer::api
