#include "events/secret/secret_decider.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace coffer::secret {
namespace {

constexpr std::uint32_t kMaxVersionsDefault = 10;

using Decision = Result<std::vector<Event>>;

// The larger of both, as clients know it: a secret's own setting cannot undercut its mount's.
std::uint32_t effective_max_versions(const SecretState& state, const MountSettings& mount) {
  const auto larger = std::max(state.max_versions, mount.max_versions);
  return larger > 0 ? larger : kMaxVersionsDefault;
}

VersionNumber oldest_after_write(const SecretState& state, const MountSettings& mount) {
  const VersionNumber written = state.current_version + 1;
  const VersionNumber max = effective_max_versions(state, mount);
  if (written <= max) return state.oldest_version;
  // Not below what is there: a limit raised later brings no dropped version back.
  return std::max(state.oldest_version, written - max + 1);
}

// When a version that becomes live now will delete itself; not set when it will not.
Timestamp expiry(const SecretState& state, const Context& context) {
  const auto mount = context.mount.delete_version_after;
  const auto own = state.delete_version_after;
  if (mount < Seconds{0}) return {};
  if (mount == Seconds{0} && own <= Seconds{0}) return {};
  if (mount == Seconds{0}) return context.now + own;
  if (own <= Seconds{0}) return context.now + mount;
  return context.now + std::min(mount, own);
}

// The wanted versions that are known and fulfil `changes`, ascending and each once.
template <class Predicate>
std::vector<VersionNumber> select(const SecretState& state,
                                  const std::vector<VersionNumber>& wanted, Predicate changes) {
  std::vector<VersionNumber> selected;
  for (const auto version : wanted) {
    const auto found = state.versions.find(version);
    if (found != state.versions.end() && changes(found->second)) selected.push_back(version);
  }
  std::sort(selected.begin(), selected.end());
  selected.erase(std::unique(selected.begin(), selected.end()), selected.end());
  return selected;
}

// A command that reached the secret of another path must not touch it, whatever led it there.
Result<void> check_address(const SecretState& state, const MountId& mount,
                           const std::string& path) {
  if (!state.exists || (state.mount == mount && state.path == path)) return {};
  return fail(ErrorCode::internal, "the command is addressed to another secret");
}

Result<void> check_patchable(const SecretState& state, Timestamp now) {
  const auto* current = state.find_version(0);
  if (current == nullptr || current->destroyed || current->deleted_at(now)) {
    return fail(ErrorCode::not_found, "");
  }
  return {};
}

class Decider {
 public:
  Decider(const SecretState& state, const Context& context) : state_(state), context_(context) {}

  Decision operator()(const WriteVersion& command) const {
    COFFER_TRY(check_address(state_, command.mount, command.path));
    // The order clients observe: a missing secret before check-and-set, a deleted version after.
    if (command.patched && !state_.exists) return fail(ErrorCode::not_found, "");
    COFFER_TRY(check_cas(state_, command.cas, context_.mount));
    if (command.patched) COFFER_TRY(check_patchable(state_, context_.now));
    if (command.version != state_.current_version + 1) {
      return fail(ErrorCode::unavailable, "the value was sealed for another version");
    }
    if (command.data_key.is_zero()) return fail(ErrorCode::internal, "no data key");
    std::vector<Event> events;
    if (!state_.exists) events.push_back(created(command.mount, command.path));
    SecretVersionWritten written;
    written.version = command.version;
    written.created_time = context_.now;
    written.deletion_time = expiry(state_, context_);
    written.data_key = command.data_key;
    written.data_key_blob_hash = command.data_key_blob_hash;
    written.sealed_value = command.sealed_value;
    written.oldest_version = oldest_after_write(state_, context_.mount);
    written.patched = command.patched;
    events.push_back(std::move(written));
    return events;
  }

  Decision operator()(const DeleteCurrentVersion&) const {
    return remove_versions({state_.current_version});
  }

  Decision operator()(const DeleteVersions& command) const {
    return remove_versions(command.versions);
  }

  Decision operator()(const UndeleteVersions& command) const {
    const auto deletion_time = expiry(state_, context_);
    auto versions = select(state_, command.versions, [&](const VersionState& version) {
      return !version.destroyed && version.deletion_time != deletion_time;
    });
    if (versions.empty()) return std::vector<Event>{};
    return std::vector<Event>{SecretVersionsUndeleted{std::move(versions), deletion_time}};
  }

  Decision operator()(const DestroyVersions& command) const {
    auto versions = select(state_, command.versions,
                           [](const VersionState& version) { return !version.destroyed; });
    if (versions.empty()) return std::vector<Event>{};
    return std::vector<Event>{SecretVersionsDestroyed{std::move(versions)}};
  }

  Decision operator()(const ChangeMetadata& command) const {
    COFFER_TRY(check_address(state_, command.mount, command.path));
    COFFER_TRY(check_fields(command));
    if (command.must_exist && !state_.exists) return fail(ErrorCode::not_found, "");
    if (!command.max_versions && !command.cas_required && !command.delete_version_after &&
        !command.custom_metadata && !command.custom_metadata_patch) {
      return std::vector<Event>{};
    }
    COFFER_ASSIGN(auto custom_metadata, custom_metadata_after(command));
    std::vector<Event> events;
    if (!state_.exists) events.push_back(created(command.mount, command.path));
    events.push_back(SecretMetadataChanged{command.max_versions, command.cas_required,
                                           command.delete_version_after, std::move(custom_metadata),
                                           context_.now});
    return events;
  }

  Decision operator()(const RemoveSecret&) const {
    if (!state_.exists) return std::vector<Event>{};
    return std::vector<Event>{SecretRemoved{context_.now}};
  }

 private:
  SecretCreated created(const MountId& mount, const std::string& path) const {
    return {mount, path, context_.now};
  }

  Decision remove_versions(const std::vector<VersionNumber>& wanted) const {
    auto versions = select(state_, wanted, [&](const VersionState& version) {
      return !version.destroyed && !version.deleted_at(context_.now);
    });
    if (versions.empty()) return std::vector<Event>{};
    return std::vector<Event>{SecretVersionsDeleted{std::move(versions), context_.now}};
  }

  static Result<void> check_fields(const ChangeMetadata& command) {
    if (command.delete_version_after && *command.delete_version_after < Seconds{0}) {
      return fail(ErrorCode::invalid_argument,
                  fmt::format("error converting input for field \"delete_version_after\": "
                              "cannot provide negative value '{}'",
                              command.delete_version_after->count));
    }
    if (command.custom_metadata) COFFER_TRY(check_custom_metadata(*command.custom_metadata));
    if (command.custom_metadata_patch)
      COFFER_TRY(check_custom_metadata(command.custom_metadata_patch->set));
    return {};
  }

  // The whole new map, or nothing when it stays.
  Result<std::optional<CustomMetadata>> custom_metadata_after(const ChangeMetadata& command) const {
    if (!command.custom_metadata_patch) return command.custom_metadata;
    auto merged = state_.custom_metadata;
    for (const auto& [key, value] : command.custom_metadata_patch->set) merged[key] = value;
    for (const auto& key : command.custom_metadata_patch->removed) merged.erase(key);
    if (merged.size() > kCustomMetadataKeysMax)
      return fail(
          ErrorCode::invalid_argument,
          fmt::format("custom_metadata validation failed: a secret must have at most {} keys",
                      kCustomMetadataKeysMax));
    return std::optional<CustomMetadata>{std::move(merged)};
  }

  const SecretState& state_;
  const Context& context_;
};

// One overload per event, so that a new event cannot forget its keys.
class KeyCollector {
 public:
  using Keys = std::vector<std::pair<VersionNumber, KeyId>>;

  explicit KeyCollector(const SecretState& before) : before_(before) {}

  Keys operator()(const SecretCreated&) const { return {}; }
  Keys operator()(const SecretVersionWritten& event) const {
    return keys_until(before_.versions.lower_bound(event.oldest_version));
  }
  Keys operator()(const SecretVersionsDeleted&) const { return {}; }
  Keys operator()(const SecretVersionsUndeleted&) const { return {}; }
  Keys operator()(const SecretVersionsDestroyed& event) const {
    Keys keys;
    for (const auto version : event.versions) {
      const auto found = before_.versions.find(version);
      if (found != before_.versions.end()) add(keys, version, found->second);
    }
    return keys;
  }
  Keys operator()(const SecretMetadataChanged&) const { return {}; }
  Keys operator()(const SecretRemoved&) const { return keys_until(before_.versions.end()); }

 private:
  using Position = Versions::const_iterator;

  // A destroyed version has no key any more.
  static void add(Keys& keys, VersionNumber version, const VersionState& state) {
    if (!state.data_key.is_zero()) keys.emplace_back(version, state.data_key);
  }
  Keys keys_until(Position end) const {
    Keys keys;
    for (auto at = before_.versions.begin(); at != end; ++at) add(keys, at->first, at->second);
    return keys;
  }

  const SecretState& before_;
};

}  // namespace

Result<std::vector<Event>> decide(const SecretState& state, const Command& command,
                                  const Context& context) {
  // Zero means "not set" in every stored time: a deletion at that time would be none.
  if (!context.now.is_set()) return fail(ErrorCode::internal, "no time was passed");
  return std::visit(Decider{state, context}, command);
}

Result<void> check_cas(const SecretState& state, std::optional<std::uint64_t> cas,
                       const MountSettings& mount) {
  if (cas && *cas != state.current_version) {
    return fail(ErrorCode::cas_mismatch,
                "check-and-set parameter did not match the current version");
  }
  if (!cas && (mount.cas_required || state.cas_required)) {
    return fail(ErrorCode::cas_required, "check-and-set parameter required for this call");
  }
  return {};
}

std::vector<std::pair<VersionNumber, KeyId>> keys_destroyed_by(const SecretState& before,
                                                               const Event& event) {
  return std::visit(KeyCollector{before}, event);
}

}  // namespace coffer::secret
