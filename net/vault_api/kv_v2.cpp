// KV version 2: data/, delete/, undelete/, destroy/ and what is no path at all.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "net/vault_api/handlers.h"
#include "net/vault_api/kv_json.h"

namespace coffer::net::vault {
namespace {

void answer_read(Exchange& x, api::SecretRead read) {
  const auto* version = version_read(read);
  if (version == nullptr) return x.refuse(ErrorCode::not_found, {});
  const auto write = [&](json::Writer& writer) {
    writer.begin_object().key("data");
    if (read.value)
      writer.raw(read.value->expose_text());
    else
      writer.null();
    writer.key("metadata");
    write_version_object(writer, read.version, *version, read.state->custom_metadata);
    writer.end_object();
  };
  const std::size_t bytes = kVersionMetadataBytes + (read.value ? read.value->size() : 0);
  auto answer = read.value ? data_answer(x.request_id(), bytes, write)
                           : missing_data_answer(x.request_id(), bytes, write);
  answer.secret_version = read.version;
  x.answer(std::move(answer));
}

void answer_written(Exchange& x, api::SecretWritten written) {
  auto answer = data_answer(x.request_id(), kVersionMetadataBytes, [&](json::Writer& writer) {
    write_version_object(writer, written.number, written.version, written.custom_metadata);
  });
  answer.secret_version = written.number;
  x.answer(std::move(answer), written.recorded);
}

// The field `versions`. Numbers that no version can have are skipped, as unknown ones are.
Result<std::vector<VersionNumber>> wanted_versions(const Fields& fields, std::string_view none) {
  COFFER_ASSIGN(const auto numbers, fields.integer_list("versions"));
  if (!numbers || numbers->empty()) return fail(ErrorCode::invalid_argument, std::string(none));
  std::vector<VersionNumber> versions;
  versions.reserve(numbers->size());
  for (const auto number : *numbers)
    if (number > 0) versions.push_back(static_cast<VersionNumber>(number));
  return versions;
}

template <class Command>
void change_versions(Exchange& x, std::string_view path, std::string_view none) {
  COFFER_FIELD(auto versions, x, wanted_versions(x.fields(), none));
  x.port().change_secret(x.admission(), std::string(path), Command{std::move(versions)}, 204,
                         x.then_no_content<api::SecretChanged>());
}

std::string_view cli_command(policy::Operation operation) noexcept {
  switch (operation) {
    case policy::Operation::read:
      return "get";
    case policy::Operation::create:
    case policy::Operation::update:
      return "put";
    case policy::Operation::patch:
      return "patch";
    case policy::Operation::remove:
      return "delete";
    case policy::Operation::list:
    case policy::Operation::scan:
      return "list";
  }
  return "get";
}

}  // namespace

void kv_data_read(Exchange& x, std::string_view path) {
  COFFER_FIELD(const auto version, x, wanted_version(x.fields()));
  if (is_folder(path)) return x.refuse(ErrorCode::not_found, {});
  x.port().read_secret(x.admission(), std::string(path), version,
                       x.then<api::SecretRead>(answer_read));
}

void kv_data_write(Exchange& x, std::string_view path) {
  const auto fields = x.fields(Fields::Prefix::before_existence_check);
  COFFER_FIELD(const auto data, x, fields.map("data"));
  if (data.object == nullptr && !data.empty)
    return x.refuse(ErrorCode::invalid_argument, "no data provided");
  COFFER_FIELD(const auto cas, x, wanted_cas(fields));
  api::WriteSecret request;
  request.path = path;
  request.cas = cas;
  if (data.empty)
    request.value = SecretBytes(std::string_view("{}"));
  else
    json::write(*data.object, request.value);
  if (request.value.size() > x.options().secret_bytes_max)
    return x.refuse(ErrorCode::too_large, "secret is too large");
  x.port().write_secret(x.admission(), std::move(request), 200,
                        x.then<api::SecretWritten>(answer_written));
}

void kv_data_remove(Exchange& x, std::string_view path) {
  if (is_folder(path)) return x.answer(no_content());
  x.port().change_secret(x.admission(), std::string(path), secret::DeleteCurrentVersion{}, 204,
                         x.then_no_content<api::SecretChanged>());
}

void kv_versions_delete(Exchange& x, std::string_view path) {
  change_versions<secret::DeleteVersions>(x, path, "No version number provided");
}

void kv_versions_undelete(Exchange& x, std::string_view path) {
  change_versions<secret::UndeleteVersions>(x, path, "No version number provided");
}

void kv_versions_destroy(Exchange& x, std::string_view path) {
  change_versions<secret::DestroyVersions>(x, path, "no version number provided");
}

void kv_wrong_path(Exchange& x) {
  static constexpr std::array<std::string_view, 5> kRoots = {"data", "metadata", "delete",
                                                             "undelete", "destroy"};
  const std::string_view path = x.admission()->mount_relative_path;
  if (std::find(kRoots.begin(), kRoots.end(), path) != kRoots.end())
    return x.answer(warning_answer(
        404, x.request_id(),
        {"Non-listing operations on the root of a K/V v2 mount are not supported."}));
  x.answer(warning_answer(
      404, x.request_id(),
      {fmt::format("Invalid path for a versioned K/V secrets engine. See the API docs for the "
                   "appropriate API endpoints to use. If using the Vault CLI, use 'vault kv {}' "
                   "for this operation.",
                   cli_command(x.operation()))}));
}

}  // namespace coffer::net::vault
