#include "events/secret/secret_state.h"

#include <utility>

#include <fmt/format.h>

namespace coffer::secret {
namespace {

// Names the event and the rule only: a path or key must not reach a message.
Error misfit(std::string_view event, std::string_view why) {
  return fail(ErrorCode::corrupt, fmt::format("{} does not fit the secret: {}", event, why));
}

// Lists of versions are stored ascending, so "not above the one before" also finds duplicates.
Result<void> check_versions(const SecretState& state, const std::vector<VersionNumber>& versions,
                            std::string_view event) {
  if (versions.empty()) return misfit(event, "no versions");
  VersionNumber previous = 0;
  for (const auto version : versions) {
    if (version <= previous) return misfit(event, "versions not ascending");
    previous = version;
    const auto found = state.versions.find(version);
    if (found == state.versions.end()) return misfit(event, "unknown version");
    if (found->second.destroyed) return misfit(event, "destroyed version");
  }
  return {};
}

// Each overload checks the whole event before it changes anything.
class Evolver {
 public:
  explicit Evolver(SecretState& state) : state_(state) {}

  Result<void> operator()(const SecretCreated& event) const {
    if (state_.exists) return misfit("SecretCreated", "exists already");
    state_ = SecretState{};
    state_.exists = true;
    state_.mount = event.mount;
    state_.path = event.path;
    state_.created_time = event.created_time;
    state_.updated_time = event.created_time;
    return {};
  }

  Result<void> operator()(const SecretVersionWritten& event) const {
    constexpr std::string_view kName = "SecretVersionWritten";
    if (!state_.exists) return misfit(kName, "no secret");
    if (event.version != state_.current_version + 1) return misfit(kName, "not the next version");
    if (event.data_key.is_zero()) return misfit(kName, "no data key");
    if (event.oldest_version < state_.oldest_version || event.oldest_version > event.version) {
      return misfit(kName, "oldest version out of range");
    }
    state_.current_version = event.version;
    state_.oldest_version = event.oldest_version;
    state_.updated_time = event.created_time;
    state_.versions[event.version] =
        VersionState{event.created_time, event.deletion_time, false, event.data_key};
    state_.versions.erase(state_.versions.begin(),
                          state_.versions.lower_bound(event.oldest_version));
    return {};
  }

  Result<void> operator()(const SecretVersionsDeleted& event) const {
    constexpr std::string_view kName = "SecretVersionsDeleted";
    COFFER_TRY(check_versions(state_, event.versions, kName));
    if (!event.deletion_time.is_set()) return misfit(kName, "no time");
    for (const auto version : event.versions) {
      if (state_.versions.at(version).deleted_at(event.deletion_time)) {
        return misfit(kName, "deleted version");
      }
    }
    for (const auto version : event.versions) {
      state_.versions.at(version).deletion_time = event.deletion_time;
    }
    return {};
  }

  Result<void> operator()(const SecretVersionsUndeleted& event) const {
    COFFER_TRY(check_versions(state_, event.versions, "SecretVersionsUndeleted"));
    for (const auto version : event.versions) {
      state_.versions.at(version).deletion_time = event.deletion_time;
    }
    return {};
  }

  Result<void> operator()(const SecretVersionsDestroyed& event) const {
    COFFER_TRY(check_versions(state_, event.versions, "SecretVersionsDestroyed"));
    for (const auto version : event.versions) {
      auto& target = state_.versions.at(version);
      target.destroyed = true;
      target.data_key = KeyId{};
    }
    return {};
  }

  Result<void> operator()(const SecretMetadataChanged& event) const {
    constexpr std::string_view kName = "SecretMetadataChanged";
    if (!state_.exists) return misfit(kName, "no secret");
    if (!event.max_versions && !event.cas_required && !event.delete_version_after &&
        !event.custom_metadata) {
      return misfit(kName, "nothing changed");
    }
    if (event.max_versions) state_.max_versions = *event.max_versions;
    if (event.cas_required) state_.cas_required = *event.cas_required;
    if (event.delete_version_after) state_.delete_version_after = *event.delete_version_after;
    if (event.custom_metadata) state_.custom_metadata = *event.custom_metadata;
    return {};
  }

  Result<void> operator()(const SecretRemoved&) const {
    if (!state_.exists) return misfit("SecretRemoved", "no secret");
    state_ = SecretState{};
    return {};
  }

 private:
  SecretState& state_;
};

}  // namespace

const VersionState* SecretState::find_version(VersionNumber version) const noexcept {
  const auto found = versions.find(version == 0 ? current_version : version);
  return found == versions.end() ? nullptr : &found->second;
}

Result<SecretState> evolve(SecretState state, const Event& event) {
  COFFER_TRY(std::visit(Evolver{state}, event));
  return state;
}

}  // namespace coffer::secret
