#include "net/http/response_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace coffer::net {
namespace {

constexpr std::string_view kFixedHeaders =
    "Cache-Control: no-store\r\n"
    "Strict-Transport-Security: max-age=31536000; includeSubDomains\r\n";

std::string_view reason(int status) noexcept {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Payload Too Large";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    default:
      return "Status";
  }
}

bool is_token_char(char c) noexcept {
  const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  const bool digit = c >= '0' && c <= '9';
  return letter || digit || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_valid_name(std::string_view name) noexcept {
  return !name.empty() && std::all_of(name.begin(), name.end(), is_token_char);
}

bool is_valid_value(std::string_view value) noexcept {
  return std::none_of(value.begin(), value.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
  });
}

bool is_sendable(const HttpResponse& response) noexcept {
  if (response.status < 200 || response.status > 599) return false;
  if (!is_valid_value(response.content_type)) return false;
  return std::all_of(response.headers.begin(), response.headers.end(), [](const auto& header) {
    return is_valid_name(header.first) && is_valid_value(header.second);
  });
}

bool is_servers_own(std::string_view name) noexcept {
  static constexpr std::array<std::string_view, 10> kOwn = {
      "connection",        "content-length",
      "content-type",      "cache-control",
      "transfer-encoding", "keep-alive",
      "trailer",           "strict-transport-security",
      "upgrade",           "te"};
  return std::any_of(kOwn.begin(), kOwn.end(), [name](std::string_view own) {
    return std::equal(name.begin(), name.end(), own.begin(), own.end(), [](char a, char b) {
      return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a) == b;
    });
  });
}

void append_field(std::string& head, std::string_view name, std::string_view value) {
  head.append(name).append(": ").append(value).append("\r\n");
}

std::string render_head(const HttpResponse& response, const ReplyContext& context,
                        bool keep_alive) {
  std::string head;
  head.reserve(512);
  head.append("HTTP/1.1 ").append(fmt::format_int(response.status).c_str()).append(" ");
  head.append(reason(response.status)).append("\r\n");
  if (response.status != 204 && response.status != 304) {
    std::uint64_t body_bytes = response.body.size();
    if (context.head && body_bytes == 0) body_bytes = response.head_body_bytes;
    if (body_bytes != 0 && !response.content_type.empty()) {
      append_field(head, "Content-Type", response.content_type);
    }
    append_field(head, "Content-Length", fmt::format_int(body_bytes).c_str());
  }
  for (const auto& [name, value] : response.headers) {
    if (!is_servers_own(name)) append_field(head, name, value);
  }
  head.append(kFixedHeaders);
  if (!keep_alive) {
    head.append("Connection: close\r\n");
  } else if (context.http10) {
    head.append("Connection: keep-alive\r\n");
  }
  head.append("\r\n");
  return head;
}

}  // namespace

bool render_response(HttpResponse response, const ReplyContext& context, SecretBytes& out) {
  if (!is_sendable(response)) response = internal_error_response();
  const bool keep_alive = context.keep_alive && !response.close;
  std::string head = render_head(response, context, keep_alive);
  const bool with_body = !context.head && response.status != 204 && response.status != 304;
  out.truncate(0);
  out.reserve(head.size() + (with_body ? response.body.size() : 0));
  out.append(head);
  if (with_body) out.append(response.body.expose());
  // Handler headers can carry a credential, for example a cookie or a redirect target.
  wipe_memory(head.data(), head.size());
  return keep_alive;
}

HttpResponse error_response(int status, std::string_view text) {
  HttpResponse response;
  response.status = status;
  response.body = SecretBytes(fmt::format(R"({{"errors":["{}"]}})", text));
  return response;
}

HttpResponse internal_error_response() {
  return error_response(500, "internal error");
}

}  // namespace coffer::net
