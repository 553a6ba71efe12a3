#include "tools/coffer/state_view.h"

#include <fmt/format.h>

#include "events/json/utf8.h"
#include "tools/coffer/output.h"
#include "tools/coffer/table.h"

namespace coffer::cli {
namespace {

using TextMap = std::map<std::string, std::string>;

std::string yes_no(bool flag) {
  return flag ? "true" : "false";
}

std::string number_or(std::uint64_t number, std::string_view zero) {
  return number == 0 ? std::string(zero) : std::to_string(number);
}

std::string duration_or(Seconds span, std::string_view zero) {
  if (span.count < 0) return "never";
  return span.count == 0 ? std::string(zero) : to_go_duration(span);
}

std::string joined(const TextMap& map) {
  std::string out;
  for (const auto& [key, value] : map) out += (out.empty() ? "" : ", ") + key + "=" + value;
  return out;
}

std::string joined(const std::vector<std::string>& list) {
  std::string out;
  for (const auto& item : list) out += (out.empty() ? "" : ", ") + item;
  return out;
}

std::vector<std::string> both(std::vector<std::string> first,
                              const std::vector<std::string>& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

Table key_values() {
  return Table({{"KEY"}, {"VALUE"}});
}

// ------------------------------------------------------------------------------ tables
std::string tables(const secret::SecretState& s) {
  auto table = key_values();
  if (!s.exists) {
    table.add({"secret", "removed"});
    return table.text();
  }
  table.add({"secret", s.path});
  table.add({"mount", s.mount.to_string()});
  table.add({"created", to_rfc3339_nano(s.created_time)});
  table.add({"updated", to_rfc3339_nano(s.updated_time)});
  table.add({"current version", number_or(s.current_version, "none")});
  table.add({"oldest version", number_or(s.oldest_version, "1")});
  table.add({"max versions", number_or(s.max_versions, "as the mount says")});
  table.add({"cas required", yes_no(s.cas_required)});
  table.add({"delete version after", duration_or(s.delete_version_after, "as the mount says")});
  table.add({"custom metadata", joined(s.custom_metadata)});
  Table versions(
      {{"VERSION", Align::right}, {"CREATED"}, {"DELETION"}, {"DESTROYED"}, {"DATA KEY"}});
  for (const auto& [number, version] : s.versions)
    versions.add({std::to_string(number), to_rfc3339_nano(version.created_time),
                  to_rfc3339_nano(version.deletion_time), yes_no(version.destroyed),
                  version.data_key.is_zero() ? "" : version.data_key.to_string()});
  return table.text() + (s.versions.empty() ? "" : "\n" + versions.text());
}

std::string tables(const token::TokenState& s) {
  auto table = key_values();
  table.add({"token", s.id.to_string()});
  table.add({"accessor", s.accessor});
  table.add({"revoked", yes_no(s.revoked)});
  if (s.revoked) table.add({"children live on", yes_no(s.children_live_on)});
  table.add({"tenant", s.tenant.to_string()});
  table.add({"parent", s.parent.is_zero() ? "none, an orphan" : s.parent.to_string()});
  table.add({"policies", joined(s.policies)});
  table.add({"meta", joined(s.meta)});
  table.add({"display name", s.display_name});
  table.add({"path", s.path});
  table.add({"created", to_rfc3339_nano(s.created_time)});
  table.add({"expires", s.expire_time.is_set() ? to_rfc3339_nano(s.expire_time) : "never"});
  table.add({"last renewal", to_rfc3339_nano(s.last_renewal_time)});
  table.add({"creation ttl", duration_or(s.creation_ttl, "none")});
  table.add({"explicit max ttl", duration_or(s.explicit_max_ttl, "none")});
  table.add({"period", duration_or(s.period, "none")});
  table.add({"uses left",
             s.num_uses == 0 ? "not limited" : fmt::format("{} of {}", s.uses_left, s.num_uses)});
  table.add({"renewable", yes_no(s.renewable)});
  return table.text();
}

std::string tables(const tenant::TenantState& s) {
  auto table = key_values();
  table.add({"namespace", s.name.empty() ? "the root namespace" : s.name});
  table.add({"parent", s.parent.is_zero() ? "the root namespace, or none" : s.parent.to_string()});
  table.add({"created", to_rfc3339_nano(s.created_time)});
  table.add({"deleted", yes_no(s.deleted)});
  table.add({"custom metadata", joined(s.custom_metadata)});
  Table mounts({{"MOUNT"},
                {"TYPE"},
                {"ACCESSOR"},
                {"ID"},
                {"OPTIONS"},
                {"MAX VERSIONS"},
                {"CAS"},
                {"DELETE AFTER"},
                {"DESCRIPTION"}});
  for (const auto& [path, m] : s.mounts)
    mounts.add({path, m.type, m.accessor, m.id.to_string(), joined(m.options),
                number_or(m.settings.max_versions, "10"), yes_no(m.settings.cas_required),
                duration_or(m.settings.delete_version_after, "none"), m.description});
  Table roles({{"TOKEN ROLE"}, {"ALLOWED POLICIES"}, {"DISALLOWED"}, {"PERIOD"}, {"ORPHAN"}});
  for (const auto& [name, role] : s.token_roles)
    roles.add({name, joined(both(role.allowed_policies, role.allowed_policies_glob)),
               joined(both(role.disallowed_policies, role.disallowed_policies_glob)),
               duration_or(role.period, "none"), yes_no(role.orphan)});
  return table.text() + (s.mounts.empty() ? "" : "\n" + mounts.text()) +
         (s.token_roles.empty() ? "" : "\n" + roles.text());
}

std::string tables(const policy::PolicySet& s) {
  Table policies({{"POLICY"}, {"BYTES", Align::right}});
  for (const auto& [name, text] : s.texts) policies.add({name, std::to_string(text.size())});
  return policies.text();
}

std::string tables(const keyring::KeyringState& s) {
  Table keys({{"KEY"}, {"ID"}, {"SHA-256 OF ITS WRAPPED FORM"}});
  keys.add({"tenant key", s.tenant_key.id.to_string(), to_hex(s.tenant_key.blob_hash)});
  keys.add({"log key", s.log_key.id.to_string(), to_hex(s.log_key.blob_hash)});
  keys.add({"index key", s.index_key.id.to_string(), to_hex(s.index_key.blob_hash)});
  if (s.retiring)
    keys.add(
        {"retiring tenant key", s.retiring->key.id.to_string(), to_hex(s.retiring->key.blob_hash)});
  auto text = keys.text() + fmt::format("root key epoch: {}\nterm: {}\n", s.root_epoch, s.term);
  if (s.retiring)
    text += fmt::format("re-wrapped from term {}: {}\n", s.retiring->term, s.retiring->rewrapped);
  return text;
}

// ------------------------------------------------------------------------------ JSON
// As the server's event JSON: bytes that are no text as {"hex": "..."}.
void write_text(json::Writer& w, std::string_view text) {
  if (json::is_utf8(text))
    w.string(text);
  else
    w.begin_object().key("hex").string(to_hex(as_bytes(text))).end_object();
}

void write_time(json::Writer& w, Timestamp time) {
  if (time.is_set())
    w.string(to_rfc3339_nano(time));
  else
    w.null();
}

// A key that is no text is written as hex; keys of JSON are text.
void write_key(json::Writer& w, const std::string& key) {
  w.key(json::is_utf8(key) ? key : to_hex(as_bytes(key)));
}

void write_map(json::Writer& w, const TextMap& map) {
  w.begin_object();
  for (const auto& [key, value] : map) {
    write_key(w, key);
    write_text(w, value);
  }
  w.end_object();
}

void write_list(json::Writer& w, const std::vector<std::string>& list) {
  w.begin_array();
  for (const auto& text : list) write_text(w, text);
  w.end_array();
}

void write(json::Writer& w, const secret::SecretState& s) {
  w.begin_object().key("exists").boolean(s.exists);
  w.key("mount").string(to_hex(s.mount.view()));
  write_text(w.key("path"), s.path);
  write_time(w.key("created_time"), s.created_time);
  write_time(w.key("updated_time"), s.updated_time);
  w.key("current_version").unsigned_integer(s.current_version);
  w.key("oldest_version").unsigned_integer(s.oldest_version);
  w.key("max_versions").unsigned_integer(s.max_versions);
  w.key("cas_required").boolean(s.cas_required);
  w.key("delete_version_after_s").integer(s.delete_version_after.count);
  write_map(w.key("custom_metadata"), s.custom_metadata);
  w.key("versions").begin_object();
  for (const auto& [number, version] : s.versions) {
    w.key(std::to_string(number)).begin_object();
    write_time(w.key("created_time"), version.created_time);
    write_time(w.key("deletion_time"), version.deletion_time);
    w.key("destroyed").boolean(version.destroyed);
    w.key("data_key").string(to_hex(version.data_key.view())).end_object();
  }
  w.end_object().end_object();
}

void write(json::Writer& w, const token::TokenState& s) {
  w.begin_object().key("exists").boolean(s.exists);
  w.key("id").string(to_hex(s.id.view()));
  write_text(w.key("accessor"), s.accessor);
  w.key("revoked").boolean(s.revoked);
  w.key("children_live_on").boolean(s.children_live_on);
  w.key("tenant").string(to_hex(s.tenant.view()));
  w.key("parent").string(to_hex(s.parent.view()));
  write_list(w.key("policies"), s.policies);
  write_map(w.key("meta"), s.meta);
  write_text(w.key("display_name"), s.display_name);
  write_text(w.key("path"), s.path);
  write_time(w.key("created_time"), s.created_time);
  write_time(w.key("expire_time"), s.expire_time);
  write_time(w.key("last_renewal_time"), s.last_renewal_time);
  w.key("creation_ttl_s").integer(s.creation_ttl.count);
  w.key("explicit_max_ttl_s").integer(s.explicit_max_ttl.count);
  w.key("period_s").integer(s.period.count);
  w.key("num_uses").unsigned_integer(s.num_uses);
  w.key("uses_left").unsigned_integer(s.uses_left);
  w.key("renewable").boolean(s.renewable).end_object();
}

void write(json::Writer& w, const tenant::Mount& m) {
  w.begin_object().key("id").string(to_hex(m.id.view()));
  write_text(w.key("type"), m.type);
  write_text(w.key("accessor"), m.accessor);
  write_map(w.key("options"), m.options);
  write_text(w.key("description"), m.description);
  w.key("default_lease_ttl_s").integer(m.default_lease_ttl.count);
  w.key("max_lease_ttl_s").integer(m.max_lease_ttl.count);
  write_text(w.key("listing_visibility"), m.listing_visibility);
  w.key("force_no_cache").boolean(m.force_no_cache);
  w.key("local").boolean(m.local);
  w.key("seal_wrap").boolean(m.seal_wrap);
  write_time(w.key("created_time"), m.created_time);
  w.key("migration").string(to_hex(m.migration.view()));
  write_text(w.key("moved_from"), m.moved_from);
  w.key("settings").begin_object();
  w.key("max_versions").unsigned_integer(m.settings.max_versions);
  w.key("cas_required").boolean(m.settings.cas_required);
  w.key("delete_version_after_s").integer(m.settings.delete_version_after.count);
  w.end_object().end_object();
}

void write(json::Writer& w, const token::TokenRole& r) {
  w.begin_object();
  write_list(w.key("allowed_policies"), r.allowed_policies);
  write_list(w.key("disallowed_policies"), r.disallowed_policies);
  write_list(w.key("allowed_policies_glob"), r.allowed_policies_glob);
  write_list(w.key("disallowed_policies_glob"), r.disallowed_policies_glob);
  w.key("orphan").boolean(r.orphan);
  w.key("renewable").boolean(r.renewable);
  w.key("no_default_policy").boolean(r.no_default_policy);
  write_text(w.key("path_suffix"), r.path_suffix);
  w.key("period_s").integer(r.period.count);
  w.key("explicit_max_ttl_s").integer(r.explicit_max_ttl.count);
  w.key("num_uses").unsigned_integer(r.num_uses).end_object();
}

void write(json::Writer& w, const tenant::TenantState& s) {
  w.begin_object().key("exists").boolean(s.exists).key("deleted").boolean(s.deleted);
  w.key("parent").string(to_hex(s.parent.view()));
  write_text(w.key("name"), s.name);
  write_map(w.key("custom_metadata"), s.custom_metadata);
  write_time(w.key("created_time"), s.created_time);
  w.key("mounts").begin_object();
  for (const auto& [path, mount] : s.mounts) {
    write_key(w, path);
    write(w, mount);
  }
  w.end_object().key("token_roles").begin_object();
  for (const auto& [name, role] : s.token_roles) {
    write_key(w, name);
    write(w, role);
  }
  w.end_object().end_object();
}

void write(json::Writer& w, const policy::PolicySet& s) {
  write_map(w, s.texts);
}

void write(json::Writer& w, const keyring::KeyringState& s) {
  const auto write_reference = [&](std::string_view name, const keyring::KeyReference& key) {
    w.key(name).begin_object().key("id").string(to_hex(key.id.view()));
    w.key("blob_hash").string(to_hex(key.blob_hash)).end_object();
  };
  w.begin_object().key("root_epoch").unsigned_integer(s.root_epoch);
  write_reference("tenant_key", s.tenant_key);
  write_reference("log_key", s.log_key);
  write_reference("index_key", s.index_key);
  w.key("term").unsigned_integer(s.term);
  if (s.retiring) {
    w.key("retiring").begin_object().key("term").unsigned_integer(s.retiring->term);
    write_reference("key", s.retiring->key);
    w.key("rewrapped").unsigned_integer(s.retiring->rewrapped).end_object();
  }
  w.end_object();
}

template <class State>
void write_member(json::Writer& w, std::string_view name, const std::optional<State>& state) {
  if (!state) return;
  w.key(name);
  write(w, *state);
}

}  // namespace

std::string state_tables(const ReplayedState& state) {
  auto out =
      fmt::format("State after record {} of {}, rebuilt from {} {}.\n", state.sequence,
                  printable(state.time), state.records, state.records == 1 ? "record" : "records");
  if (state.secret) out += "\n" + tables(*state.secret);
  if (state.token) out += "\n" + tables(*state.token);
  if (state.tenant) out += "\n" + tables(*state.tenant);
  if (state.policies) out += "\n" + tables(*state.policies);
  if (state.keyring) out += "\n" + tables(*state.keyring);
  return out;
}

SecretBytes state_json(const ReplayedState& state, const std::string& stream) {
  SecretBytes out;
  json::Writer w(out);
  w.begin_object().key("stream").string(stream);
  w.key("sequence").unsigned_integer(state.sequence);
  w.key("time").string(state.time);
  w.key("records").unsigned_integer(state.records);
  write_member(w, "secret", state.secret);
  write_member(w, "token", state.token);
  write_member(w, "tenant", state.tenant);
  write_member(w, "policies", state.policies);
  write_member(w, "keyring", state.keyring);
  w.end_object();
  return out;
}

}  // namespace coffer::cli
