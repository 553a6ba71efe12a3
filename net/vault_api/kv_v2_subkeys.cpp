// KV version 2: subkeys/, the structure of a secret without its values.
#include <limits>

#include "net/vault_api/handlers.h"
#include "net/vault_api/kv_json.h"

namespace coffer::net::vault {
namespace {

constexpr json::ParseLimits kStoredLimits{1'000, 50'000'000, 0};
// The writer nests to 64 levels, of which the envelope takes three.
constexpr std::int64_t kDepthMax = 60;

// Leaves, empty objects and what is deeper than `depth` become null.
void write_keys(json::Writer& writer, const json::Value& value, std::int64_t depth) {
  writer.begin_object();
  for (const auto& [key, member] : value.members()) {
    writer.key(key);
    if (member->is_object() && !member->members().empty() && depth > 1)
      write_keys(writer, *member, depth - 1);
    else
      writer.null();
  }
  writer.end_object();
}

void answer_subkeys(Exchange& x, api::SecretRead read, std::int64_t depth) {
  const auto* version = version_read(read);
  if (version == nullptr) return x.refuse(ErrorCode::not_found, {});
  std::optional<json::Document> document;
  if (read.value) {
    auto parsed = json::Document::parse(read.value->expose_text(), kStoredLimits);
    if (!parsed) return x.refuse(ErrorCode::corrupt, {});
    document = std::move(parsed).value();
  }
  const auto write = [&](json::Writer& writer) {
    writer.begin_object().key("metadata");
    write_version_object(writer, read.version, *version, read.state->custom_metadata);
    writer.key("subkeys");
    if (document && document->root().is_object())
      write_keys(writer, document->root(), depth);
    else
      writer.null();
    writer.end_object();
  };
  const std::size_t bytes = kVersionMetadataBytes + (read.value ? read.value->size() : 0);
  auto answer = document ? data_answer(x.request_id(), bytes, write)
                         : missing_data_answer(x.request_id(), bytes, write);
  answer.secret_version = read.version;
  x.answer(std::move(answer));
}

}  // namespace

void kv_subkeys_read(Exchange& x, std::string_view path) {
  const auto fields = x.fields();
  COFFER_FIELD(const auto version, x, wanted_version(fields));
  COFFER_FIELD(const auto wanted_depth, x, fields.integer("depth"));
  std::int64_t depth = wanted_depth.value_or(0);
  if (depth == 0 || depth > kDepthMax) depth = kDepthMax;
  if (is_folder(path)) return x.refuse(ErrorCode::not_found, {});
  x.port().read_secret(x.admission(), std::string(path), version,
                       x.then<api::SecretRead>([depth](Exchange& self, auto read) {
                         answer_subkeys(self, std::move(read), depth);
                       }));
}

}  // namespace coffer::net::vault
