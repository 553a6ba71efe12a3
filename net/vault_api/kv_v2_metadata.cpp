// KV version 2: metadata/, of one secret and as a listing.
#include <algorithm>
#include <limits>

#include "events/secret/secret_decider.h"
#include "net/vault_api/handlers.h"
#include "net/vault_api/kv_json.h"

namespace coffer::net::vault {
namespace {

constexpr std::size_t kMetadataBytes = 384;
constexpr std::size_t kVersionBytes = 160;
constexpr std::string_view kCasStaysRequired =
    "\"cas_required\" set to false, but is mandated by backend config. This value will be ignored.";

void write_versions(json::Writer& writer, const secret::SecretState& state) {
  writer.key("versions").begin_object();
  for (const auto& [number, version] : state.versions) {
    writer.key(std::to_string(number)).begin_object();
    writer.key("created_time").string(to_rfc3339(version.created_time));
    writer.key("deletion_time").string(to_rfc3339(version.deletion_time));
    writer.key("destroyed").boolean(version.destroyed).end_object();
  }
  writer.end_object();
}

void answer_metadata(Exchange& x, const api::SecretStatePtr& found) {
  if (found == nullptr || !found->exists) return x.refuse(ErrorCode::not_found, {});
  const auto& state = *found;
  const std::size_t bytes = kMetadataBytes + kVersionBytes * state.versions.size();
  x.answer_data(bytes, [&](json::Writer& writer) {
    writer.begin_object();
    writer.key("cas_required").boolean(state.cas_required);
    writer.key("created_time").string(to_rfc3339(state.created_time));
    writer.key("current_version").unsigned_integer(state.current_version);
    writer.key("custom_metadata");
    write_custom_metadata(writer, state.custom_metadata);
    writer.key("delete_version_after").string(to_go_duration(state.delete_version_after));
    writer.key("max_versions").unsigned_integer(state.max_versions);
    writer.key("oldest_version").unsigned_integer(state.oldest_version);
    writer.key("updated_time").string(to_rfc3339(state.updated_time));
    write_versions(writer, state);
    writer.end_object();
  });
}

Error invalid_custom(std::string why) {
  return fail(ErrorCode::invalid_argument, "custom_metadata validation failed: " + std::move(why));
}

// The fields that POST and PATCH share. Nothing set: the request names no field.
Result<secret::ChangeMetadata> read_change(Exchange& x, std::string_view path,
                                           const Fields& fields) {
  secret::ChangeMetadata change;
  change.mount = x.admission()->mount->id;
  change.path = path;
  COFFER_ASSIGN(const auto max_versions, fields.integer("max_versions"));
  // Vault's field is an unsigned 32-bit number that wraps.
  if (max_versions) change.max_versions = static_cast<std::uint32_t>(*max_versions);
  COFFER_ASSIGN(change.cas_required, fields.boolean("cas_required"));
  COFFER_ASSIGN(change.delete_version_after, fields.duration("delete_version_after"));
  return change;
}

bool changes_nothing(const secret::ChangeMetadata& change) noexcept {
  return !change.max_versions && !change.cas_required && !change.delete_version_after &&
         !change.custom_metadata && !change.custom_metadata_patch;
}

void submit(Exchange& x, secret::ChangeMetadata change) {
  // Only a mount that insists makes this setting pointless; the client is told.
  const bool warn = change.cas_required == false && x.admission()->mount->settings.cas_required;
  const int status = warn ? 200 : 204;
  auto path = change.path;
  x.port().change_secret(x.admission(), std::move(path), std::move(change), status,
                         x.then<api::SecretChanged>([warn](Exchange& self, auto changed) {
                           auto answer = warn ? warning_answer(200, self.request_id(),
                                                               {std::string(kCasStaysRequired)})
                                              : no_content();
                           self.answer(std::move(answer), changed.recorded);
                         }));
}

// The parts of a custom_metadata patch. A null removes its key.
Result<secret::CustomMetadataPatch> read_custom_patch(const json::Value& object) {
  constexpr std::size_t kKeysMax = 64;
  secret::CustomMetadataPatch patch;
  for (const auto& [key, value] : object.members()) {
    if (value->is_null())
      patch.removed.emplace_back(key);
    else if (value->is_string())
      patch.set.emplace(key, value->text());
    else
      return invalid_custom("values must be strings");
  }
  if (object.members().size() > kKeysMax)
    return invalid_custom("payload must contain at most " + std::to_string(kKeysMax) +
                          " keys, provided " + std::to_string(object.members().size()));
  COFFER_TRY(secret::check_custom_metadata(patch.set));
  return patch;
}

void patch_found(Exchange& x, std::string_view path, const api::SecretStatePtr& state) {
  if (state == nullptr || !state->exists) return x.answer(empty_not_found());
  const auto fields = x.fields();
  COFFER_FIELD(auto change, x, read_change(x, path, fields));
  COFFER_FIELD(const auto custom, x, fields.map("custom_metadata"));
  if (custom.object != nullptr) {
    COFFER_FIELD(change.custom_metadata_patch, x, read_custom_patch(*custom.object));
  } else if (const auto* value = fields.find("custom_metadata"); value && value->is_null()) {
    change.custom_metadata.emplace();
  }
  if (changes_nothing(change)) return x.answer(no_content());
  change.must_exist = true;
  submit(x, std::move(change));
}

}  // namespace

void kv_metadata_read(Exchange& x, std::string_view path) {
  if (is_folder(path)) return x.refuse(ErrorCode::not_found, {});
  x.port().secret_state(x.admission(), std::string(path),
                        x.then<api::SecretStatePtr>(answer_metadata));
}

void kv_metadata_write(Exchange& x, std::string_view path) {
  const auto fields = x.fields(Fields::Prefix::before_existence_check);
  COFFER_FIELD(auto change, x, read_change(x, path, fields));
  if (fields.has("custom_metadata")) {
    // Checks that it is a map; its scalars become text.
    COFFER_FIELD(const auto map, x, fields.map("custom_metadata"));
    change.custom_metadata.emplace();
    if (map.object != nullptr) {
      auto custom = to_text_map(*map.object);
      if (!custom) return x.refuse(invalid_custom("values must be strings"));
      change.custom_metadata = std::move(custom).value();
    }
  }
  if (changes_nothing(change)) return x.answer(no_content());
  submit(x, std::move(change));
}

void kv_metadata_patch(Exchange& x, std::string_view path) {
  x.port().secret_state(x.admission(), std::string(path),
                        x.then<api::SecretStatePtr>([path](Exchange& self, auto state) {
                          patch_found(self, path, state);
                        }));
}

void kv_metadata_remove(Exchange& x, std::string_view path) {
  if (is_folder(path)) return x.answer(no_content());
  x.port().change_secret(x.admission(), std::string(path), secret::RemoveSecret{}, 204,
                         x.then_no_content<api::SecretChanged>());
}

void kv_metadata_list(Exchange& x, std::string_view folder) {
  const auto fields = x.fields();
  COFFER_FIELD(auto after, x, fields.text("after"));
  COFFER_FIELD(const auto wanted, x, fields.integer("limit"));
  std::size_t limit = std::numeric_limits<std::size_t>::max();
  if (wanted && *wanted > 0) limit = static_cast<std::size_t>(*wanted);
  if (const auto most = x.admission()->decision.pagination_limit; most > 0)
    limit = std::min<std::size_t>(limit, most);
  using Names = std::vector<std::string>;
  x.port().list_secrets(x.admission(), std::string(folder), after.value_or(""), limit,
                        x.then<Names>([](Exchange& self, const Names& names) {
                          if (names.empty()) return self.refuse(ErrorCode::not_found, {});
                          self.answer_data(32 * names.size(), [&](json::Writer& writer) {
                            writer.begin_object().key("keys").begin_array();
                            for (const auto& name : names) writer.string(name);
                            writer.end_array().end_object();
                          });
                        }));
}

}  // namespace coffer::net::vault
