// HTTPS over libcurl. One connection, kept open between requests. Follows no redirect, so the
// token goes to the configured server only. Not thread-safe.
#pragma once

#include <memory>
#include <string>

#include "events/base/result.h"
#include "events/base/secret_bytes.h"
#include "tools/coffer/connection.h"

namespace coffer::cli {

struct HttpReply {
  long status = 0;
  SecretBytes body;
};

struct HttpHeaders {
  bool token = false;
  bool name_space = false;
};

class HttpClient {
 public:
  explicit HttpClient(const Connection& connection);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // `path` begins with '/' and is already escaped. Errors: unavailable, too_large.
  [[nodiscard]] Result<HttpReply> get(const std::string& path, HttpHeaders headers);
  // `body` is JSON without secrets.
  [[nodiscard]] Result<HttpReply> put(const std::string& path, const std::string& body,
                                      HttpHeaders headers);

 private:
  Result<HttpReply> perform(const std::string& path, HttpHeaders headers);

  struct Handle;
  std::unique_ptr<Handle> handle_;
  const Connection& connection_;
};

}  // namespace coffer::cli
