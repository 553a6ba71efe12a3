// The forwarding protocol without a network: headers there and back, who is believed, error
// answers.
#include <doctest/doctest.h>

#include "net/cluster/forwarding.h"
#include "net/cluster/headers.h"
#include "net/cluster/request_writer.h"
#include "tests/cluster/cluster_fixture.h"

namespace coffer::test {
namespace {

using net::Headers;

net::AddressBook* book_of(std::vector<net::PeerAddress> nodes) {
  static net::AddressBook book;
  REQUIRE(book.replace(std::move(nodes)).ok());
  return &book;
}

const net::AddressBook& two_nodes() {
  return *book_of({{"n1", "127.0.0.1", 1, "spiffe://coffer/n1"}, {"n2", "127.0.0.1", 2, "n2"}});
}

// As it arrives at the peer listener of n1, from n2.
std::shared_ptr<net::HttpRequest> forwarded() {
  auto request = make_request("POST", "/v1/secret/data/a", "body");
  request->peer_address = "198.51.100.9";
  request->headers.emplace_back("x-vault-token", "t");
  net::prepare_forwarded(*request, "n2");
  request->peer_address = "10.0.0.2";
  request->peer_identity = "n2";
  return request;
}

void set(net::HttpRequest& request, std::string_view name, std::string_view value) {
  for (auto& header : request.headers) {
    if (header.first == name) header.second = value;
  }
}

}  // namespace

TEST_CASE("prepare: all headers pass but those of one hop, and the protocol's are added") {
  auto request = make_request("GET", "/");
  request->headers =
      Headers{{"host", "tenant.vault.test"},
              {"x-request-id", "r1"},
              {"traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
              {"connection", "keep-alive, X-Mine"},
              {"x-mine", "for the first hop"},
              {"keep-alive", "timeout=5"},
              {"content-length", "0"},
              {"te", "trailers"},
              {"upgrade", "h2c"},
              {"expect", "100-continue"},
              {"x-coffer-forwarded-by", "spoofed"},
              {"x-coffer-client-identity", "spoofed"},
              {"x-vault-token", "t"}};
  SUBCASE("without a client certificate") {
    net::prepare_forwarded(*request, "n1");
    CHECK(request->header("x-coffer-client-identity").empty());
  }
  SUBCASE("with one") {
    request->peer_identity = "client-7";
    net::prepare_forwarded(*request, "n1");
    CHECK(request->header("x-coffer-client-identity") == "client-7");
    request->headers.pop_back();
  }
  CHECK(request->headers ==
        Headers{{"host", "tenant.vault.test"},
                {"x-request-id", "r1"},
                {"traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
                {"x-vault-token", "t"},
                {"x-coffer-forward-protocol", "1"},
                {"x-coffer-forwarded-by", "n1"},
                {"x-coffer-client-address", "192.0.2.7"}});
}

TEST_CASE("strip: what only a peer may say is dropped, the rest stays") {
  auto request = make_request("GET", "/");
  const Headers plain = {{"host", "h"}, {"x-coffer-other", "stays"}, {"x-vault-token", "t"}};
  request->headers = plain;
  net::strip_forwarding_headers(*request);
  CHECK(request->headers == plain);
  for (const std::string name :
       {"x-coffer-forwarded-by", "x-coffer-forward-protocol", "x-coffer-client-address",
        "x-coffer-client-identity", "x-coffer-client-anything", "x-coffer-not-owner"}) {
    request->headers.insert(request->headers.begin() + 1, {name, "spoofed"});
    request->headers.emplace_back(name, "again");
  }
  net::strip_forwarding_headers(*request);
  CHECK(request->headers == plain);
}

TEST_CASE("accept: the request is the client's again") {
  const auto request = forwarded();
  const auto node = net::accept_forwarded(*request, two_nodes());
  REQUIRE(node.ok());
  CHECK(node.value().node_id == "n2");
  CHECK(request->peer_address == "198.51.100.9");
  CHECK(request->peer_identity.empty());
  CHECK(request->headers == Headers{{"host", "vault.test"}, {"x-vault-token", "t"}});
}

TEST_CASE("accept: the client's certificate is carried") {
  auto request = make_request("GET", "/");
  request->peer_identity = "client-7";
  net::prepare_forwarded(*request, "n1");
  request->peer_identity = "spiffe://coffer/n1";
  REQUIRE(net::accept_forwarded(*request, two_nodes()).ok());
  CHECK(request->peer_identity == "client-7");
}

TEST_CASE("accept: who and what is refused") {
  struct Row {
    std::string what;
    std::function<void(net::HttpRequest&)> change;
    ErrorCode code;
    std::string text;
  };
  const auto refused = ErrorCode::permission_denied;
  const std::vector<Row> rows = {
      {"no certificate", [](auto& r) { r.peer_identity.clear(); }, refused, "no node"},
      {"an unknown node", [](auto& r) { r.peer_identity = "n3"; }, refused, "no node"},
      {"a node id is no identity", [](auto& r) { r.peer_identity = "n1"; }, refused, "no node"},
      {"another's id", [](auto& r) { set(r, "x-coffer-forwarded-by", "n1"); }, refused, "another"},
      {"no id", [](auto& r) { set(r, "x-coffer-forwarded-by", ""); }, refused, "another"},
      {"a newer protocol", [](auto& r) { set(r, "x-coffer-forward-protocol", "2"); },
       ErrorCode::unsupported, "forwarding protocol 2 is not supported, this node speaks 1"},
      {"odd characters", [](auto& r) { set(r, "x-coffer-forward-protocol", "1\"\\\x01"); },
       ErrorCode::unsupported, "forwarding protocol 1??? is not supported, this node speaks 1"},
      {"not a forwarded request", [](auto& r) { r.headers.clear(); }, ErrorCode::invalid_argument,
       "forwarded requests only"},
      {"no address", [](auto& r) { set(r, "x-coffer-client-address", ""); },
       ErrorCode::invalid_argument, "no client address"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    const auto request = forwarded();
    row.change(*request);
    const auto result = net::accept_forwarded(*request, two_nodes());
    REQUIRE(!result.ok());
    CHECK(result.error().code == row.code);
    CHECK(result.error().message.find(row.text) != std::string::npos);
    const auto response = net::refused_forward_response(result.error());
    CHECK(response.status == 503);
    CHECK(response.headers == Headers{{"Retry-After", "1"}, {"x-coffer-forward-protocol", "1"}});
  }
}

TEST_CASE("versions: what is accepted, and in which version a refused request goes again") {
  struct Row {
    net::ForwardVersions sender;
    net::ForwardVersions receiver;
    unsigned sent;
    bool accepted;
    std::optional<unsigned> again;
  };
  const Row rows[] = {
      {{1, 1}, {1, 1}, 1, true, {}},  {{1, 2}, {1, 1}, 2, false, 1},
      {{1, 2}, {1, 1}, 1, true, {}},  {{1, 1}, {1, 2}, 1, true, {}},
      {{1, 3}, {1, 2}, 3, false, 2},  {{2, 3}, {1, 1}, 3, false, {}},  // nothing in common
      {{1, 1}, {2, 3}, 1, false, {}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.sent);
    CAPTURE(row.receiver.latest);
    auto request = make_request("GET", "/");
    net::prepare_forwarded(*request, "n1", row.sent);
    request->peer_identity = "spiffe://coffer/n1";
    const auto result = net::accept_forwarded(*request, two_nodes(), row.receiver);
    CHECK(result.ok() == row.accepted);
    if (result.ok()) continue;
    const auto answer = net::refused_forward_response(result.error(), row.receiver);
    CHECK(net::version_to_retry(answer, row.sent, row.sender) == row.again);
    auto odd = net::refused_forward_response(result.error(), row.receiver);
    odd.headers.back().second = "x";
    CHECK_FALSE(net::version_to_retry(odd, row.sent, row.sender).has_value());
  }
  CHECK_FALSE(net::version_to_retry(net::not_owner_response(), 2, {1, 2}).has_value());
}

TEST_CASE("returned: headers of the inner hop are dropped, the others keep their spelling") {
  net::HttpResponse response;
  response.headers = Headers{{"X-Vault-Index", "5"}, {"Connection", "close, X-Hop"},
                             {"x-hop", "1"},         {"Set-Cookie", "a"},
                             {"Set-Cookie", "b"},    {"Retry-After", "1"}};
  net::prepare_returned(response);
  CHECK(response.headers == Headers{{"X-Vault-Index", "5"},
                                    {"Set-Cookie", "a"},
                                    {"Set-Cookie", "b"},
                                    {"Retry-After", "1"}});
}

TEST_CASE("failures: status, text and whether to try again") {
  struct Row {
    ErrorCode code;
    int status;
    std::string body;
    bool retry;
  };
  const std::vector<Row> rows = {
      {ErrorCode::unavailable, 503, R"({"errors":["service is temporarily unavailable"]})", true},
      {ErrorCode::overloaded, 503, R"({"errors":["service is overloaded"]})", true},
      {ErrorCode::unknown_outcome, 500,
       R"({"errors":["internal error: whether the change was stored is not known"]})", false},
      {ErrorCode::internal, 500, R"({"errors":["internal error"]})", false},
      {ErrorCode::invalid_argument, 500, R"({"errors":["internal error"]})", false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.body);
    const auto response = net::forward_failure_response(fail(row.code, "of no concern to clients"));
    CHECK(response.status == row.status);
    CHECK(response.body.expose_text() == row.body);
    CHECK(response.content_type == "application/json");
    CHECK(response.headers == (row.retry ? Headers{{"Retry-After", "1"}} : Headers{}));
  }
  CHECK(net::not_owner_response().headers ==
        Headers{{"Retry-After", "1"}, {"x-coffer-not-owner", "1"}});
}

TEST_CASE("headers: values are wiped in place, a replaced list is a new one") {
  Headers headers = {{"x-vault-token", "short"}, {"x-long", std::string(100, 's')}};
  const Headers before = headers;
  const char* const old = headers.back().second.data();
  net::replace_headers(headers, [](auto name) { return name == "x-long"; }, {{"x-new", "new"}});
  CHECK(headers == Headers{before[1], {"x-new", "new"}});
  CHECK(headers.front().second.data() != old);  // copied, so that the old storage can be wiped
  net::wipe_values(headers);
  CHECK(headers == Headers{{"x-long", std::string(100, '\0')}, {"x-new", std::string(3, '\0')}});
}

TEST_CASE("address book: entries are checked and replaced as a whole") {
  net::AddressBook book;
  CHECK(!book.find("n1"));
  REQUIRE(book.replace({{"n1", "10.0.0.1", 8201, "i1"}, {"n2", "peer.test", 8201, "i2"}}).ok());
  CHECK(book.find("n2")->host == "peer.test");
  CHECK(book.find_by_identity("i1")->node_id == "n1");
  CHECK(!book.find_by_identity("n1"));
  CHECK(!book.find_by_identity(""));
  const std::vector<std::vector<net::PeerAddress>> bad = {
      {{"", "h", 1, "i"}},
      {{"n", "", 1, "i"}},
      {{"n", "h", 0, "i"}},
      {{"n", "h", 1, ""}},
      {{"n\r\n", "h", 1, "i"}},
      {{"n", "h", 1, "i i"}},
      {{"n", "h", 1, "i"}, {"n", "h", 2, "j"}},
      {{"n", "h", 1, "i"}, {"m", "h", 2, "i"}},
  };
  for (const auto& nodes : bad) {
    const auto replaced = book.replace(nodes);
    REQUIRE(!replaced.ok());
    CHECK(replaced.error().code == ErrorCode::invalid_argument);
  }
  CHECK(book.find("n1"));
  REQUIRE(book.replace({}).ok());
  CHECK(!book.find("n1"));
}

TEST_CASE("request head: framing is written anew, Host stays or is given") {
  struct Row {
    std::string method;
    Headers headers;
    std::string body;
    std::string head;
  };
  const std::vector<Row> rows = {
      {"GET", {{"host", "v"}, {"a", "b"}}, "", "GET /t HTTP/1.1\r\nhost: v\r\na: b\r\n\r\n"},
      {"GET", {}, "", "GET /t HTTP/1.1\r\nhost: peer\r\n\r\n"},
      {"GET", {{"host", ""}}, "", "GET /t HTTP/1.1\r\nhost: peer\r\n\r\n"},
      {"POST", {{"host", "v"}}, "", "POST /t HTTP/1.1\r\nhost: v\r\ncontent-length: 0\r\n\r\n"},
      {"LIST",
       {{"host", "v"}, {"content-length", "9"}, {"transfer-encoding", "chunked"}},
       "abc",
       "LIST /t HTTP/1.1\r\nhost: v\r\ncontent-length: 3\r\n\r\n"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.head);
    const auto request = make_request(row.method, "/t", row.body);
    request->headers = row.headers;
    SecretBytes out(std::string_view("what was there"));
    net::render_head(*request, "peer", out);
    CHECK(out.expose_text() == row.head);
  }
}

}  // namespace coffer::test
