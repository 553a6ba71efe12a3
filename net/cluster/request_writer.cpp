#include "net/cluster/request_writer.h"

#include <fmt/format.h>

#include <algorithm>

#include "net/cluster/headers.h"

namespace coffer::net {
namespace {

bool is_token(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool digit = c >= '0' && c <= '9';
    return letter || digit || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

bool is_target(std::string_view text) noexcept {
  return !text.empty() && std::none_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte <= 0x20 || byte == 0x7f;
  });
}

bool is_value(std::string_view text) noexcept {
  return std::none_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
  });
}

std::size_t head_bytes(const HttpRequest& request, std::string_view host) noexcept {
  std::size_t bytes = request.method.size() + request.target.size() + host.size() + 96;
  for (const auto& [name, value] : request.headers) bytes += name.size() + value.size() + 4;
  return bytes;
}

void append_field(SecretBytes& out, std::string_view name, std::string_view value) {
  out.append(name);
  out.append(": ");
  out.append(value);
  out.append("\r\n");
}

// What clients send with these even when there is no body.
bool has_length(const HttpRequest& request) noexcept {
  return !request.body.empty() || request.method == "POST" || request.method == "PUT" ||
         request.method == "PATCH";
}

}  // namespace

bool is_sendable(const HttpRequest& request) noexcept {
  if (!is_token(request.method) || !is_target(request.target)) return false;
  return std::all_of(request.headers.begin(), request.headers.end(), [](const auto& header) {
    return is_token(header.first) && is_value(header.second);
  });
}

void render_head(const HttpRequest& request, std::string_view host, SecretBytes& out) {
  out.truncate(0);
  out.reserve(head_bytes(request, host));
  out.append(request.method);
  out.append(' ');
  out.append(request.target);
  out.append(" HTTP/1.1\r\n");
  if (request.header("host").empty()) append_field(out, "host", host);
  for (const auto& [name, value] : request.headers) {
    const bool empty_host = name == "host" && value.empty();
    if (!empty_host && !is_hop_by_hop(name, request.headers)) append_field(out, name, value);
  }
  if (has_length(request)) {
    append_field(out, "content-length", fmt::format_int(request.body.size()).c_str());
  }
  out.append("\r\n");
}

bool is_safe_method(std::string_view method) noexcept {
  return method == "GET" || method == "HEAD" || method == "LIST" || method == "SCAN";
}

}  // namespace coffer::net
