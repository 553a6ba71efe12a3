#include "tests/api/fake_port.h"

#include <algorithm>

#include "tests/api/fake_port_detail.h"

namespace coffer::test {
namespace {

Sha256 no_hash() {
  return {};
}

KeyId some_key() {
  KeyId key;
  key.bytes[0] = 1;
  return key;
}

}  // namespace

FakePort::FakePort() {
  service = {.initialized = true,
             .sealed = false,
             .seal_type = api::SealType::shamir,
             .threshold = 3,
             .shares = 5,
             .progress = 0,
             .nonce = {},
             .cluster_name = "coffer",
             .cluster_id = "11111111-2222-3333-4444-555555555555",
             .problem = {}};
  add_tenant("");
  add_tenant("team/");
  add_token(kRootToken, "root");
  add_token(kLimitedToken, "limited");
}

void FakePort::add_tenant(const std::string& path) {
  Tenant added;
  added.view.path = path;
  added.view.id.bytes[15] = static_cast<std::uint8_t>(tenants_.size());
  const std::string name = path.empty() ? "" : path.substr(0, path.size() - 1);
  MountId id;
  id.bytes[0] = 0xAB;
  for (const tenant::Command& command :
       {tenant::Command{tenant::CreateTenant{{}, name, {}}},
        tenant::Command{tenant::EnableMount{
            id, "secret/", "kv", "0a1b2c3d", {{"version", "2"}}, {}, false, false}}}) {
    const auto events = decide(added.view.state, command, time);
    COFFER_CHECK(events.ok());
    apply_events(added.view.state, events.value());
  }
  added.view.policies.texts["default"] = "path \"a\" { capabilities = [\"read\"] }";
  tenants_[path] = std::move(added);
}

void FakePort::add_token(std::string_view text, std::string policy) {
  token::TokenCreated created;
  created.id.bytes[0] = static_cast<std::uint8_t>(++tokens_made_);
  created.accessor = "accessor-" + std::to_string(tokens_made_);
  created.policies = {std::move(policy)};
  created.display_name = created.policies.front();
  created.path = "auth/token/root";
  created.created_time = time;
  token::TokenState state;
  apply_events(state, std::vector<token::Event>{created});
  tokens_.emplace(text, std::move(state));
}

// ---------------------------------------------------------------- service
void FakePort::initialize(api::InitRequest request, api::Callback<api::InitOutcome> done) {
  if (fails(done)) return;
  service.initialized = true;
  service.shares = request.shares;
  service.threshold = request.threshold;
  api::InitOutcome outcome;
  for (unsigned i = 0; i < request.shares; ++i)
    outcome.key_shares.emplace_back(std::string_view(i == 0 ? "\x01\x02" : "\xFE\xFF"));
  outcome.root_token = SecretBytes(std::string_view("s.made"));
  done(std::move(outcome));
}

void FakePort::unseal(SecretBytes share, api::Callback<api::ServiceStatus> done) {
  if (fails(done)) return;
  if (share.size() != 2) return done(fail(ErrorCode::invalid_argument, "invalid key"));
  if (++service.progress >= service.threshold) {
    service.sealed = false;
    service.progress = 0;
  }
  done(service);
}

void FakePort::reset_unseal(api::Callback<api::ServiceStatus> done) {
  service.progress = 0;
  done(service);
}

void FakePort::seal(api::AdmissionPtr, api::Callback<api::Changed> done) {
  if (fails(done)) return;
  service.sealed = true;
  done(api::Changed{note_change(204)});
}

// ---------------------------------------------------------------- admission
bool FakePort::allows(const api::Admission& admission, std::string_view path) const {
  if (admission.token->is_root()) return true;
  return std::any_of(limited_paths.begin(), limited_paths.end(),
                     [&](const auto& prefix) { return path.starts_with(prefix); });
}

void FakePort::admit(api::RequestHead head, std::function<void(api::AdmissionPtr)> done) {
  auto admission = std::static_pointer_cast<FakeAdmission>(admit_public(std::move(head)));
  const auto refuse = [&](ErrorCode code, std::string text) {
    admission->refusal = Error{code, std::move(text)};
    done(admission);
  };
  if (service.sealed) return refuse(ErrorCode::sealed, {});
  if (admission->refusal) return done(admission);
  if (admission->tenant == nullptr) return refuse(ErrorCode::not_found, "namespace not found");
  const auto token = tokens_.find(admission->token_text);
  if (token == tokens_.end() || !token->second.is_live(time))
    return refuse(ErrorCode::permission_denied, "permission denied");
  admission->token = std::make_shared<token::TokenState>(token->second);
  if (token->second.is_wrapping()) {
    apply_events(token->second, decide(token->second, token::UseToken{}, time).value());
    if (admission->head.path != "sys/wrapping/unwrap")
      return refuse(ErrorCode::permission_denied, "permission denied");
    return done(admission);
  }
  const std::string_view path = admission->head.path;
  if (!path.starts_with("sys/internal/ui/mounts") && !allows(*admission, path))
    return refuse(ErrorCode::permission_denied, "permission denied");
  if (const auto* mount = admission->tenant->state.find_mount(path)) {
    admission->mount = *mount;
    admission->mount_relative_path = path.substr(mount->path.size());
  } else if (path.starts_with("cubbyhole/")) {
    admission->mount.emplace();
    admission->mount->path = "cubbyhole/";
    admission->mount->type = "cubbyhole";
    admission->mount->settings.max_versions = 1;
    admission->mount_relative_path = path.substr(admission->mount->path.size());
  }
  done(admission);
}

api::AdmissionPtr FakePort::admit_public(api::RequestHead head) {
  auto admission = std::make_shared<FakeAdmission>();
  admission->head = std::move(head);
  auto& mine = admission->head;
  auto& seen = heads.emplace_back();
  seen.request_id = mine.request_id;
  seen.trace_parent = mine.trace_parent;
  seen.token = mine.token.clone();
  seen.namespace_path = mine.namespace_path;
  seen.operation = mine.operation;
  seen.path = mine.path;
  seen.remote_address = mine.remote_address;
  admission->token_text = mine.token.expose_text();
  mine.token.wipe();
  std::string wanted = mine.namespace_path;
  if (wanted.empty() && mine.path.starts_with("team/")) {
    wanted = "team/";
    mine.path.erase(0, 5);
  }
  if (const auto found = tenants_.find(wanted); found != tenants_.end())
    admission->tenant = std::make_shared<api::TenantView>(found->second.view);
  if (rate_limited) {
    admission->retry_after = rate_limited;
    admission->refusal = fail(ErrorCode::quota_exceeded,
                              "request path \"" + mine.path + "\": rate limit quota exceeded");
  }
  return admission;
}

void FakePort::record(api::AdmissionPtr admission, api::Outcome outcome, api::Callback<void> done) {
  COFFER_CHECK(admission != nullptr);
  recorded.push_back(outcome);
  auto answer = [this, done = std::move(done)] {
    if (record_failure)
      done(*record_failure);
    else
      done(Result<void>{});
  };
  if (hold_records)
    held_.push_back(std::move(answer));
  else
    answer();
}

void FakePort::release_records() {
  for (auto& answer : std::exchange(held_, {})) answer();
}

// ---------------------------------------------------------------- secrets
FakePort::Tenant& FakePort::tenant_of(const api::AdmissionPtr& admission) {
  return tenants_.at(admission->tenant->path);
}

FakePort::Secret& FakePort::secret_of(const api::AdmissionPtr& admission, const std::string& path) {
  return tenant_of(admission).secrets[admission->mount->path + path];
}

void FakePort::read_secret(api::AdmissionPtr admission, std::string path, VersionNumber version,
                           api::Callback<api::SecretRead> done) {
  if (fails(done)) return;
  const auto& secret = secret_of(admission, path);
  api::SecretRead read;
  read.state = std::make_shared<secret::SecretState>(secret.state);
  read.now = time;
  const auto* found = secret.state.find_version(version);
  if (found != nullptr) {
    read.version = version == 0 ? secret.state.current_version : version;
    if (!found->destroyed && !found->deleted_at(time))
      read.value = SecretBytes(std::string_view(secret.values.at(read.version)));
  }
  done(std::move(read));
}

void FakePort::secret_state(api::AdmissionPtr admission, std::string path,
                            api::Callback<api::SecretStatePtr> done) {
  if (fails(done)) return;
  done(
      api::SecretStatePtr(std::make_shared<secret::SecretState>(secret_of(admission, path).state)));
}

void FakePort::write_secret(api::AdmissionPtr admission, api::WriteSecret request,
                            int success_status, api::Callback<api::SecretWritten> done) {
  if (fails(done)) return;
  auto& secret = secret_of(admission, request.path);
  api::SecretWritten written;
  if (request.based_on && (conflicts > 0 || *request.based_on != secret.state.current_version)) {
    if (conflicts > 0) --conflicts;
    written.conflict = true;
    return done(std::move(written));
  }
  const VersionNumber number = secret.state.current_version + 1;
  const secret::WriteVersion command{admission->mount->id, request.path, number,   request.cas,
                                     some_key(),           no_hash(),    Bytes{1}, false};
  const auto events = decide(secret.state, command, {time, admission->mount->settings});
  if (!events) return done(events.error());
  apply_events(secret.state, events.value());
  secret.values[number] = request.value.expose_text();
  written.number = number;
  written.version = secret.state.versions.at(number);
  written.custom_metadata = secret.state.custom_metadata;
  written.recorded = note_change(success_status);
  done(std::move(written));
}

void FakePort::change_secret(api::AdmissionPtr admission, std::string path, secret::Command command,
                             int success_status, api::Callback<api::SecretChanged> done) {
  if (fails(done)) return;
  auto& secret = secret_of(admission, path);
  const auto events = decide(secret.state, command, {time, admission->mount->settings});
  if (!events) return done(events.error());
  apply_events(secret.state, events.value());
  done(api::SecretChanged{note_change(success_status)});
}

void FakePort::list_secrets(api::AdmissionPtr admission, std::string folder, std::string after,
                            std::size_t limit, api::Callback<std::vector<std::string>> done) {
  if (fails(done)) return;
  const std::string prefix = admission->mount->path + folder;
  std::vector<std::string> names;
  for (const auto& [key, secret] : tenant_of(admission).secrets) {
    if (!secret.state.exists || !key.starts_with(prefix)) continue;
    auto name = key.substr(prefix.size());
    if (const auto slash = name.find('/'); slash != std::string::npos) name.resize(slash + 1);
    if (name > after && (names.empty() || names.back() != name)) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  if (names.size() > limit) names.resize(limit);
  done(std::move(names));
}

}  // namespace coffer::test
