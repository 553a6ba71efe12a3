// Who the other side of a TLS connection is, by its certificate: the DNS and URI entries of the
// subject alternative name in their order, or the common name when there are none. Names with
// control characters or embedded zeros are skipped. Pure.
#pragma once

#include <openssl/ssl.h>

#include <string>
#include <string_view>
#include <vector>

namespace coffer::net {

[[nodiscard]] std::vector<std::string> certificate_names(const X509* certificate);

// The first name of a verified certificate; empty when the peer showed none, or a nameless one.
[[nodiscard]] std::string peer_identity(const SSL* connection);
// Whether the peer's verified certificate has this name, exactly: wildcards mean nothing here.
[[nodiscard]] bool peer_has_identity(const SSL* connection, std::string_view identity);

}  // namespace coffer::net
