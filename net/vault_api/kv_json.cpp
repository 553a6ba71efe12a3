#include "net/vault_api/kv_json.h"

namespace coffer::net::vault {

void write_custom_metadata(json::Writer& writer, const secret::CustomMetadata& custom_metadata) {
  if (custom_metadata.empty()) {
    writer.null();
    return;
  }
  writer.begin_object();
  for (const auto& [key, value] : custom_metadata) writer.key(key).string(value);
  writer.end_object();
}

void write_version_members(json::Writer& writer, VersionNumber number,
                           const secret::VersionState& version,
                           const secret::CustomMetadata& custom_metadata) {
  writer.key("created_time").string(to_rfc3339(version.created_time));
  writer.key("custom_metadata");
  write_custom_metadata(writer, custom_metadata);
  writer.key("deletion_time").string(to_rfc3339(version.deletion_time));
  writer.key("destroyed").boolean(version.destroyed);
  writer.key("version").unsigned_integer(number);
}

void write_version_object(json::Writer& writer, VersionNumber number,
                          const secret::VersionState& version,
                          const secret::CustomMetadata& custom_metadata) {
  writer.begin_object();
  write_version_members(writer, number, version, custom_metadata);
  writer.end_object();
}

Result<VersionNumber> wanted_version(const Fields& fields) {
  COFFER_ASSIGN(const auto version, fields.integer("version"));
  if (!version || *version <= 0) return VersionNumber{0};
  return static_cast<VersionNumber>(*version);
}

Result<std::optional<std::uint64_t>> wanted_cas(const Fields& fields) {
  COFFER_ASSIGN(const auto options, fields.map("options"));
  if (options.object == nullptr) return std::optional<std::uint64_t>{};
  const auto* value = options.object->find("cas");
  if (value == nullptr) return std::optional<std::uint64_t>{};
  const auto cas = to_integer(*value);
  if (!cas) return fail(ErrorCode::invalid_argument, "error parsing check-and-set parameter");
  // A negative number becomes one that no secret has as its version: it compares unequal.
  return std::optional{static_cast<std::uint64_t>(cas.value())};
}

const secret::VersionState* version_read(const api::SecretRead& read) noexcept {
  if (read.state == nullptr || !read.state->exists || read.version == 0) return nullptr;
  return read.state->find_version(read.version);
}

}  // namespace coffer::net::vault
