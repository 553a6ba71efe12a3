#include "tools/coffer/api_client.h"

#include <fmt/format.h>

#include "tools/coffer/output.h"

namespace coffer::cli {
namespace {

constexpr json::ParseLimits kAnswerLimits{.depth_max = 64, .nodes_max = 20'000'000};

// Vault's texts hold line breaks and tabs for their own layout.
void append_lines(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    while (!line.empty() && (line.front() == '\t' || line.front() == ' ')) line.remove_prefix(1);
    if (!line.empty()) out += "\n  " + printable(line);
  }
}

ErrorCode code_of(long status) {
  if (status == 403) return ErrorCode::permission_denied;
  if (status == 404) return ErrorCode::not_found;
  return status == 503 ? ErrorCode::unavailable : ErrorCode::internal;
}

Error refused(const std::string& path, const HttpReply& reply) {
  auto text =
      fmt::format("{}: the server answered {}", path.substr(0, path.find('?')), reply.status);
  const auto document = json::Document::parse(reply.body.expose_text(), kAnswerLimits);
  const auto* errors = document ? document->root().find("errors") : nullptr;
  if (errors != nullptr)
    for (const auto* error : errors->items()) append_lines(text, error->text());
  return fail(code_of(reply.status), std::move(text));
}

Result<ApiAnswer> parse(const std::string& path, const HttpReply& reply) {
  auto document = json::Document::parse(reply.body.expose_text(), kAnswerLimits);
  if (!document || !document->root().is_object())
    return fail(ErrorCode::internal,
                fmt::format("{}: the server answered {} without a JSON object; is this Coffer?",
                            path.substr(0, path.find('?')), reply.status));
  ApiAnswer answer{reply.status, std::move(*document), nullptr};
  answer.data = &answer.document.root();
  return answer;
}

}  // namespace

Result<ApiAnswer> ApiClient::ask_public(const std::string& path) {
  COFFER_ASSIGN(const auto reply, http_.get("/v1/" + path, {}));
  return parse(path, reply);
}

Result<void> ApiClient::need_token() const {
  if (!connection_.token.empty()) return {};
  return fail(ErrorCode::permission_denied,
              "no token: set VAULT_TOKEN, write it to ~/.vault-token, or pass --token");
}

Result<void> ApiClient::change_root(const std::string& path, const std::string& body) {
  COFFER_TRY(need_token());
  COFFER_ASSIGN(const auto reply, http_.put("/v1/" + path, body, {.token = true}));
  if (reply.status != 204) return refused(path, reply);
  return {};
}

Result<ApiAnswer> ApiClient::ask(const std::string& path, bool name_space) {
  COFFER_TRY(need_token());
  COFFER_ASSIGN(const auto reply,
                http_.get("/v1/" + path, {.token = true, .name_space = name_space}));
  if (reply.status != 200) return refused(path, reply);
  COFFER_ASSIGN(auto answer, parse(path, reply));
  answer.data = answer.data->find("data");
  if (answer.data == nullptr || !answer.data->is_object())
    return fail(ErrorCode::internal,
                fmt::format("{}: the answer has no data", path.substr(0, path.find('?'))));
  return answer;
}

}  // namespace coffer::cli
