// The server's HTTP API as this tool needs it: JSON out, the server's own error texts as errors.
#pragma once

#include <string>

#include "events/json/json_value.h"
#include "tools/coffer/http_client.h"

namespace coffer::cli {

// A parsed answer. `data` lives in `document`.
struct ApiAnswer {
  long status = 0;
  json::Document document;
  const json::Value* data = nullptr;
};

class ApiClient {
 public:
  explicit ApiClient(const Connection& connection) : http_(connection), connection_(connection) {}

  // The whole answer of an endpoint that needs no token; any status with a JSON object. `path` is
  // what follows "/v1/".
  [[nodiscard]] Result<ApiAnswer> ask_public(const std::string& path);
  // `data` of an answer of the root namespace.
  [[nodiscard]] Result<ApiAnswer> ask_root(const std::string& path) { return ask(path, false); }
  // `data` of an answer of the namespace that the options name.
  [[nodiscard]] Result<ApiAnswer> ask_namespace(const std::string& path) { return ask(path, true); }

  // A change in the root namespace that answers with 204. `body` is JSON without secrets.
  [[nodiscard]] Result<void> change_root(const std::string& path, const std::string& body);

  [[nodiscard]] const Connection& connection() const noexcept { return connection_; }

 private:
  Result<void> need_token() const;
  Result<ApiAnswer> ask(const std::string& path, bool name_space);

  HttpClient http_;
  const Connection& connection_;
};

}  // namespace coffer::cli
