#include "tests/api/api_client.h"

#include <doctest/doctest.h>

namespace coffer::test {
namespace {

std::string without_id(std::string body) {
  constexpr std::string_view kKey = "\"request_id\":\"";
  const auto at = body.find(kKey);
  // A wrapped answer has none.
  if (at != std::string::npos && body[at + kKey.size()] != '"')
    body.replace(at + kKey.size(), 36, "ID");
  return body;
}

}  // namespace

std::string Got::header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (key == name) return value;
  return {};
}

ApiClient::ApiClient(net::VaultApiOptions options) : api_(port, random_, std::move(options)) {}

Got ApiClient::send(std::string_view method, std::string_view target, std::string_view body,
                    const Headers& headers) {
  return send_as(kRootToken, method, target, body, headers);
}

Got ApiClient::send_as(std::string_view token, std::string_view method, std::string_view target,
                       std::string_view body, Headers headers) {
  auto request = std::make_shared<net::HttpRequest>();
  request->method = method;
  request->target = target.starts_with('/') ? std::string(target) : "/v1/" + std::string(target);
  request->body = SecretBytes(body);
  request->peer_address = "192.0.2.7";
  const bool typed = std::any_of(headers.begin(), headers.end(),
                                 [](const auto& header) { return header.first == "content-type"; });
  if (method == "PATCH" && !typed)
    headers.emplace_back("content-type", "application/merge-patch+json");
  if (!token.empty()) headers.emplace_back("x-vault-token", token);
  request->headers = std::move(headers);
  auto got = std::make_shared<Got>();
  api_.handle(request, [got](net::HttpResponse response) {
    ++got->answers;
    got->status = response.status;
    got->body = without_id(std::string(response.body.expose_text()));
    got->content_type = response.content_type;
    got->headers = response.headers;
  });
  return *got;
}

void ApiClient::must(std::string_view method, std::string_view target, std::string_view body) {
  const auto got = send(method, target, body);
  INFO(method, " ", target, " -> ", got.status, " ", got.body);
  REQUIRE((got.status == 200 || got.status == 204));
}

std::string envelope(std::string_view data, std::string_view warnings, std::string_view auth) {
  return R"({"request_id":"ID","lease_id":"","renewable":false,"lease_duration":0,"data":)" +
         std::string(data) + R"(,"wrap_info":null,"warnings":)" + std::string(warnings) +
         R"(,"auth":)" + std::string(auth) + "}";
}

std::string error_body(std::string_view text) {
  SecretBytes out;
  out.append(std::string_view(R"({"errors":[)"));
  json::write_string(text, out);
  out.append(std::string_view("]}"));
  return std::string(out.expose_text());
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace coffer::test
