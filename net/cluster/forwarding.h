// The forwarding protocol: what a client's request looks like on its way to the node that owns its
// partition, and what the other side makes of it. Over mutual TLS only:
//
//   x-coffer-forward-protocol: 1            the version that the sender speaks here. One that the
//                                           owner does not is refused with 503 and the owner's
//                                           latest in this header; the sender takes that, if it
//                                           can, and tries again
//   x-coffer-forwarded-by: <node id>        must be the node of the certificate
//   x-coffer-client-address: <address>      of the client, without port
//   x-coffer-client-identity: <name>        of the client's certificate, when it has shown one
//   x-coffer-forward-echo: <text>           no client's request: the sender says how it stands
//
// All other headers pass as they are, but those that concern one connection. Nothing else of a
// request changes, nor of its answer. Pure; Threads: any.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "events/base/result.h"
#include "net/cluster/address_book.h"
#include "net/http/http_server.h"

namespace coffer::net {

// Versions of the protocol that a node speaks, from the oldest to the latest.
struct ForwardVersions {
  unsigned oldest = 1;
  unsigned latest = 1;
};
inline constexpr ForwardVersions kForwardVersions{};  // of this release
inline constexpr std::string_view kForwardProtocolHeader = "x-coffer-forward-protocol";
inline constexpr std::string_view kForwardedByHeader = "x-coffer-forwarded-by";
inline constexpr std::string_view kEchoHeader = "x-coffer-forward-echo";
inline constexpr std::string_view kClientAddressHeader = "x-coffer-client-address";
inline constexpr std::string_view kClientIdentityHeader = "x-coffer-client-identity";
inline constexpr std::string_view kNotOwnerHeader = "x-coffer-not-owner";

// For every request of a public listener, before anything looks at it: the headers above mean
// something only when a peer has set them.
void strip_forwarding_headers(HttpRequest& request);

// Turns a client's request into the one that goes to the owner.
void prepare_forwarded(HttpRequest& request, std::string_view node_id,
                       unsigned version = kForwardVersions.latest);

// What a node sends to the active one now and then: how it stands, in one line. Answered with 204
// by a node that knows of this, and as the request for sys/health that it is otherwise.
[[nodiscard]] std::shared_ptr<HttpRequest> echo_request(std::string_view node_id,
                                                        std::string_view text);

// For a request of the peer listener. Then `request` is what the client sent: its address and
// identity are the client's, the protocol's headers are gone.
// Returns the node that forwarded it. Errors: permission_denied (not a node of the address book, or
// one that uses another's id), unsupported (protocol version), invalid_argument (a header of the
// protocol is missing).
[[nodiscard]] Result<PeerAddress> accept_forwarded(HttpRequest& request, const AddressBook& book,
                                                   ForwardVersions spoken = kForwardVersions);
// The version to send the request in again, when the answer is its refusal because of the version
// and there is one that both speak.
[[nodiscard]] std::optional<unsigned> version_to_retry(const HttpResponse& answer, unsigned sent,
                                                       ForwardVersions spoken) noexcept;

// Of the owner's answer: headers that concern its connection to us are dropped.
void prepare_returned(HttpResponse& response);

// 503 in Vault's error envelope, with Retry-After.
// The answer to a forwarded request by a node that is not the owner. It is never forwarded again,
// so that two nodes with different ideas of the owner cannot play ping-pong.
[[nodiscard]] HttpResponse not_owner_response();
[[nodiscard]] HttpResponse owner_unknown_response();
// The answer to a peer whose request was not accepted. 503 as well, since it reaches a client whose
// request is not at fault; text and x-coffer-forward-protocol tell the operator.
[[nodiscard]] HttpResponse refused_forward_response(const Error& error,
                                                    ForwardVersions spoken = kForwardVersions);
// What the client gets when PeerClient::send() has failed: as net/vault_api/envelope.cpp answers
// these codes. Only an unknown outcome has no Retry-After: repeating a write is the client's
// choice.
[[nodiscard]] HttpResponse forward_failure_response(const Error& error);

}  // namespace coffer::net
