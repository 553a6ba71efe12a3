// KV version 1: the body of a write is the value, as it is; a path is a secret and nothing else.
#include "net/vault_api/handlers.h"
#include "net/vault_api/kv_json.h"

namespace coffer::net::vault {
namespace {

void answer_read(Exchange& x, api::SecretRead read) {
  if (version_read(read) == nullptr || !read.value) return x.refuse(ErrorCode::not_found, {});
  const auto own = x.admission()->mount->default_lease_ttl;
  Answer answer;
  answer.status = 200;
  answer.enveloped = true;
  answer.secret_version = read.version;
  answer.body.reserve(kEnvelopeBytes + read.value->size());
  json::Writer writer(answer.body);
  begin_envelope(writer, x.request_id(), own.count > 0 ? own : x.options().default_lease_ttl);
  writer.raw(read.value->expose_text());
  end_envelope(writer, {});
  x.answer(std::move(answer));
}

void read_value(Exchange& x, std::string_view path) {
  if (is_folder(path)) return x.refuse(ErrorCode::not_found, {});
  x.port().read_secret(x.admission(), std::string(path), 0, x.then<api::SecretRead>(answer_read));
}

void write_value(Exchange& x, std::string_view path) {
  const auto* body = x.request().field_root();
  if (body == nullptr || body->members().empty())
    return x.refuse(ErrorCode::invalid_argument, "missing data fields");
  api::WriteSecret request;
  request.path = path;
  json::write(*body, request.value);
  if (request.value.size() > x.options().secret_bytes_max)
    return x.refuse(ErrorCode::too_large, "secret is too large");
  x.port().write_secret(x.admission(), std::move(request), 204,
                        x.then<api::SecretWritten>([](Exchange& self, api::SecretWritten written) {
                          auto answer = no_content();
                          answer.secret_version = written.number;
                          self.answer(std::move(answer), written.recorded);
                        }));
}

}  // namespace

void kv_v1(Exchange& x, std::string_view path) {
  switch (x.operation()) {
    case policy::Operation::read:
      return read_value(x, path);
    case policy::Operation::create:
    case policy::Operation::update:
      return write_value(x, path);
    case policy::Operation::remove:
      return kv_metadata_remove(x, path);
    case policy::Operation::list:
      return kv_metadata_list(x, path);
    case policy::Operation::patch:
    case policy::Operation::scan:
      break;
  }
  x.refuse(ErrorCode::unsupported, std::string(kUnsupportedOperation));
}

}  // namespace coffer::net::vault
