// The FakePort's response wrapping.
#include "tests/api/fake_port.h"
#include "tests/api/fake_port_detail.h"

namespace coffer::test {
namespace {

Error not_valid() {
  return fail(ErrorCode::invalid_argument, "wrapping token is not valid or does not exist");
}

}  // namespace

void FakePort::wrap(api::AdmissionPtr admission, SecretBytes content, Seconds ttl,
                    std::string creation_path, api::Callback<api::Wrapped> done) {
  if (fails(done)) return;
  if (wrap_failure) return done(*wrap_failure);
  auto created = token::wrapping_token(admission->tenant->id, std::move(creation_path), ttl, time);
  created.id.bytes[0] = static_cast<std::uint8_t>(++tokens_made_);
  created.accessor = "accessor-" + std::to_string(tokens_made_);
  api::Wrapped wrapped;
  wrapped.token = SecretBytes(std::string_view("s.wrap" + std::to_string(tokens_made_)));
  apply_events(wrapped.state, std::vector<token::Event>{created});
  const std::string text(wrapped.token.expose_text());
  tokens_.insert_or_assign(text, wrapped.state);
  wrapped_[text] = content.expose_text();
  done(std::move(wrapped));
}

void FakePort::unwrap(api::AdmissionPtr admission, api::TokenReference reference,
                      api::Callback<api::Unwrapped> done) {
  if (fails(done)) return;
  const std::string text(reference.self ? text_of(admission) : reference.token.expose_text());
  const auto found = wrapped_.find(text);
  if (found == wrapped_.end()) return done(not_valid());
  auto& state = tokens_.at(text);
  if (!reference.self) {
    const auto events = decide(state, token::UseToken{}, time);
    if (!events) return done(not_valid());
    apply_events(state, events.value());
  }
  api::Unwrapped unwrapped{SecretBytes(std::string_view(found->second)), state};
  wrapped_.erase(found);
  done(std::move(unwrapped));
}

void FakePort::lookup_wrapped(api::AdmissionPtr, SecretBytes token,
                              api::Callback<token::TokenState> done) {
  if (fails(done)) return;
  const auto found = tokens_.find(token.expose_text());
  if (found == tokens_.end() || !found->second.is_wrapping() || !found->second.is_live(time))
    return done(not_valid());
  done(found->second);
}

}  // namespace coffer::test
