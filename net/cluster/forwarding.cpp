#include "net/cluster/forwarding.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "net/cluster/headers.h"
#include "net/http/response_writer.h"

namespace coffer::net {
namespace {

bool is_protocol_header(std::string_view name) noexcept {
  return name.starts_with("x-coffer-forward") || name.starts_with("x-coffer-client-") ||
         name == kNotOwnerHeader;
}

HttpResponse retryable(std::string_view text) {
  HttpResponse response = error_response(503, text);
  response.headers.emplace_back("Retry-After", "1");
  return response;
}

// Texts go into JSON and may name what a peer has sent.
std::string printable(std::string_view text) {
  static constexpr std::size_t kShown = 32;
  std::string shown(text.substr(0, kShown));
  std::replace_if(
      shown.begin(), shown.end(),
      [](char c) { return c < 0x20 || c > 0x7e || c == '"' || c == '\\'; }, '?');
  return shown;
}

std::optional<unsigned> read_version(std::string_view text) noexcept {
  unsigned version = 0;
  const auto* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, version);
  return error == std::errc{} && end == last ? std::optional(version) : std::nullopt;
}

std::string to_text(ForwardVersions spoken) {
  if (spoken.oldest == spoken.latest) return std::to_string(spoken.latest);
  return fmt::format("{} to {}", spoken.oldest, spoken.latest);
}

Result<void> check_protocol(const HttpRequest& request, ForwardVersions spoken) {
  const std::string_view text = request.header(kForwardProtocolHeader);
  if (text.empty()) {
    return fail(ErrorCode::invalid_argument, "this listener takes forwarded requests only");
  }
  const auto version = read_version(text);
  if (version && *version >= spoken.oldest && *version <= spoken.latest) return {};
  return fail(ErrorCode::unsupported,
              fmt::format("forwarding protocol {} is not supported, this node speaks {}",
                          printable(text), to_text(spoken)));
}

}  // namespace

void strip_forwarding_headers(HttpRequest& request) {
  const bool clean = std::none_of(request.headers.begin(), request.headers.end(),
                                  [](auto& header) { return is_protocol_header(header.first); });
  if (clean) return;  // nearly always: a copy of the list costs more than a look at it
  replace_headers(request.headers, [](auto name) { return !is_protocol_header(name); }, {});
}

void prepare_forwarded(HttpRequest& request, std::string_view node_id, unsigned version) {
  Headers added;
  added.emplace_back(kForwardProtocolHeader, std::to_string(version));
  added.emplace_back(kForwardedByHeader, node_id);
  added.emplace_back(kClientAddressHeader, request.peer_address);
  if (!request.peer_identity.empty()) {
    added.emplace_back(kClientIdentityHeader, request.peer_identity);
  }
  const auto keep = [&](std::string_view name) {
    return !is_protocol_header(name) && !is_hop_by_hop(name, request.headers);
  };
  replace_headers(request.headers, keep, std::move(added));
}

std::shared_ptr<HttpRequest> echo_request(std::string_view node_id, std::string_view text) {
  auto request = std::make_shared<HttpRequest>();
  request->method = "GET";
  request->target = "/v1/sys/health";
  request->peer_address = "127.0.0.1";  // the node itself is the client
  request->headers.emplace_back("host", "coffer");
  prepare_forwarded(*request, node_id, kForwardVersions.oldest);  // every version has it
  request->headers.emplace_back(kEchoHeader, text);
  return request;
}

Result<PeerAddress> accept_forwarded(HttpRequest& request, const AddressBook& book,
                                     ForwardVersions spoken) {
  auto node = book.find_by_identity(request.peer_identity);
  if (request.peer_identity.empty() || !node) {
    return fail(ErrorCode::permission_denied, "the certificate belongs to no node of this cluster");
  }
  COFFER_TRY(check_protocol(request, spoken));
  if (request.header(kForwardedByHeader) != node->node_id) {
    return fail(ErrorCode::permission_denied, "the certificate belongs to another node");
  }
  std::string address(request.header(kClientAddressHeader));
  if (address.empty()) {
    return fail(ErrorCode::invalid_argument, "the forwarded request names no client address");
  }
  request.peer_identity = request.header(kClientIdentityHeader);
  request.peer_address = std::move(address);
  replace_headers(request.headers, [](auto name) { return !is_protocol_header(name); }, {});
  return std::move(*node);
}

void prepare_returned(HttpResponse& response) {
  const auto keep = [&](std::string_view name) { return !is_hop_by_hop(name, response.headers); };
  replace_headers(response.headers, keep, {});
}

HttpResponse not_owner_response() {
  HttpResponse response = retryable("this node does not own the tenant's partition; try again");
  response.headers.emplace_back(kNotOwnerHeader, "1");
  return response;
}

HttpResponse owner_unknown_response() {
  return retryable("the owner of the tenant's partition is not known yet; try again");
}

HttpResponse refused_forward_response(const Error& error, ForwardVersions spoken) {
  HttpResponse response = retryable(error.message);
  response.headers.emplace_back(kForwardProtocolHeader, std::to_string(spoken.latest));
  return response;
}

// The header stands in no answer but a refusal.
std::optional<unsigned> version_to_retry(const HttpResponse& answer, unsigned sent,
                                         ForwardVersions spoken) noexcept {
  if (answer.status != 503) return std::nullopt;
  for (const auto& [name, value] : answer.headers) {
    if (name != kForwardProtocolHeader) continue;
    const auto theirs = read_version(value);
    if (!theirs || *theirs >= sent || *theirs < spoken.oldest) return std::nullopt;
    return theirs;
  }
  return std::nullopt;
}

HttpResponse forward_failure_response(const Error& error) {
  switch (error.code) {
    case ErrorCode::unknown_outcome:
      return error_response(500, "internal error: whether the change was stored is not known");
    case ErrorCode::overloaded:
      return retryable("service is overloaded");
    case ErrorCode::unavailable:
      return retryable("service is temporarily unavailable");
    default:
      return internal_error_response();
  }
}

}  // namespace coffer::net
