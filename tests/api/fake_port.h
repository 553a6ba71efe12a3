// A RequestPort without actors, keys or disk: a root tenant and the namespace team/, each with a
// KV version 2 mount secret/, and the real rules of events/. Answers on the caller's thread.
// Faults: the next call can fail, records can fail or be held back, PATCH writes can conflict.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "events/api/request_port.h"
#include "events/identity/map_store.h"
#include "tests/api/fake_ceremonies.h"

namespace coffer::test {

inline constexpr std::string_view kRootToken = "root-token";
inline constexpr std::string_view kLimitedToken = "limited-token";

class FakePort final : public api::RequestPort {
 public:
  FakePort();

  // ------------------------------------------------------------- knobs and observations
  api::ServiceStatus service;
  Timestamp time{1'764'000'000'123'456'789};
  std::vector<std::string> limited_paths;  // prefixes that the limited token may use
  std::optional<Error> next_failure;       // of the next call that is not admit or record
  std::optional<Error> record_failure;
  std::optional<Error> wrap_failure;  // of every answer to wrap
  bool rotations_end = true;          // at once; else they are under way from then on
  bool hold_records = false;
  bool changes_record_themselves = true;
  std::string index = "index-of-now";  // of every answer
  std::vector<std::string> known_states{"index-of-now", "older"};
  std::string later_state = "later";
  unsigned conflicts = 0;                 // so many conditional writes meet another writer
  std::vector<api::Outcome> recorded;     // by record()
  std::vector<int> recorded_with_change;  // statuses
  std::vector<api::RequestHead> heads;    // as they were handed in, tokens included
  unsigned calls = 0;
  FakeCeremonies ceremonies;
  std::optional<Seconds> rate_limited;  // every request is refused so
  void release_records();

  // ------------------------------------------------------------- RequestPort
  api::ServiceStatus status() const override { return service; }
  Timestamp now() const override { return time; }
  void initialize(api::InitRequest request, api::Callback<api::InitOutcome> done) override;
  void unseal(SecretBytes share, api::Callback<api::ServiceStatus> done) override;
  void reset_unseal(api::Callback<api::ServiceStatus> done) override;
  void seal(api::AdmissionPtr admission, api::Callback<api::Changed> done) override;
  api::KeyCeremonies& key_ceremonies() override { return ceremonies; }
  Result<api::AuditHash> audit_hash(const api::Admission&, std::string_view text) const override {
    return api::AuditHash{"t-" + std::string(text), "a-" + std::string(text)};
  }
  void admit(api::RequestHead head, std::function<void(api::AdmissionPtr)> done) override;
  api::AdmissionPtr admit_public(api::RequestHead head) override;
  void record(api::AdmissionPtr admission, api::Outcome outcome, api::Callback<void> done) override;
  void read_secret(api::AdmissionPtr admission, std::string path, VersionNumber version,
                   api::Callback<api::SecretRead> done) override;
  void secret_state(api::AdmissionPtr admission, std::string path,
                    api::Callback<api::SecretStatePtr> done) override;
  void write_secret(api::AdmissionPtr admission, api::WriteSecret request, int success_status,
                    api::Callback<api::SecretWritten> done) override;
  void change_secret(api::AdmissionPtr admission, std::string path, secret::Command command,
                     int success_status, api::Callback<api::SecretChanged> done) override;
  void list_secrets(api::AdmissionPtr admission, std::string folder, std::string after,
                    std::size_t limit, api::Callback<std::vector<std::string>> done) override;
  void change_tenant(api::AdmissionPtr admission, tenant::Command command, int success_status,
                     api::Callback<api::Changed> done) override;
  void change_policies(api::AdmissionPtr admission, policy::Command command, int success_status,
                       api::Callback<api::Changed> done) override;
  void create_namespace(api::AdmissionPtr admission, std::string name,
                        tenant::TextMap custom_metadata,
                        api::Callback<api::NamespaceInfo> done) override;
  void change_namespace(api::AdmissionPtr admission, std::string name,
                        tenant::TextMap custom_metadata,
                        api::Callback<api::NamespaceInfo> done) override;
  void delete_namespace(api::AdmissionPtr admission, std::string name,
                        api::Callback<api::Changed> done) override;
  void find_namespace(api::AdmissionPtr admission, std::string name,
                      api::Callback<api::NamespaceInfo> done) override;
  void list_namespaces(api::AdmissionPtr admission,
                       api::Callback<std::vector<api::NamespaceInfo>> done) override;
  void rotate_tenant_key(api::AdmissionPtr admission, std::string name, int success_status,
                         api::Callback<api::Changed> done) override;
  void tenant_key_status(api::AdmissionPtr admission, std::string name,
                         api::Callback<api::KeyStatus> done) override;
  void create_token(api::AdmissionPtr admission, token::TokenRequest request,
                    SecretBytes custom_token, int success_status,
                    api::Callback<api::TokenIssued> done) override;
  void find_token(api::AdmissionPtr admission, api::TokenReference reference,
                  api::Callback<api::TokenFound> done) override;
  void renew_token(api::AdmissionPtr admission, api::TokenReference reference, Seconds increment,
                   int success_status, api::Callback<api::TokenRenewal> done) override;
  void revoke_token(api::AdmissionPtr admission, api::TokenReference reference,
                    bool children_live_on, int success_status,
                    api::Callback<api::Changed> done) override;
  void list_accessors(api::AdmissionPtr admission,
                      api::Callback<std::vector<std::string>> done) override;
  void capabilities(api::AdmissionPtr admission, api::TokenReference reference,
                    std::vector<std::string> paths,
                    api::Callback<std::vector<std::vector<std::string>>> done) override;
  void change_identity(api::AdmissionPtr admission, identity::Command command, int created_status,
                       int changed_status, api::Callback<api::IdentityChanged> done) override;
  void find_entity(api::AdmissionPtr admission, api::IdentityQuery query,
                   api::Callback<std::optional<api::EntityFound>> done) override;
  void find_group(api::AdmissionPtr admission, api::IdentityQuery query,
                  api::Callback<std::optional<api::GroupFound>> done) override;
  void list_entities(api::AdmissionPtr admission, identity::EntityId after, std::size_t limit,
                     api::Callback<std::vector<identity::Entity>> done) override;
  void list_groups(api::AdmissionPtr admission, identity::GroupId after, std::size_t limit,
                   api::Callback<std::vector<api::GroupFound>> done) override;
  std::string state_index(const api::Admission&) const override { return index; }
  Result<bool> holds_state(std::string_view state) const override;
  bool sees_mount(const api::Admission& admission, std::string_view mount_path) const override;
  void wrap(api::AdmissionPtr admission, SecretBytes content, Seconds ttl,
            std::string creation_path, api::Callback<api::Wrapped> done) override;
  void unwrap(api::AdmissionPtr admission, api::TokenReference reference,
              api::Callback<api::Unwrapped> done) override;
  void lookup_wrapped(api::AdmissionPtr admission, SecretBytes token,
                      api::Callback<token::TokenState> done) override;
  void list_actors(api::AdmissionPtr admission,
                   api::Callback<std::vector<api::ActorInfo>> done) override;
  void read_events(api::AdmissionPtr admission, TenantSequence from, std::size_t limit,
                   std::optional<std::string> stream_hex,
                   api::Callback<std::vector<api::EventInfo>> done) override;
  void verify_chain(api::AdmissionPtr admission, api::Callback<api::ChainReport> done) override;

 private:
  struct Secret {
    secret::SecretState state;
    std::map<VersionNumber, std::string> values;
  };
  struct Tenant {
    api::TenantView view;
    std::map<std::string, Secret> secrets;  // by mount path and path
    std::uint32_t term = 1;
    std::optional<api::KeyRotationStatus> rotation;
    identity::MapStore identities = {};
  };

  Tenant& tenant_of(const api::AdmissionPtr& admission);
  Secret& secret_of(const api::AdmissionPtr& admission, const std::string& path);
  Tenant* named_tenant(const api::AdmissionPtr& admission, const std::string& name);
  Tenant* child_of(const api::AdmissionPtr& admission, const std::string& name);
  void add_tenant(const std::string& path);
  void add_token(std::string_view text, std::string policy);
  bool allows(const api::Admission& admission, std::string_view path) const;
  Result<std::string> find_token_text(const api::AdmissionPtr& admission,
                                      const api::TokenReference& reference) const;
  // True when the call was told to fail; then `done` has run.
  template <class T>
  bool fails(const api::Callback<T>& done) {
    ++calls;
    if (!next_failure) return false;
    const Error error = *std::exchange(next_failure, std::nullopt);
    done(error);
    return true;
  }
  bool note_change(int status) {
    if (changes_record_themselves) recorded_with_change.push_back(status);
    return changes_record_themselves;
  }

  std::map<std::string, Tenant> tenants_;
  std::map<std::string, token::TokenState, std::less<>> tokens_;
  std::map<std::string, std::string, std::less<>> wrapped_;  // by wrapping token
  std::vector<std::function<void()>> held_;
  unsigned tokens_made_ = 0;
  std::uint8_t identities_made_ = 0;
};

}  // namespace coffer::test
