// issuer_server.py as a child process, with a certificate of its own authority. Dies with the
// object.
#pragma once

#include <sys/types.h>

#include <cstdio>
#include <string>

#include "tests/support/test_certificate.h"

namespace coffer::test {

class IssuerServer {
 public:
  IssuerServer();
  IssuerServer(const IssuerServer&) = delete;
  IssuerServer& operator=(const IssuerServer&) = delete;
  ~IssuerServer();

  // "https://localhost:PORT"
  [[nodiscard]] const std::string& address() const { return address_; }
  [[nodiscard]] const std::string& authority_pem() const { return authority_pem_; }
  // Changes the server's state; `members` as `"status":500`.
  void set(const std::string& members);
  // How many requests for `path` it has seen.
  [[nodiscard]] int requests(const std::string& path);
  // Waits until it has seen that many.
  void await_requests(const std::string& path, int count);
  // Ends the process; its port then refuses connections.
  void stop();

 private:
  std::string command(const std::string& object);

  TestCertificate certificate_;
  std::string address_;
  std::string authority_pem_;
  pid_t pid_ = -1;
  std::FILE* to_server_ = nullptr;
  std::FILE* from_server_ = nullptr;
};

}  // namespace coffer::test
