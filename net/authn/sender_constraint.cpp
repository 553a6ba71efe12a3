#include "net/authn/sender_constraint.h"

#include "events/base/secret_bytes.h"
#include "hsm/envelope_cipher.h"
#include "net/authn/base64url.h"

namespace coffer::authn {

Judged<Accepted> check_sender(const json::Value& claims, Binding binding,
                              BytesView client_certificate) {
  const json::Value* confirmation = claims.find("cnf");
  if (confirmation == nullptr)
    return binding == Binding::demanded ? refuse(TokenFault::not_bound)
                                        : Judged<Accepted>(Accepted{});
  if (!confirmation->is_object()) return refuse(TokenFault::malformed_claims, "cnf");
  // Every method that is named must hold; only this one can be checked here.
  const json::Value* thumbprint = confirmation->find("x5t#S256");
  if (thumbprint == nullptr || confirmation->members().size() != 1)
    return refuse(TokenFault::unsupported_binding);
  const auto wanted =
      thumbprint->is_string() ? base64url_decode(thumbprint->text()) : std::optional<Bytes>();
  if (!wanted || wanted->size() != Sha256{}.size())
    return refuse(TokenFault::malformed_claims, "cnf");
  if (client_certificate.empty()) return refuse(TokenFault::certificate_missing);
  const Sha256 presented = hsm::sha256(client_certificate);
  if (!equal_constant_time(presented, *wanted)) return refuse(TokenFault::certificate_mismatch);
  return Accepted{};
}

}  // namespace coffer::authn
