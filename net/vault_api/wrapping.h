// Response wrapping: a finished answer as the content that is stored instead of being sent, and
// back. Pure.
#pragma once

#include <string>
#include <string_view>

#include "events/api/request_port.h"
#include "net/vault_api/envelope.h"

namespace coffer::net::vault {

// The envelope with its status in the place of the request's id. Precondition: answer.enveloped.
[[nodiscard]] SecretBytes pack_answer(const Answer& answer);
// As it would have been sent, under another request id. Errors: corrupt.
[[nodiscard]] Result<Answer> unpack_answer(const SecretBytes& content, std::string_view request_id);

// The accessor of the token that the answer shows; empty when it shows none.
[[nodiscard]] std::string wrapped_accessor(const Answer& answer);
// What is sent instead.
[[nodiscard]] Answer wrap_info_answer(const api::Wrapped& wrapped, std::string_view accessor);

}  // namespace coffer::net::vault
