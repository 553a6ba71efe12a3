#include "net/vault_api/envelope.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "net/vault_api/url_text.h"

namespace coffer::net::vault {
namespace {

enum class Text : std::uint8_t {
  own,    // the error's message; none gives an empty list
  fixed,  // the table's: what went wrong inside is not the caller's business
};

struct ErrorRule {
  ErrorCode code;
  int status;
  Text choice;
  std::string_view text;  // also for `own` when the error has no message
};

constexpr std::string_view kInternal = "internal error";
constexpr std::string_view kSealed = "Vault is sealed";

// The one place where error codes become statuses.
constexpr std::array kErrorRules = {
    ErrorRule{ErrorCode::invalid_argument, 400, Text::own, "invalid request"},
    ErrorRule{ErrorCode::permission_denied, 403, Text::own, {}},
    ErrorRule{ErrorCode::not_found, 404, Text::own, {}},
    ErrorRule{ErrorCode::already_exists, 400, Text::own, "already exists"},
    ErrorRule{ErrorCode::cas_mismatch, 400, Text::own,
              "check-and-set parameter did not match the current version"},
    ErrorRule{ErrorCode::cas_required, 400, Text::own,
              "check-and-set parameter required for this call"},
    ErrorRule{ErrorCode::unsupported, 405, Text::own, kUnsupportedOperation},
    ErrorRule{ErrorCode::too_large, 413, Text::own, "request is too large"},
    ErrorRule{ErrorCode::quota_exceeded, 429, Text::own, "quota exceeded"},
    ErrorRule{ErrorCode::internal, 500, Text::fixed, kInternal},
    ErrorRule{ErrorCode::sealed, 503, Text::fixed, kSealed},
    ErrorRule{ErrorCode::not_initialized, 503, Text::fixed, kSealed},
    ErrorRule{ErrorCode::unavailable, 503, Text::fixed, "service is temporarily unavailable"},
    ErrorRule{ErrorCode::overloaded, 503, Text::fixed, "service is overloaded"},
    ErrorRule{ErrorCode::corrupt, 500, Text::fixed, kInternal},
    ErrorRule{ErrorCode::unknown_outcome, 500, Text::fixed,
              "internal error: whether the change was stored is not known"},
};

const ErrorRule& rule_of(ErrorCode code) noexcept {
  static constexpr ErrorRule kUnknown{ErrorCode::internal, 500, Text::fixed, kInternal};
  for (const auto& rule : kErrorRules)
    if (rule.code == code) return rule;
  return kUnknown;
}

std::string_view permission_text(bool token_is_valid) noexcept {
  return token_is_valid ? "1 error occurred:\n\t* permission denied\n\n" : "permission denied";
}

bool is_envelope_member(std::string_view key) noexcept {
  static constexpr std::array<std::string_view, 8> kMembers = {
      "request_id", "lease_id",  "renewable", "lease_duration",
      "data",       "wrap_info", "warnings",  "auth"};
  return std::find(kMembers.begin(), kMembers.end(), key) != kMembers.end();
}

void write_warnings(json::Writer& writer, const Warnings& warnings) {
  writer.key("warnings");
  if (warnings.empty()) {
    writer.null();
    return;
  }
  writer.begin_array();
  for (const auto& warning : warnings) writer.string(warning);
  writer.end_array();
}

ErrorCode code_of_status(int status) noexcept {
  switch (status) {
    case 404:
      return ErrorCode::not_found;
    case 405:
      return ErrorCode::unsupported;
    default:
      return ErrorCode::invalid_argument;
  }
}

Answer redirect_answer(const std::string& location, bool with_body) {
  Answer answer;
  answer.status = 307;
  answer.location = location;
  answer.content_type = "text/html; charset=utf-8";
  if (with_body)
    answer.body = SecretBytes(
        fmt::format("<a href=\"{}\">Temporary Redirect</a>.\n\n", escape_html(location)));
  return answer;
}

}  // namespace

void begin_envelope(json::Writer& writer, std::string_view request_id, Seconds lease_duration) {
  writer.begin_object().key("request_id").string(request_id);
  writer.key("lease_id").string("");
  writer.key("renewable").boolean(false);
  writer.key("lease_duration").integer(lease_duration.count);
  writer.key("data");
}

void end_envelope(json::Writer& writer, const Warnings& warnings) {
  writer.key("wrap_info").null();
  write_warnings(writer, warnings);
  writer.key("auth").null().end_object();
}

Answer no_content() {
  return {};
}

Answer warning_answer(int status, std::string_view request_id, const Warnings& warnings) {
  auto answer = data_answer(
      request_id, 512, [](json::Writer& writer) { writer.null(); }, warnings);
  answer.status = status;
  if (status == 404) answer.error = ErrorCode::not_found;
  return answer;
}

Answer injected_answer(std::string_view request_id, const SecretBytes& data) {
  Answer answer;
  answer.status = 200;
  answer.enveloped = true;
  answer.body.reserve(kEnvelopeBytes + 2 * data.size());
  json::Writer writer(answer.body);
  begin_envelope(writer, request_id);
  writer.raw(data.expose_text());
  writer.key("wrap_info").null().key("warnings").null().key("auth").null();
  const auto document = json::Document::parse(data.expose_text(), {64, 10'000'000, 0});
  if (document.ok())
    for (const auto& [key, value] : document.value().root().members())
      if (!is_envelope_member(key)) writer.key(key).value(*value);
  writer.end_object();
  return answer;
}

Answer auth_answer(std::string_view request_id, const SecretBytes& auth, const Warnings& warnings) {
  Answer answer;
  answer.status = 200;
  answer.enveloped = true;
  answer.body.reserve(kEnvelopeBytes + auth.size());
  json::Writer writer(answer.body);
  begin_envelope(writer, request_id);
  writer.null().key("wrap_info").null();
  write_warnings(writer, warnings);
  writer.key("auth").raw(auth.expose_text()).end_object();
  return answer;
}

Answer raw_answer(int status, SecretBytes body) {
  Answer answer;
  answer.status = status;
  answer.body = std::move(body);
  return answer;
}

Answer bare_error(int status, ErrorCode code) {
  Answer answer;
  answer.status = status;
  answer.body = SecretBytes(std::string_view(R"({"errors":[]})"));
  answer.error = code;
  return answer;
}

Answer text_error(int status, ErrorCode code, std::string_view text) {
  if (text.empty()) return bare_error(status, code);
  Answer answer;
  answer.status = status;
  answer.error = code;
  answer.body.reserve(text.size() + 32);
  json::Writer writer(answer.body);
  writer.begin_object().key("errors").begin_array().string(text).end_array().end_object();
  return answer;
}

Answer empty_not_found() {
  Answer answer;
  answer.status = 404;
  answer.error = ErrorCode::not_found;
  return answer;
}

Answer refusal_answer(const ParseRefusal& refusal, bool with_body) {
  const auto code = code_of_status(refusal.status);
  switch (refusal.shape) {
    case ParseRefusal::Shape::errors:
      return text_error(refusal.status, code, refusal.text);
    case ParseRefusal::Shape::redirect:
      return redirect_answer(refusal.text, with_body);
    case ParseRefusal::Shape::empty:
    case ParseRefusal::Shape::plain:
      break;
  }
  Answer answer;
  answer.status = refusal.status;
  answer.error = code;
  if (refusal.shape == ParseRefusal::Shape::plain) {
    answer.content_type = "text/plain; charset=utf-8";
    answer.body = SecretBytes(std::string_view(refusal.text));
  }
  return answer;
}

Answer error_answer(const Error& error, bool token_is_valid) {
  const auto& rule = rule_of(error.code);
  std::string_view text = rule.text;
  if (rule.choice == Text::own && !error.message.empty()) text = error.message;
  if (text.empty() && error.code == ErrorCode::permission_denied)
    text = permission_text(token_is_valid);
  auto answer = text_error(rule.status, error.code, text);
  answer.retry_later = error.code == ErrorCode::overloaded || error.code == ErrorCode::unavailable;
  return answer;
}

Answer unrecorded_answer(const Error& error) {
  const auto status = rule_of(error.code).status;
  // Also a refusal of the record itself is our failure, not the caller's.
  if (status >= 500) return error_answer(error, false);
  return error_answer(fail(ErrorCode::internal, {}), false);
}

std::string one_error(std::string_view text) {
  return fmt::format("1 error occurred:\n\t* {}\n\n", text);
}

}  // namespace coffer::net::vault
