// The FakePort's tenants, policies, tokens and inspection.
#include <algorithm>

#include "tests/api/fake_port.h"
#include "tests/api/fake_port_detail.h"

namespace coffer::test {
namespace {

constexpr Seconds kTtl{2'764'800};

}  // namespace

// ---------------------------------------------------------------- tenants and policies
void FakePort::change_tenant(api::AdmissionPtr admission, tenant::Command command,
                             int success_status, api::Callback<api::Changed> done) {
  if (fails(done)) return;
  auto& state = tenant_of(admission).view.state;
  const auto events = decide(state, command, time);
  if (!events) return done(events.error());
  apply_events(state, events.value());
  done(api::Changed{note_change(success_status)});
}

void FakePort::change_policies(api::AdmissionPtr admission, policy::Command command,
                               int success_status, api::Callback<api::Changed> done) {
  if (fails(done)) return;
  auto& policies = tenant_of(admission).view.policies;
  const auto events = decide(policies, command, time);
  if (!events) return done(events.error());
  apply_events(policies, events.value());
  done(api::Changed{note_change(success_status)});
}

FakePort::Tenant* FakePort::child_of(const api::AdmissionPtr& admission, const std::string& name) {
  const auto found = tenants_.find(admission->tenant->path + name + "/");
  return found == tenants_.end() ? nullptr : &found->second;
}

namespace {

api::NamespaceInfo info_of(const api::TenantView& view, const std::string& name) {
  return {view.id, name + "/", view.state.custom_metadata};
}

}  // namespace

void FakePort::create_namespace(api::AdmissionPtr admission, std::string name,
                                tenant::TextMap custom_metadata,
                                api::Callback<api::NamespaceInfo> done) {
  if (fails(done)) return;
  if (child_of(admission, name) != nullptr)
    return done(fail(ErrorCode::already_exists, "namespace already exists"));
  const auto allowed = tenant::check_tenant_name(name);
  if (!allowed) return done(allowed.error());
  add_tenant(admission->tenant->path + name + "/");
  auto& view = child_of(admission, name)->view;
  view.state.custom_metadata = std::move(custom_metadata);
  done(info_of(view, name));
}

void FakePort::change_namespace(api::AdmissionPtr admission, std::string name,
                                tenant::TextMap custom_metadata,
                                api::Callback<api::NamespaceInfo> done) {
  if (fails(done)) return;
  auto* child = child_of(admission, name);
  if (child == nullptr) return done(fail(ErrorCode::not_found, "namespace not found"));
  child->view.state.custom_metadata = std::move(custom_metadata);
  done(info_of(child->view, name));
}

void FakePort::delete_namespace(api::AdmissionPtr admission, std::string name,
                                api::Callback<api::Changed> done) {
  if (fails(done)) return;
  if (tenants_.erase(admission->tenant->path + name + "/") == 0)
    return done(fail(ErrorCode::not_found, "namespace not found"));
  done(api::Changed{false});
}

void FakePort::find_namespace(api::AdmissionPtr admission, std::string name,
                              api::Callback<api::NamespaceInfo> done) {
  if (fails(done)) return;
  auto* child = child_of(admission, name);
  if (child == nullptr) return done(fail(ErrorCode::not_found, "namespace not found"));
  done(info_of(child->view, name));
}

void FakePort::list_namespaces(api::AdmissionPtr admission,
                               api::Callback<std::vector<api::NamespaceInfo>> done) {
  if (fails(done)) return;
  std::vector<api::NamespaceInfo> infos;
  for (const auto& [path, child] : tenants_)
    if (admission->tenant->path.empty() && !path.empty())
      infos.push_back(info_of(child.view, path.substr(0, path.size() - 1)));
  done(std::move(infos));
}

FakePort::Tenant* FakePort::named_tenant(const api::AdmissionPtr& admission,
                                         const std::string& name) {
  return name.empty() ? &tenant_of(admission) : child_of(admission, name);
}

void FakePort::rotate_tenant_key(api::AdmissionPtr admission, std::string name, int success_status,
                                 api::Callback<api::Changed> done) {
  if (fails(done)) return;
  auto* tenant = named_tenant(admission, name);
  if (tenant == nullptr) return done(fail(ErrorCode::not_found, "namespace not found"));
  if (tenant->rotation && tenant->rotation->running)
    return done(fail(ErrorCode::invalid_argument, "a rotation is in progress"));
  tenant->rotation = api::KeyRotationStatus{
      !rotations_end, tenant->term++, time, rotations_end ? time : Timestamp{}, 3, {}, ""};
  if (rotations_end) tenant->rotation->total = 3;
  done(api::Changed{name.empty() && note_change(success_status)});
}

void FakePort::tenant_key_status(api::AdmissionPtr admission, std::string name,
                                 api::Callback<api::KeyStatus> done) {
  if (fails(done)) return;
  const auto* tenant = named_tenant(admission, name);
  if (tenant == nullptr) return done(fail(ErrorCode::not_found, "namespace not found"));
  done(api::KeyStatus{tenant->term, time, 17, tenant->rotation});
}

// ---------------------------------------------------------------- tokens
Result<std::string> FakePort::find_token_text(const api::AdmissionPtr& admission,
                                              const api::TokenReference& reference) const {
  if (reference.self) return text_of(admission);
  const auto text = reference.token.expose_text();
  for (const auto& [known, state] : tokens_) {
    if (!state.is_live(time)) continue;
    if (!text.empty() && known == text) return known;
    if (text.empty() && state.accessor == reference.accessor) return known;
  }
  if (text.empty())
    return fail(ErrorCode::invalid_argument, "1 error occurred:\n\t* invalid accessor\n\n");
  return fail(ErrorCode::permission_denied, "bad token");
}

void FakePort::create_token(api::AdmissionPtr admission, token::TokenRequest request,
                            SecretBytes custom_token, int success_status,
                            api::Callback<api::TokenIssued> done) {
  if (fails(done)) return;
  const bool root = admission->token->is_root();
  const auto& roles = admission->tenant->state.token_roles;
  const auto role = roles.find(request.role);
  auto plan = token::plan_token(*admission->token, root, admission->tenant->id, request,
                                {kTtl, kTtl}, time, role == roles.end() ? nullptr : &role->second);
  if (!plan) return done(plan.error());
  plan->created.id.bytes[0] = static_cast<std::uint8_t>(++tokens_made_);
  plan->created.accessor = "accessor-" + std::to_string(tokens_made_);
  api::TokenIssued issued;
  issued.warnings = plan->warnings;
  issued.token = custom_token.empty()
                     ? SecretBytes(std::string_view("s.token" + std::to_string(tokens_made_)))
                     : std::move(custom_token);
  apply_events(issued.state, std::vector<token::Event>{plan->created});
  tokens_.insert_or_assign(std::string(issued.token.expose_text()), issued.state);
  issued.recorded = note_change(success_status);
  done(std::move(issued));
}

void FakePort::find_token(api::AdmissionPtr admission, api::TokenReference reference,
                          api::Callback<api::TokenFound> done) {
  if (fails(done)) return;
  const auto text = find_token_text(admission, reference);
  if (!text) return done(text.error());
  done(api::TokenFound{tokens_.at(text.value()), admission->tenant->path});
}

void FakePort::renew_token(api::AdmissionPtr admission, api::TokenReference reference,
                           Seconds increment, int success_status,
                           api::Callback<api::TokenRenewal> done) {
  if (fails(done)) return;
  const auto text = find_token_text(admission, reference);
  if (!text) return done(text.error());
  auto& state = tokens_.at(text.value());
  const auto events = decide(state, token::RenewToken{increment, kTtl, kTtl}, time);
  if (!events) return done(events.error());
  apply_events(state, events.value());
  done(api::TokenRenewal{state, {}, note_change(success_status)});
}

void FakePort::revoke_token(api::AdmissionPtr admission, api::TokenReference reference,
                            bool children_live_on, int success_status,
                            api::Callback<api::Changed> done) {
  if (fails(done)) return;
  const auto text = find_token_text(admission, reference);
  if (!text) return done(text.error());
  auto& state = tokens_.at(text.value());
  const auto events = decide(state, token::RevokeToken{children_live_on}, time);
  COFFER_CHECK(events.ok());
  apply_events(state, events.value());
  done(api::Changed{note_change(success_status)});
}

void FakePort::list_accessors(api::AdmissionPtr, api::Callback<std::vector<std::string>> done) {
  if (fails(done)) return;
  std::vector<std::string> accessors;
  for (const auto& [text, state] : tokens_)
    if (state.is_live(time)) accessors.push_back(state.accessor);
  std::sort(accessors.begin(), accessors.end());
  done(std::move(accessors));
}

void FakePort::capabilities(api::AdmissionPtr admission, api::TokenReference reference,
                            std::vector<std::string> paths,
                            api::Callback<std::vector<std::vector<std::string>>> done) {
  if (fails(done)) return;
  const auto text = find_token_text(admission, reference);
  if (!text) return done(text.error());
  std::vector<std::vector<std::string>> out;
  for (const auto& path : paths) {
    if (tokens_.at(text.value()).is_root())
      out.push_back({"root"});
    else if (path.starts_with("secret/"))
      out.push_back({"list", "read"});
    else
      out.push_back({"deny"});
  }
  done(std::move(out));
}

Result<bool> FakePort::holds_state(std::string_view state) const {
  if (std::find(known_states.begin(), known_states.end(), state) != known_states.end()) return true;
  if (state == later_state) return false;
  return fail(ErrorCode::invalid_argument, "X-Vault-Index is not an index of this vault");
}

bool FakePort::sees_mount(const api::Admission& admission, std::string_view mount_path) const {
  if (admission.token->is_root()) return true;
  return std::any_of(limited_paths.begin(), limited_paths.end(), [&](const auto& prefix) {
    return std::string_view(prefix).starts_with(mount_path);
  });
}

// ---------------------------------------------------------------- inspection
void FakePort::list_actors(api::AdmissionPtr, api::Callback<std::vector<api::ActorInfo>> done) {
  if (fails(done)) return;
  api::ActorInfo actor;
  actor.id = 1;
  actor.kind = "system";
  actor.state = "running";
  done(std::vector<api::ActorInfo>{actor});
}

void FakePort::read_events(api::AdmissionPtr, TenantSequence from, std::size_t limit,
                           std::optional<std::string> stream_hex,
                           api::Callback<std::vector<api::EventInfo>> done) {
  if (fails(done)) return;
  api::EventInfo event;
  event.sequence = from;
  event.time = time;
  event.epoch = limit;
  event.hash = "aa";
  event.previous_hash = "bb";
  event.stream = stream_hex.value_or("");
  event.events.push_back({"tenant.created", R"({"name":"x"})"});
  done(std::vector<api::EventInfo>{event});
}

void FakePort::verify_chain(api::AdmissionPtr, api::Callback<api::ChainReport> done) {
  if (fails(done)) return;
  done(api::ChainReport{17, "abcd", std::nullopt});
}

}  // namespace coffer::test
