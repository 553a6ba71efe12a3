// KV version 2: PATCH data/. Reads the current version, merges, and writes on condition that it is
// still the current one; another writer in between means once more.
#include <optional>

#include "events/secret/secret_decider.h"
#include "net/vault_api/handlers.h"
#include "net/vault_api/kv_json.h"

namespace coffer::net::vault {
namespace {

constexpr int kAttemptsMax = 8;
// The stored value may have grown by patches, each of which kept the limits of a request.
constexpr json::ParseLimits kStoredLimits{1'000, 50'000'000, 0};

struct Patch {
  std::string path;
  const json::Value* data = nullptr;  // null: the empty patch; lives in the exchange's document
  std::optional<std::uint64_t> cas;
  int attempts = 0;
};
using PatchPtr = std::shared_ptr<Patch>;

void attempt(Exchange& x, const PatchPtr& patch);

// Vault's order: a missing secret before check-and-set, a deleted version after it.
bool refuse_unpatchable(Exchange& x, const Patch& patch, const api::SecretRead& read) {
  const auto* version = version_read(read);
  if (version == nullptr) {
    x.answer(empty_not_found());
    return true;
  }
  const auto allowed = secret::check_cas(*read.state, patch.cas, x.admission()->mount->settings);
  if (!allowed.ok()) {
    x.refuse(allowed.error());
    return true;
  }
  if (read.value) return false;
  x.answer(missing_data_answer(x.request_id(), kVersionMetadataBytes, [&](json::Writer& writer) {
    write_version_object(writer, read.version, *version, read.state->custom_metadata);
  }));
  return true;
}

Result<SecretBytes> merged(const Patch& patch, const SecretBytes& current) {
  if (patch.data == nullptr) return current.clone();
  COFFER_ASSIGN(auto document, json::Document::parse(current.expose_text(), kStoredLimits));
  const auto* result = json::merge_patch(document, &document.root(), *patch.data);
  SecretBytes out;
  out.reserve(current.size() + 256);
  json::write(*result, out);
  return out;
}

void finish(Exchange& x, const PatchPtr& patch, api::SecretWritten written) {
  if (!written.conflict) {
    auto answer = data_answer(x.request_id(), kVersionMetadataBytes, [&](json::Writer& writer) {
      write_version_object(writer, written.number, written.version, written.custom_metadata);
    });
    answer.secret_version = written.number;
    return x.answer(std::move(answer), written.recorded);
  }
  if (patch->attempts < kAttemptsMax) return attempt(x, patch);
  if (patch->cas) return x.refuse(ErrorCode::cas_mismatch, {});
  x.refuse(ErrorCode::overloaded, {});
}

void write_merged(Exchange& x, const PatchPtr& patch, api::SecretRead read) {
  if (refuse_unpatchable(x, *patch, read)) return;
  auto value = merged(*patch, *read.value);
  // What cannot be read again is ours to answer for, not the caller's.
  if (!value) return x.refuse(ErrorCode::corrupt, {});
  if (value->size() > x.options().secret_bytes_max)
    return x.refuse(ErrorCode::too_large, "secret is too large");
  api::WriteSecret request;
  request.path = patch->path;
  request.value = std::move(value).value();
  request.cas = patch->cas;
  request.based_on = read.version;
  x.port().write_secret(x.admission(), std::move(request), 200,
                        x.then<api::SecretWritten>([patch](Exchange& self, auto written) {
                          finish(self, patch, std::move(written));
                        }));
}

void attempt(Exchange& x, const PatchPtr& patch) {
  ++patch->attempts;
  x.port().read_secret(x.admission(), patch->path, 0,
                       x.then<api::SecretRead>([patch](Exchange& self, auto read) {
                         write_merged(self, patch, std::move(read));
                       }));
}

}  // namespace

void kv_data_patch(Exchange& x, std::string_view path) {
  const auto fields = x.fields();
  COFFER_FIELD(const auto data, x, fields.map("data"));
  if (data.object == nullptr && !data.empty)
    return x.refuse(ErrorCode::invalid_argument, "no data provided");
  COFFER_FIELD(const auto cas, x, wanted_cas(fields));
  const auto patch = std::make_shared<Patch>();
  patch->path = path;
  patch->data = data.object;
  patch->cas = cas;
  attempt(x, patch);
}

}  // namespace coffer::net::vault
