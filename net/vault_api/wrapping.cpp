#include "net/vault_api/wrapping.h"

#include <fmt/format.h>

namespace coffer::net::vault {
namespace {

constexpr std::string_view kRequestId = R"({"request_id":")";
constexpr std::string_view kStatus = R"({"status":)";
constexpr std::size_t kStatusDigits = 3;

// What follows the first member of an envelope, from its comma on.
std::string_view after_first_member(std::string_view envelope) {
  COFFER_CHECK(envelope.starts_with(kRequestId));
  const auto end = envelope.find('"', kRequestId.size());
  COFFER_CHECK(end != std::string_view::npos);
  return envelope.substr(end + 1);
}

}  // namespace

SecretBytes pack_answer(const Answer& answer) {
  const auto rest = after_first_member(answer.body.expose_text());
  SecretBytes content;
  content.reserve(kStatus.size() + kStatusDigits + rest.size());
  content.append(kStatus);
  content.append(std::string_view(std::to_string(answer.status)));
  content.append(rest);
  return content;
}

Result<Answer> unpack_answer(const SecretBytes& content, std::string_view request_id) {
  auto text = content.expose_text();
  if (!text.starts_with(kStatus) || text.size() < kStatus.size() + kStatusDigits)
    return fail(ErrorCode::corrupt, "a wrapped answer has another form");
  text.remove_prefix(kStatus.size());
  Answer answer;
  answer.status = text.starts_with("404") ? 404 : 200;
  if (answer.status == 404) answer.error = ErrorCode::not_found;
  answer.enveloped = true;
  text.remove_prefix(kStatusDigits);
  answer.body.reserve(kRequestId.size() + request_id.size() + 1 + text.size());
  answer.body.append(kRequestId);
  answer.body.append(request_id);
  answer.body.append(std::string_view("\""));
  answer.body.append(text);
  return answer;
}

std::string wrapped_accessor(const Answer& answer) {
  const auto document = json::Document::parse(answer.body.expose_text(), {64, 10'000'000, 0});
  if (!document) return {};
  const auto* auth = document->root().find("auth");
  const auto* accessor = auth == nullptr ? nullptr : auth->find("accessor");
  return accessor == nullptr ? std::string{} : std::string(accessor->text());
}

Answer wrap_info_answer(const api::Wrapped& wrapped, std::string_view accessor) {
  Answer answer;
  answer.status = 200;
  answer.body.reserve(kEnvelopeBytes + 512);
  json::Writer writer(answer.body);
  begin_envelope(writer, "");
  writer.null().key("wrap_info").begin_object();
  writer.key("token").string(wrapped.token.expose_text());
  writer.key("accessor").string(wrapped.state.accessor);
  writer.key("ttl").integer(wrapped.state.creation_ttl.count);
  writer.key("creation_time").string(to_rfc3339_nano(wrapped.state.created_time));
  writer.key("creation_path").string(wrapped.state.path);
  if (!accessor.empty()) writer.key("wrapped_accessor").string(accessor);
  writer.end_object().key("warnings").null().key("auth").null().end_object();
  return answer;
}

}  // namespace coffer::net::vault
