// Answers in Vault's shapes: the success envelope with its eight members, injected and raw bodies,
// error envelopes, and the one table from ErrorCode to status. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "events/base/error_code.h"
#include "events/base/ids.h"
#include "events/base/result.h"
#include "events/base/secret_bytes.h"
#include "events/json/json_value.h"
#include "net/vault_api/request_parser.h"

namespace coffer::net::vault {

// What goes back to the client. `error` and `secret_version` are for the access record.
struct Answer {
  int status = 204;
  SecretBytes body;
  std::string_view content_type = "application/json";  // exactly: clients compare it literally
  std::string location;                                // of a redirect
  bool retry_later = false;
  std::optional<Seconds> retry_after;  // says more than retry_later
  std::optional<ErrorCode> error;
  VersionNumber secret_version = 0;
  bool enveloped = false;  // the body is a success envelope: it can be wrapped
};

inline constexpr std::size_t kEnvelopeBytes = 320;  // room for the envelope around the data

using Warnings = std::vector<std::string>;

// The parts around the value of "data".
void begin_envelope(json::Writer& writer, std::string_view request_id,
                    Seconds lease_duration = Seconds{0});
void end_envelope(json::Writer& writer, const Warnings& warnings);

[[nodiscard]] Answer no_content();
// The envelope with data null and warnings.
[[nodiscard]] Answer warning_answer(int status, std::string_view request_id,
                                    const Warnings& warnings);
// `write_data` writes exactly one JSON value.
template <class WriteData>
[[nodiscard]] Answer data_answer(std::string_view request_id, std::size_t data_bytes,
                                 WriteData&& write_data, const Warnings& warnings = {}) {
  Answer answer;
  answer.status = 200;
  answer.enveloped = true;
  answer.body.reserve(kEnvelopeBytes + data_bytes);
  json::Writer writer(answer.body);
  begin_envelope(writer, request_id);
  write_data(writer);
  end_envelope(writer, warnings);
  return answer;
}
// As data_answer, but of a 404 that says what there was (a deleted version).
template <class WriteData>
[[nodiscard]] Answer missing_data_answer(std::string_view request_id, std::size_t data_bytes,
                                         WriteData&& write_data) {
  auto answer = data_answer(request_id, data_bytes, std::forward<WriteData>(write_data));
  answer.status = 404;
  answer.error = ErrorCode::not_found;
  return answer;
}
// The envelope with the members of `data`, an object's text, also at the top level. Members named
// like one of the envelope's own are not lifted.
[[nodiscard]] Answer injected_answer(std::string_view request_id, const SecretBytes& data);
// `auth` is the text of the auth block, or empty.
[[nodiscard]] Answer auth_answer(std::string_view request_id, const SecretBytes& auth,
                                 const Warnings& warnings);
// The body as it is, without envelope.
[[nodiscard]] Answer raw_answer(int status, SecretBytes body);

// {"errors":[]}.
[[nodiscard]] Answer bare_error(int status, ErrorCode code);
[[nodiscard]] Answer text_error(int status, ErrorCode code, std::string_view text);
// 404 without a body: a PATCH that found nothing.
[[nodiscard]] Answer empty_not_found();
[[nodiscard]] Answer refusal_answer(const ParseRefusal& refusal, bool with_body);

// By the table. `token_is_valid` chooses between Vault's two texts for a refusal without text.
[[nodiscard]] Answer error_answer(const Error& error, bool token_is_valid);
// What remains to be said when the access record could not be stored: nothing of the result.
[[nodiscard]] Answer unrecorded_answer(const Error& error);

inline constexpr std::string_view kUnsupportedOperation =
    "1 error occurred:\n\t* unsupported operation\n\n";
inline constexpr std::string_view kUnsupportedPath = "1 error occurred:\n\t* unsupported path\n\n";
// Vault's list of errors with one entry.
[[nodiscard]] std::string one_error(std::string_view text);

}  // namespace coffer::net::vault
