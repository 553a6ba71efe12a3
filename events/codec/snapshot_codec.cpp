#include <fmt/format.h>

#include "events/codec/event_messages.h"
#include "events/schema/snapshot.pb.h"

namespace coffer::codec {
namespace {

constexpr std::uint32_t kSnapshotFormat = 1;

void fill(schema::SecretState& s, const secret::SecretState& state) {
  s.set_exists(state.exists);
  put(s.mutable_mount(), state.mount);
  s.set_path(state.path);
  s.set_created_time_ns(state.created_time.ns);
  s.set_updated_time_ns(state.updated_time.ns);
  s.set_current_version(state.current_version);
  s.set_oldest_version(state.oldest_version);
  s.set_max_versions(state.max_versions);
  s.set_cas_required(state.cas_required);
  s.set_delete_version_after_s(state.delete_version_after.count);
  if (!state.custom_metadata.empty()) put(s.mutable_custom_metadata(), state.custom_metadata);
  for (const auto& [number, version] : state.versions) {
    auto& v = *s.add_versions();
    v.set_version(number);
    v.set_created_time_ns(version.created_time.ns);
    v.set_deletion_time_ns(version.deletion_time.ns);
    v.set_destroyed(version.destroyed);
    put(v.mutable_data_key(), version.data_key);
  }
}

void take_versions(const schema::SecretState& s, secret::SecretState& state, FieldReader& in) {
  for (const auto& v : s.versions()) {
    if (!state.versions.empty() && state.versions.rbegin()->first >= v.version())
      return in.fault("versions are not ascending");
    secret::VersionState version{{v.created_time_ns()}, {v.deletion_time_ns()}, v.destroyed(), {}};
    in.id("data_key", v.data_key(), version.data_key);
    state.versions.emplace_hint(state.versions.end(), v.version(), version);
  }
}

void take(schema::Snapshot& m, secret::SecretState& state, FieldReader& in) {
  in.required("state of a secret", m.has_secret());
  auto& s = *m.mutable_secret();
  state.exists = s.exists();
  in.id("mount", s.mount(), state.mount);
  state.path = std::move(*s.mutable_path());
  state.created_time = {s.created_time_ns()};
  state.updated_time = {s.updated_time_ns()};
  state.current_version = s.current_version();
  state.oldest_version = s.oldest_version();
  state.max_versions = s.max_versions();
  state.cas_required = s.cas_required();
  state.delete_version_after = {s.delete_version_after_s()};
  in.text_map("custom_metadata", *s.mutable_custom_metadata(), state.custom_metadata);
  take_versions(s, state, in);
}

void fill(schema::Mount& m, const tenant::Mount& mount) {
  put(m.mutable_id(), mount.id);
  m.set_path(mount.path);
  m.set_type(mount.type);
  m.set_accessor(mount.accessor);
  if (!mount.options.empty()) put(m.mutable_options(), mount.options);
  m.set_description(mount.description);
  m.set_default_lease_ttl_s(mount.default_lease_ttl.count);
  m.set_max_lease_ttl_s(mount.max_lease_ttl.count);
  m.set_listing_visibility(mount.listing_visibility);
  m.set_force_no_cache(mount.force_no_cache);
  m.set_local(mount.local);
  m.set_seal_wrap(mount.seal_wrap);
  m.set_created_time_ns(mount.created_time.ns);
  *m.mutable_settings() = to_message(mount.settings);
  if (!mount.migration.is_zero()) put(m.mutable_migration(), mount.migration);
  m.set_moved_from(mount.moved_from);
}

void take(schema::Mount& m, tenant::Mount& mount, FieldReader& in) {
  in.id("id of a mount", m.id(), mount.id);
  mount.path = m.path();
  mount.type = std::move(*m.mutable_type());
  mount.accessor = std::move(*m.mutable_accessor());
  in.text_map("options of a mount", *m.mutable_options(), mount.options);
  mount.description = std::move(*m.mutable_description());
  mount.default_lease_ttl = {m.default_lease_ttl_s()};
  mount.max_lease_ttl = {m.max_lease_ttl_s()};
  mount.listing_visibility = std::move(*m.mutable_listing_visibility());
  mount.force_no_cache = m.force_no_cache();
  mount.local = m.local();
  mount.seal_wrap = m.seal_wrap();
  mount.created_time = {m.created_time_ns()};
  in.required("settings of a mount", m.has_settings());
  from_message(m.settings(), mount.settings);
  if (!m.migration().empty()) in.id("migration of a mount", m.migration(), mount.migration);
  mount.moved_from = std::move(*m.mutable_moved_from());
}

void fill(schema::Snapshot& m, const tenant::TenantState& state) {
  auto& s = *m.mutable_tenant();
  s.set_exists(state.exists);
  s.set_deleted(state.deleted);
  put(s.mutable_parent(), state.parent);
  s.set_name(state.name);
  if (!state.custom_metadata.empty()) put(s.mutable_custom_metadata(), state.custom_metadata);
  s.set_created_time_ns(state.created_time.ns);
  for (const auto& [path, mount] : state.mounts) {
    COFFER_CHECK(path == mount.path);
    fill(*s.add_mounts(), mount);
  }
  for (const auto& [name, role] : state.token_roles) {
    auto& named = *s.add_token_roles();
    named.set_name(name);
    *named.mutable_role() = to_message(role);
  }
  if (!state.password_policies.empty()) put(s.mutable_password_policies(), state.password_policies);
  for (const auto& [name, limit] : state.rate_limits) {
    auto& named = *s.add_rate_limits();
    named.set_name(name);
    *named.mutable_limit() = to_message(limit);
  }
  if (const auto& paths = state.quota_exempt_paths)
    s.mutable_quota_settings()->mutable_exempt_paths()->Assign(paths->begin(), paths->end());
}

void take(schema::Snapshot& m, tenant::TenantState& state, FieldReader& in) {
  in.required("state of a tenant", m.has_tenant());
  auto& s = *m.mutable_tenant();
  state.exists = s.exists();
  state.deleted = s.deleted();
  in.id("parent", s.parent(), state.parent);
  state.name = std::move(*s.mutable_name());
  in.text_map("custom_metadata", *s.mutable_custom_metadata(), state.custom_metadata);
  state.created_time = {s.created_time_ns()};
  for (auto& mount : *s.mutable_mounts()) {
    if (!state.mounts.empty() && state.mounts.rbegin()->first >= mount.path())
      return in.fault("mounts are not ascending");
    const auto at = state.mounts.emplace_hint(state.mounts.end(), mount.path(), tenant::Mount{});
    take(mount, at->second, in);
  }
  for (auto& named : *s.mutable_token_roles()) {
    if (!state.token_roles.empty() && state.token_roles.rbegin()->first >= named.name())
      return in.fault("token roles are not ascending");
    in.required("content of a token role", named.has_role());
    from_message(*named.mutable_role(), state.token_roles[named.name()]);
  }
  in.text_map("password_policies", *s.mutable_password_policies(), state.password_policies);
  for (auto& named : *s.mutable_rate_limits()) {
    if (!state.rate_limits.empty() && state.rate_limits.rbegin()->first >= named.name())
      return in.fault("rate limits are not ascending");
    in.required("content of a rate limit", named.has_limit());
    from_message(*named.mutable_limit(), state.rate_limits[named.name()], in);
  }
  if (s.has_quota_settings()) {
    const auto& paths = s.quota_settings().exempt_paths();
    state.quota_exempt_paths.emplace(paths.begin(), paths.end());
  }
}

void fill(schema::Snapshot& m, const keyring::KeyringState& state) {
  auto& s = *m.mutable_keyring();
  s.set_exists(state.exists);
  s.set_root_epoch(state.root_epoch);
  put(s.mutable_tenant_key(), state.tenant_key);
  put(s.mutable_log_key(), state.log_key);
  put(s.mutable_index_key(), state.index_key);
  s.set_rotations(state.term - keyring::kFirstTerm);
  s.set_installed_time_ns(state.installed_time.ns);
  if (state.retiring) {
    auto& r = *s.mutable_retiring();
    r.set_term(state.retiring->term);
    r.set_root_epoch(state.retiring->root_epoch);
    put(r.mutable_key(), state.retiring->key);
    r.set_rotated_time_ns(state.retiring->rotated_time.ns);
    r.set_rewrapped(state.retiring->rewrapped);
  }
  if (state.last_rotation) {
    auto& f = *s.mutable_last_rotation();
    f.set_term(state.last_rotation->term);
    f.set_rotated_time_ns(state.last_rotation->rotated_time.ns);
    f.set_retired_time_ns(state.last_rotation->retired_time.ns);
    f.set_rewrapped(state.last_rotation->rewrapped);
  }
}

void take(schema::Snapshot& m, keyring::KeyringState& state, FieldReader& in) {
  in.required("state of a keyring", m.has_keyring());
  const auto& s = m.keyring();
  state.exists = s.exists();
  state.root_epoch = s.root_epoch();
  from_message(s.tenant_key(), state.tenant_key, in);
  from_message(s.log_key(), state.log_key, in);
  from_message(s.index_key(), state.index_key, in);
  state.term = keyring::kFirstTerm + s.rotations();
  state.installed_time = {s.installed_time_ns()};
  if (s.has_retiring()) {
    const auto& r = s.retiring();
    auto& retiring = state.retiring.emplace();
    retiring.term = r.term();
    retiring.root_epoch = r.root_epoch();
    from_message(r.key(), retiring.key, in);
    retiring.rotated_time = {r.rotated_time_ns()};
    retiring.rewrapped = r.rewrapped();
  }
  if (s.has_last_rotation()) {
    const auto& f = s.last_rotation();
    state.last_rotation = keyring::FinishedRotation{
        f.term(), {f.rotated_time_ns()}, {f.retired_time_ns()}, f.rewrapped()};
  }
}

void fill(schema::Snapshot& m, const token::TokenState& state) {
  auto& s = *m.mutable_token();
  s.set_exists(state.exists);
  s.set_revoked(state.revoked);
  s.set_children_live_on(state.children_live_on);
  put(s.mutable_id(), state.id);
  s.set_accessor(state.accessor);
  put(s.mutable_tenant(), state.tenant);
  put(s.mutable_parent(), state.parent);
  s.mutable_policies()->Assign(state.policies.begin(), state.policies.end());
  if (!state.meta.empty()) put(s.mutable_meta(), state.meta);
  s.set_display_name(state.display_name);
  s.set_path(state.path);
  s.set_created_time_ns(state.created_time.ns);
  s.set_expire_time_ns(state.expire_time.ns);
  s.set_last_renewal_time_ns(state.last_renewal_time.ns);
  s.set_creation_ttl_s(state.creation_ttl.count);
  s.set_explicit_max_ttl_s(state.explicit_max_ttl.count);
  s.set_period_s(state.period.count);
  s.set_num_uses(state.num_uses);
  s.set_uses_left(state.uses_left);
  s.set_renewable(state.renewable);
  s.set_chosen_id(state.chosen_id);
  if (!state.entity.is_zero()) put(s.mutable_entity(), state.entity);
}

void take(schema::Snapshot& m, token::TokenState& state, FieldReader& in) {
  in.required("state of a token", m.has_token());
  auto& s = *m.mutable_token();
  state.exists = s.exists();
  state.revoked = s.revoked();
  state.children_live_on = s.children_live_on();
  in.id("id", s.id(), state.id);
  state.accessor = std::move(*s.mutable_accessor());
  in.id("tenant", s.tenant(), state.tenant);
  in.id("parent", s.parent(), state.parent);
  state.policies.assign(s.policies().begin(), s.policies().end());
  in.text_map("meta", *s.mutable_meta(), state.meta);
  state.display_name = std::move(*s.mutable_display_name());
  state.path = std::move(*s.mutable_path());
  state.created_time = {s.created_time_ns()};
  state.expire_time = {s.expire_time_ns()};
  state.last_renewal_time = {s.last_renewal_time_ns()};
  state.creation_ttl = {s.creation_ttl_s()};
  state.explicit_max_ttl = {s.explicit_max_ttl_s()};
  state.period = {s.period_s()};
  state.num_uses = s.num_uses();
  state.uses_left = s.uses_left();
  state.renewable = s.renewable();
  state.chosen_id = s.chosen_id();
  if (!s.entity().empty()) in.id("entity", s.entity(), state.entity);
}

void fill(schema::Snapshot& m, const policy::PolicySet& state) {
  auto& s = *m.mutable_policies();
  if (!state.texts.empty()) put(s.mutable_texts(), state.texts);
}

void take(schema::Snapshot& m, policy::PolicySet& state, FieldReader& in) {
  in.required("state of the policies", m.has_policies());
  in.text_map("texts", *m.mutable_policies()->mutable_texts(), state.texts);
}

void fill(schema::Snapshot& m, const identity::Entity& entity) {
  *m.mutable_identity_entity() = to_message(entity);
}

void take(schema::Snapshot& m, identity::Entity& entity, FieldReader& in) {
  in.required("state of an entity", m.has_identity_entity());
  from_message(*m.mutable_identity_entity(), entity, in);
}

void fill(schema::Snapshot& m, const identity::Group& group) {
  *m.mutable_identity_group() = to_message(group);
}

void take(schema::Snapshot& m, identity::Group& group, FieldReader& in) {
  in.required("state of a group", m.has_identity_group());
  from_message(*m.mutable_identity_group(), group, in);
}

template <class State>
Bytes encode(const Snapshot<State>& snapshot) {
  schema::Snapshot m;
  m.set_format(kSnapshotFormat);
  m.set_sequence(snapshot.sequence);
  fill(m, snapshot.state);
  return serialise(m);
}

}  // namespace

// Written with every version of a secret, so the part with the list of versions is a reused
// message, lent to the snapshot while it is serialised.
Bytes encode_snapshot(const Snapshot<secret::SecretState>& snapshot) {
  auto& state = reused<schema::SecretState>();
  fill(state, snapshot.state);
  schema::Snapshot m;
  m.set_format(kSnapshotFormat);
  m.set_sequence(snapshot.sequence);
  m.unsafe_arena_set_allocated_secret(&state);
  auto out = serialise(m);
  static_cast<void>(m.unsafe_arena_release_secret());
  give_back(state, out.size());
  return out;
}
Bytes encode_snapshot(const Snapshot<tenant::TenantState>& snapshot) {
  return encode(snapshot);
}
Bytes encode_snapshot(const Snapshot<keyring::KeyringState>& snapshot) {
  return encode(snapshot);
}
Bytes encode_snapshot(const Snapshot<token::TokenState>& snapshot) {
  return encode(snapshot);
}
Bytes encode_snapshot(const Snapshot<policy::PolicySet>& snapshot) {
  return encode(snapshot);
}
Bytes encode_snapshot(const Snapshot<identity::Entity>& snapshot) {
  return encode(snapshot);
}
Bytes encode_snapshot(const Snapshot<identity::Group>& snapshot) {
  return encode(snapshot);
}

template <class State>
Result<Snapshot<State>> decode_snapshot(BytesView bytes) {
  schema::Snapshot m;
  if (!parse(m, bytes)) return fail(ErrorCode::corrupt, "snapshot: not a message");
  if (m.format() != kSnapshotFormat)
    return fail(ErrorCode::corrupt, fmt::format("snapshot: format {} is not known", m.format()));
  Snapshot<State> snapshot;
  FieldReader in;
  snapshot.sequence = m.sequence();
  take(m, snapshot.state, in);
  if (in.first_fault()) return fail(ErrorCode::corrupt, "snapshot: " + *in.first_fault());
  return snapshot;
}

template Result<Snapshot<secret::SecretState>> decode_snapshot(BytesView bytes);
template Result<Snapshot<tenant::TenantState>> decode_snapshot(BytesView bytes);
template Result<Snapshot<keyring::KeyringState>> decode_snapshot(BytesView bytes);
template Result<Snapshot<token::TokenState>> decode_snapshot(BytesView bytes);
template Result<Snapshot<policy::PolicySet>> decode_snapshot(BytesView bytes);
template Result<Snapshot<identity::Entity>> decode_snapshot(BytesView bytes);
template Result<Snapshot<identity::Group>> decode_snapshot(BytesView bytes);

}  // namespace coffer::codec
