// HttpRequest -> what the routes need: operation, path, fields, token. Everything that can be
// refused without knowing token or tenant is refused here, as Vault's HTTP front does.
// Pure. Credentials move into SecretBytes and are wiped from the HttpRequest, which also loses its
// body.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "events/base/secret_bytes.h"
#include "events/json/json_value.h"
#include "events/policy/policy_evaluator.h"
#include "net/vault_api/vault_api.h"

namespace coffer::net::vault {

// Why a request was refused before it reached a route, and in which shape Vault says so.
struct ParseRefusal {
  enum class Shape : std::uint8_t {
    errors,    // {"errors":["text"]}, {"errors":[]} when `text` is empty
    empty,     // no body
    plain,     // text/plain
    redirect,  // 307 to `text`
  };
  int status = 400;
  Shape shape = Shape::errors;
  std::string text;
};

struct ParsedRequest {
  std::optional<ParseRefusal> refusal;
  policy::Operation operation = policy::Operation::read;
  bool is_head = false;
  bool is_write = false;       // POST, PUT, PATCH
  std::string path;            // after "/v1/"; ends in '/' for list and scan
  std::string namespace_path;  // normalised: "" or "a/b/"
  std::string namespace_echo;  // the header as it was sent
  SecretBytes token;
  std::string accept;                    // of sys/metrics alone
  Seconds wrap_ttl{0};                   // above zero: the answer is to be wrapped
  std::vector<std::string> states;       // of X-Vault-Index: what the answer has to know of
  std::optional<json::Document> fields;  // root is an object; absent: no fields

  [[nodiscard]] const json::Value* field_root() const noexcept {
    return fields ? &fields->root() : nullptr;
  }
};

[[nodiscard]] ParsedRequest parse_request(HttpRequest& request, const VaultApiOptions& options);

}  // namespace coffer::net::vault
