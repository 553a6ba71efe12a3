// Sends raw requests to a VaultApi over a FakePort and shows the answers with their random request
// id replaced.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/vault_api/vault_api.h"
#include "tests/api/fake_port.h"

namespace coffer::test {

class CountingRandom final : public Random {
 public:
  void fill(std::span<std::uint8_t> out) noexcept override {
    for (auto& byte : out) byte = next_++;
  }

 private:
  std::uint8_t next_ = 0;
};

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Got {
  int status = 0;
  std::string body;  // "request_id":"ID"
  std::string content_type;
  Headers headers;
  unsigned answers = 0;  // how often the responder was called

  [[nodiscard]] std::string header(std::string_view name) const;
};

class ApiClient {
 public:
  explicit ApiClient(net::VaultApiOptions options = {});

  // `target` without "/v1/" unless it begins with '/'. Bodies of PATCH get their type.
  Got send(std::string_view method, std::string_view target, std::string_view body = {},
           const Headers& headers = {});
  Got send_as(std::string_view token, std::string_view method, std::string_view target,
              std::string_view body = {}, Headers headers = {});
  // Fails the test when the status is not 200 or 204.
  void must(std::string_view method, std::string_view target, std::string_view body = {});

  FakePort port;

 private:
  CountingRandom random_;
  net::VaultApi api_;
};

// The success envelope around `data`.
[[nodiscard]] std::string envelope(std::string_view data, std::string_view warnings = "null",
                                   std::string_view auth = "null");
[[nodiscard]] std::string error_body(std::string_view text);
[[nodiscard]] bool contains(std::string_view text, std::string_view part);

// The JSON of the time the FakePort starts with.
inline constexpr std::string_view kTime = "\"2025-11-24T16:00:00.123456789Z\"";
inline constexpr std::string_view kDenied = R"({"errors":["permission denied"]})";
inline constexpr std::string_view kNoErrors = R"({"errors":[]})";

}  // namespace coffer::test
