// What a client sees of HTTP itself: which requests are accepted, which are refused and how.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/http/test_server.h"

namespace coffer::test {
namespace {

struct Row {
  const char* name;
  std::string request;
  int status;
  std::string body;
};

constexpr const char* kHost = "Host: localhost\r\n";

std::string request(std::string_view line, std::string_view fields = "",
                    std::string_view body = "") {
  std::string text(line);
  text += "\r\n";
  text += kHost;
  text += fields;
  text += "\r\n";
  text += body;
  return text;
}

std::vector<Row> accepted_rows() {
  return {
      {"read", request("GET /v1/a?x=1 HTTP/1.1"), 200, "GET /v1/a?x=1 "},
      {"unknown verb", request("LIST /v1/a HTTP/1.1"), 200, "LIST /v1/a "},
      {"another", request("SCAN /v1/a HTTP/1.1"), 200, "SCAN /v1/a "},
      {"lower-case verb", request("get / HTTP/1.1"), 200, "get / "},
      {"body", request("PUT / HTTP/1.1", "Content-Length: 3\r\n", "abc"), 200, "PUT / abc"},
      {"zero body", request("POST / HTTP/1.1", "Content-Length: 0\r\n"), 200, "POST / "},
      {"no body", request("POST / HTTP/1.1"), 200, "POST / "},
      {"chunks",
       request("PUT / HTTP/1.1", "Transfer-Encoding: chunked\r\n",
               "3\r\nabc\r\n2;ext=1\r\nde\r\n0\r\n\r\n"),
       200, "PUT / abcde"},
      {"upper-case coding",
       request("PUT / HTTP/1.1", "Transfer-Encoding: CHUNKED\r\n", "1\r\na\r\n0\r\n\r\n"), 200,
       "PUT / a"},
      {"trailers",
       request("PUT / HTTP/1.1", "Transfer-Encoding: chunked\r\n", "1\r\na\r\n0\r\nX-T: 1\r\n\r\n"),
       200, "PUT / a"},
      {"field name in any case", "GET / HTTP/1.1\r\nhOST: localhost\r\n\r\n", 200, "GET / "},
      {"1.0 without host", "GET / HTTP/1.0\r\n\r\n", 200, "GET / "},
  };
}

std::vector<Row> refused_heads() {
  return {
      {"garbage", "\x01\x02\x03\r\n\r\n", 400, ""},
      {"no version", "GET /\r\n\r\n", 400, ""},
      {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, ""},
      {"HTTP/1.2", request("GET / HTTP/1.2"), 400, ""},
      {"empty target", request("GET  HTTP/1.1"), 400, ""},
      {"control in target", request("GET /\x01 HTTP/1.1"), 400, ""},
      {"bare line feeds", "GET / HTTP/1.1\nHost: localhost\n\n", 400, ""},
      {"no host", "GET / HTTP/1.1\r\nA: b\r\n\r\n", 400, ""},
      {"two hosts", request("GET / HTTP/1.1", "Host: other\r\n"), 400, ""},
      {"space before colon", request("GET / HTTP/1.1", "X-Vault-Token : a\r\n"), 400, ""},
      {"no colon", request("GET / HTTP/1.1", "nonsense\r\n"), 400, ""},
      {"control in value", request("GET / HTTP/1.1", std::string("A: b\0c\r\n", 8)), 400, ""},
      {"unknown expectation", request("PUT / HTTP/1.1", "Expect: magic\r\n"), 417, ""},
      {"one long field", request("GET / HTTP/1.1", "A: " + std::string(9000, 'a') + "\r\n"), 431,
       ""},
      {"long target", request("GET /" + std::string(9000, 'a') + " HTTP/1.1"), 431, ""},
      {"endless line", std::string(20000, 'A'), 431, ""},
  };
}

std::vector<Row> refused_bodies() {
  const std::string chunked = "Transfer-Encoding: chunked\r\n";
  return {
      {"negative length", request("PUT / HTTP/1.1", "Content-Length: -1\r\n"), 400, ""},
      {"signed length", request("PUT / HTTP/1.1", "Content-Length: +1\r\n", "a"), 400, ""},
      {"hex length", request("PUT / HTTP/1.1", "Content-Length: 0x1\r\n", "a"), 400, ""},
      {"length list", request("PUT / HTTP/1.1", "Content-Length: 1, 1\r\n", "a"), 400, ""},
      {"two lengths", request("PUT / HTTP/1.1", "Content-Length: 1\r\nContent-Length: 1\r\n", "a"),
       400, ""},
      {"length overflow",
       request("PUT / HTTP/1.1", "Content-Length: 18446744073709551616\r\n", "a"), 400, ""},
      {"length then chunks",
       request("PUT / HTTP/1.1", "Content-Length: 1\r\n" + chunked, "0\r\n\r\n"), 400, ""},
      {"chunks then length",
       request("PUT / HTTP/1.1", chunked + "Content-Length: 1\r\n", "0\r\n\r\n"), 400, ""},
      {"other coding", request("PUT / HTTP/1.1", "Transfer-Encoding: gzip\r\n"), 400, ""},
      {"coding behind chunks", request("PUT / HTTP/1.1", "Transfer-Encoding: chunked, gzip\r\n"),
       400, ""},
      {"chunks twice", request("PUT / HTTP/1.1", chunked + chunked, "0\r\n\r\n"), 400, ""},
      {"disguised coding", request("PUT / HTTP/1.1", "Transfer-Encoding: xchunked\r\n"), 400, ""},
      {"chunks in 1.0", "PUT / HTTP/1.0\r\n" + chunked + "\r\n0\r\n\r\n", 400, ""},
      {"bad chunk size", request("PUT / HTTP/1.1", chunked, "zz\r\n"), 400, ""},
      {"chunk longer than told", request("PUT / HTTP/1.1", chunked, "1\r\nab\r\n0\r\n\r\n"), 400,
       ""},
      {"body too large", request("PUT / HTTP/1.1", "Content-Length: 5000\r\n"), 413,
       R"({"errors":["request body too large"]})"},
      {"body too large, expected",
       request("PUT / HTTP/1.1", "Content-Length: 5000\r\nExpect: 100-continue\r\n"), 413,
       R"({"errors":["request body too large"]})"},
      {"chunks too large",
       request("PUT / HTTP/1.1", chunked, "800\r\n" + std::string(2048, 'a') + "\r\n900\r\n"), 413,
       R"({"errors":["request body too large"]})"},
      {"endless chunk header", request("PUT / HTTP/1.1", chunked, "1;" + std::string(20000, 'a')),
       400, ""},
  };
}

net::HttpLimits small_limits() {
  net::HttpLimits limits;
  limits.header_bytes_max = 8192;
  limits.body_bytes_max = 4096;
  return limits;
}

}  // namespace

TEST_CASE("http: requests that are accepted reach the handler as they were sent") {
  const TestServer server(&echo, small_limits());
  for (const Row& row : accepted_rows()) {
    CAPTURE(row.name);
    const auto client = server.connect();
    REQUIRE(client->send(row.request));
    const Reply reply = client->read_reply();
    CHECK(reply.status == row.status);
    CHECK(reply.body == row.body);
    CHECK(reply.field("Content-Length") == std::to_string(row.body.size()));
  }
}

TEST_CASE("http: requests that are refused get their status and a closed connection") {
  const TestServer server(&echo, small_limits());
  std::vector<Row> rows = refused_heads();
  for (Row& row : refused_bodies()) rows.push_back(std::move(row));
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const auto client = server.connect();
    REQUIRE(client->send(row.request));
    const Reply reply = client->read_reply();
    CHECK(reply.status == row.status);
    CHECK(reply.body == row.body);
    CHECK(reply.field("Connection") == "close");
    CHECK(reply.field("Content-Length") == std::to_string(row.body.size()));
    CHECK(client->closed_cleanly());
  }
  CHECK(server.server->counters().requests == 0);
}

TEST_CASE("http: many small fields together count against the header limit") {
  const TestServer server(&echo, small_limits());
  const auto client = server.connect();
  REQUIRE(client->send("GET / HTTP/1.1\r\nX"));
  // Split behind the first letter of the next field: the parser then takes each field out of the
  // buffer and has no sum of its own. The server ends the connection on the way.
  for (int i = 0; i < 900 && client->send("-Field: 1234\r\nX"); ++i) {
  }
  CHECK(client->read_reply().status == 431);
}

TEST_CASE("http: a refused body that is still being sent does not destroy the answer") {
  const TestServer server(&echo, small_limits());
  const auto client = server.connect();
  // More than the socket buffers hold: it can only be sent if somebody reads it.
  const std::string body(12'000'000, 'a');
  CHECK(client->send(request("PUT / HTTP/1.1", "Content-Length: 12000000\r\n", body)));
  CHECK(client->read_reply().status == 413);
}

TEST_CASE("http: header names arrive in lower case, values untouched") {
  std::string seen;
  const TestServer server([&](const auto& got, const net::Responder& respond) {
    respond(text_response(std::string(got->header("x-vault-token")) + '|' + got->peer_address +
                          '|' + std::string(got->header("absent"))));
  });
  const auto client = server.connect();
  REQUIRE(client->send(request("GET / HTTP/1.1", "X-Vault-Token:  hvs.AbC dEf \t\r\n")));
  CHECK(client->read_reply().body == "hvs.AbC dEf|127.0.0.1|");
}

TEST_CASE("http: trailers never become headers") {
  const TestServer server([](const auto& got, const net::Responder& respond) {
    respond(text_response(got->header("x-vault-token")));
  });
  const auto client = server.connect();
  REQUIRE(client->send(request("PUT / HTTP/1.1", "Transfer-Encoding: chunked\r\n",
                               "0\r\nX-Vault-Token: forged\r\n\r\n")));
  const Reply reply = client->read_reply();
  CHECK(reply.status == 200);
  CHECK(reply.body == "");
}

TEST_CASE("http: a body in many pieces arrives whole") {
  const TestServer server([](const auto& got, const net::Responder& respond) {
    net::HttpResponse response;
    response.body = std::move(got->body);
    respond(std::move(response));
  });
  std::string body;
  for (int i = 0; body.size() < 3'000'000; ++i) body += std::to_string(i);
  const auto client = server.connect();
  SUBCASE("with a length") {
    REQUIRE(client->send(request("PUT / HTTP/1.1",
                                 "Content-Length: " + std::to_string(body.size()) + "\r\n", body)));
  }
  SUBCASE("in chunks") {
    REQUIRE(client->send(request("PUT / HTTP/1.1", "Transfer-Encoding: chunked\r\n")));
    for (std::size_t at = 0; at < body.size(); at += 0x3001) {
      const std::string chunk = body.substr(at, 0x3001);
      char size[16];
      std::snprintf(size, sizeof size, "%zx\r\n", chunk.size());
      REQUIRE(client->send(size + chunk + "\r\n"));
    }
    REQUIRE(client->send("0\r\n\r\n"));
  }
  const Reply reply = client->read_reply();
  CHECK(reply.status == 200);
  CHECK((reply.body == body));
}

TEST_CASE("http: a request split at every byte is read the same") {
  const TestServer server(&echo);
  const auto client = server.connect();
  const std::string text = request("PUT /p HTTP/1.1", "Transfer-Encoding: chunked\r\n",
                                   "3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n");
  for (const char byte : text) REQUIRE(client->send(std::string_view(&byte, 1)));
  CHECK(client->read_reply().body == "PUT /p abcd");
}

TEST_CASE("http: 100-continue is sent before the body, once") {
  const TestServer server(&echo);
  const auto client = server.connect();
  REQUIRE(client->send(request("PUT / HTTP/1.1", "Content-Length: 4\r\nExpect: 100-continue\r\n")));
  CHECK(client->read_reply().status == 100);
  REQUIRE(client->send("ab"));
  REQUIRE(client->send("cd"));
  CHECK(client->read_reply().body == "PUT / abcd");
}

TEST_CASE("http: bodies beyond the common budget are refused, and fit again afterwards") {
  net::HttpLimits limits;
  limits.bodies_bytes_max = 1024 * 1024;
  const TestServer server(&echo, limits);
  const std::string body(900'000, 'a');
  const std::string head = request("PUT / HTTP/1.1", "Content-Length: 900000\r\n");
  const auto first = server.connect();
  // All but one byte: the first request holds its part of the budget without being complete.
  REQUIRE(first->send(head + body.substr(1)));
  const auto refused_once = [&] {
    const auto second = server.connect();
    second->send(head + body);
    return second->read_reply().status == 503;
  };
  CHECK(eventually(refused_once));
  REQUIRE(first->send("a"));
  CHECK(first->read_reply().status == 200);
  CHECK(eventually([&] { return !refused_once(); }));
}

}  // namespace coffer::test
