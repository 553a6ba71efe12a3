#include <doctest/doctest.h>

#include "net/vault_api/trace_context.h"
#include "tests/api/api_client.h"

namespace coffer::test {
namespace {

using net::vault::parse_trace_parent;
using net::vault::trace_id_of;

const std::string kValid = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST_CASE("traceparent: what counts and what does not") {
  struct Row {
    std::string header;
    bool valid;
  };
  const std::string later = "cc" + kValid.substr(2);
  const Row rows[] = {
      {kValid, true},
      {kValid.substr(0, 53) + "00", true},
      {kValid.substr(0, 53) + "ff", true},
      {later, true},
      {later + "-more", true},
      {later + "more", false},
      {kValid + "-more", false},
      {"ff" + kValid.substr(2), false},
      {"", false},
      {"00", false},
      {kValid.substr(0, 54), false},
      {kValid + " ", false},
      {" " + kValid, false},
      {"00-00000000000000000000000000000000-00f067aa0ba902b7-01", false},
      {"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", false},
      {"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", false},
      {"00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01", false},
      {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g", false},
      {"0g-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false},
      {"00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false},
      {"00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01", false},
      {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7_01", false},
      {std::string(10'000, '0'), false},
  };
  for (const auto& [header, valid] : rows) {
    CAPTURE(header);
    const auto parsed = parse_trace_parent(header);
    CHECK(parsed.empty() == !valid);
    if (valid) CHECK(parsed == "00" + header.substr(2, 53));
    CHECK(trace_id_of(parsed) == (valid ? "4bf92f3577b34da6a3ce929d0e0e4736" : ""));
  }
}

TEST_CASE("traceparent: taken over into the access record, one header alone") {
  ApiClient client;
  client.must("GET", "sys/health");
  CHECK(client.port.heads.back().trace_parent.empty());
  CHECK(client.send("GET", "secret/data/a", {}, {{"traceparent", kValid}}).status == 404);
  CHECK(client.port.heads.back().trace_parent == kValid);
  CHECK(client.send_as("", "GET", "secret/data/a", {}, {{"traceparent", kValid}}).status == 403);
  CHECK(client.port.heads.back().trace_parent == kValid);
  CHECK(client.send("GET", "secret/data/a", {}, {{"traceparent", kValid}, {"traceparent", kValid}})
            .status == 404);
  CHECK(client.port.heads.back().trace_parent.empty());
  CHECK(client.send("GET", "secret/data/a", {}, {{"traceparent", "nonsense"}}).status == 404);
  CHECK(client.port.heads.back().trace_parent.empty());
}

}  // namespace
}  // namespace coffer::test
