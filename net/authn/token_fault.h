// Why a token, or what its claims say, was refused: one code a reason, and the outcome type that
// carries it. A refusal never holds token content: `subject` is a name out of the configuration (a
// claim, an option), so its text may be shown and logged. Pure values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "events/base/check.h"
#include "events/base/result.h"

namespace coffer::authn {

enum class TokenFault : std::uint8_t {
  // The text is no token of ours.
  too_large,              // token, header or claims over their bound
  malformed_token,        // not three non-empty segments of strict base64url
  malformed_header,       // no JSON object, duplicate member, or a member of the wrong type
  malformed_claims,       // the same of the claims
  unsupported_algorithm,  // `alg` is none, symmetric, unknown, or not allowed here
  critical_header,        // `crit` or `b64`: extensions that must be understood, and none is
  embedded_key,           // the token brings its own key (`jwk`, `x5c`)
  wrong_type,             // `typ` is not the one asked for
  // The key and the signature.
  unknown_key,    // no known key has this `kid` and may check this algorithm
  key_mismatch,   // the `kid` is known, but its key is of another type, curve, algorithm or use
  ambiguous_key,  // more keys fit than one request may try
  bad_signature,
  // The claims.
  no_time,   // none of exp, nbf, iat
  bad_time,  // exp, nbf or iat is no sensible number
  expired,
  not_yet_valid,     // nbf
  issued_in_future,  // iat
  wrong_issuer,
  wrong_subject,
  wrong_audience,
  unbound_audience,  // the token names an audience, the role none
  claim_missing,
  claim_type,  // the claim is there, its type cannot be compared or taken
  claim_mismatch,
  // Sender constraint (RFC 8705).
  not_bound,             // a bound token is demanded, this one is not
  unsupported_binding,   // bound by a method that is not checked here
  certificate_missing,   // bound to a certificate, none was presented
  certificate_mismatch,  // presented another one
};

[[nodiscard]] std::string_view to_string(TokenFault fault) noexcept;  // the enumerator's name

struct Refusal {
  TokenFault fault;
  std::string subject;  // the claim or option that it is about; empty for most

  friend bool operator==(const Refusal&, const Refusal&) = default;
};

// One sentence in the words that Vault's clients know.
[[nodiscard]] std::string describe(const Refusal& refusal);
// As the error of a login, invalid_argument with describe().
[[nodiscard]] Error to_error(const Refusal& refusal);

[[nodiscard]] inline Refusal refuse(TokenFault fault, std::string subject = {}) {
  return Refusal{fault, std::move(subject)};
}

// A value or the refusal. Preconditions as of Result.
template <class T>
class [[nodiscard]] Judged {
 public:
  Judged(T value)
      : content_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit on purpose
  Judged(Refusal refusal) : content_(std::in_place_index<1>, std::move(refusal)) {}  // NOLINT

  [[nodiscard]] bool ok() const noexcept { return content_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }
  [[nodiscard]] T& value() {
    COFFER_CHECK(ok());
    return *std::get_if<0>(&content_);
  }
  [[nodiscard]] const T& value() const {
    COFFER_CHECK(ok());
    return *std::get_if<0>(&content_);
  }
  [[nodiscard]] T& operator*() { return value(); }
  [[nodiscard]] const T& operator*() const { return value(); }
  [[nodiscard]] T* operator->() { return &value(); }
  [[nodiscard]] const T* operator->() const { return &value(); }
  [[nodiscard]] const Refusal& refusal() const {
    COFFER_CHECK(!ok());
    return *std::get_if<1>(&content_);
  }

 private:
  std::variant<T, Refusal> content_;
};

struct Accepted {
  friend bool operator==(const Accepted&, const Accepted&) = default;
};

}  // namespace coffer::authn

// Returns the refusal of `judged`, a variable or a call, from the enclosing function, or goes on.
#define COFFER_JUDGE(judged)                                                                       \
  do {                                                                                             \
    if (const auto& coffer_judged = (judged); !coffer_judged.ok()) return coffer_judged.refusal(); \
  } while (false)
