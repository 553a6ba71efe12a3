// What the KV version 2 handlers share: version metadata as JSON, the `version` parameter.
#pragma once

#include <optional>
#include <string_view>

#include "events/secret/secret_state.h"
#include "net/vault_api/exchange.h"

namespace coffer::net::vault {

inline constexpr std::size_t kVersionMetadataBytes = 320;

// created_time, custom_metadata, deletion_time, destroyed, version: into an open object.
void write_version_members(json::Writer& writer, VersionNumber number,
                           const secret::VersionState& version,
                           const secret::CustomMetadata& custom_metadata);
// The same as an object of its own.
void write_version_object(json::Writer& writer, VersionNumber number,
                          const secret::VersionState& version,
                          const secret::CustomMetadata& custom_metadata);
// An object of strings, or null when empty.
void write_custom_metadata(json::Writer& writer, const secret::CustomMetadata& custom_metadata);

// The query's `version`; 0 (the current one) when absent, zero or negative.
[[nodiscard]] Result<VersionNumber> wanted_version(const Fields& fields);

// options.cas. Errors have Vault's texts.
[[nodiscard]] Result<std::optional<std::uint64_t>> wanted_cas(const Fields& fields);

// The metadata of the version that was read; null when there is none.
[[nodiscard]] const secret::VersionState* version_read(const api::SecretRead& read) noexcept;

// A path that no secret can have.
[[nodiscard]] inline bool is_folder(std::string_view path) noexcept {
  return path.empty() || path.ends_with('/');
}

}  // namespace coffer::net::vault
