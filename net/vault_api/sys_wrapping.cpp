// sys/wrapping: storing any object behind a wrapping token, and what can be done with such a token.
#include "net/vault_api/handlers.h"
#include "net/vault_api/wrapping.h"

namespace coffer::net::vault {
namespace {

// The wrapping token in question: the body's, else the one that the request was made with.
Result<api::TokenReference> read_reference(const Exchange& x) {
  api::TokenReference reference;
  const auto* value = x.fields().find("token");
  if (value != nullptr && (!value->is_string() || value->text().empty()))
    return fail(ErrorCode::permission_denied, "error validating wrapping token: token is empty");
  if (value != nullptr) {
    // Named twice it is the caller's own all the same, and was used up when the request came in.
    reference.self = value->text() == x.own_token();
    reference.token = SecretBytes(value->text());
    return reference;
  }
  if (x.own_token().empty())
    return fail(ErrorCode::permission_denied, "error validating wrapping token: token is empty");
  reference.self = true;
  reference.token = SecretBytes(x.own_token());
  return reference;
}

void answer_unwrapped(Exchange& x, const api::Unwrapped& unwrapped) {
  auto answer = unpack_answer(unwrapped.content, x.request_id());
  if (!answer) return x.refuse(answer.error());
  x.answer(std::move(*answer));
}

void wrap_again(Exchange& x, api::Unwrapped unwrapped) {
  auto content = unpack_answer(unwrapped.content, "");
  if (!content) return x.refuse(content.error());
  x.port().wrap(x.admission(), std::move(unwrapped.content), unwrapped.state.creation_ttl,
                unwrapped.state.path,
                x.then<api::Wrapped>([accessor = wrapped_accessor(*content)](
                                         Exchange& self, const api::Wrapped& wrapped) {
                  self.answer(wrap_info_answer(wrapped, accessor));
                }));
}

// Fetches the content; `next` answers with it.
void unwrap(Exchange& x, void (*next)(Exchange&, api::Unwrapped)) {
  COFFER_FIELD(auto reference, x, read_reference(x));
  if (x.admission()->token == nullptr) return x.refuse(ErrorCode::permission_denied, {});
  x.port().unwrap(x.admission(), std::move(reference), x.then<api::Unwrapped>(next));
}

}  // namespace

void sys_wrapping_wrap(Exchange& x, std::string_view) {
  if (x.request().wrap_ttl.count == 0)
    return x.refuse(ErrorCode::invalid_argument, "endpoint requires response wrapping to be used");
  x.answer_data(256, [&](json::Writer& writer) {
    const auto* body = x.request().field_root();
    if (body == nullptr)
      writer.begin_object().end_object();
    else
      writer.value(*body);
  });
}

void sys_wrapping_unwrap(Exchange& x, std::string_view) {
  unwrap(x, [](Exchange& self, api::Unwrapped unwrapped) { answer_unwrapped(self, unwrapped); });
}

void sys_wrapping_rewrap(Exchange& x, std::string_view) {
  unwrap(x, wrap_again);
}

void sys_wrapping_lookup(Exchange& x, std::string_view) {
  COFFER_FIELD(auto reference, x, read_reference(x));
  x.port().lookup_wrapped(
      x.admission(), std::move(reference.token),
      x.then<token::TokenState>([](Exchange& self, const token::TokenState& state) {
        self.answer_data(256, [&](json::Writer& writer) {
          writer.begin_object().key("creation_path").string(state.path);
          writer.key("creation_time").string(to_rfc3339_nano(state.created_time));
          writer.key("creation_ttl").integer(state.creation_ttl.count).end_object();
        });
      }));
}

}  // namespace coffer::net::vault
