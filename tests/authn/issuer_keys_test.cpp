// Keys of a real HTTPS issuer: found, shared, rotated, kept through an outage, refused when it
// misbehaves. Time is moved by hand; nothing here waits for time to pass but the time-out case.
#include <doctest/doctest.h>

#include <future>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "net/authn/issuer_keys.h"
#include "net/authn/token_verifier.h"
#include "tests/authn/issuer_server.h"
#include "tests/authn/token_forge.h"
#include "tests/support/manual_clock.h"

namespace {

using namespace coffer;
using namespace coffer::authn;
using namespace coffer::test;
using coffer::testing::ManualClock;
using namespace std::chrono_literals;

std::string json_text(const std::string& text) {
  SecretBytes out;
  json::write_string(text, out);
  return std::string(out.expose_text());
}

// `"keys":` for IssuerServer::set, of keys named after their place: k0, k1, ...
std::string keys_member(const std::vector<std::pair<ForgeKey, std::string>>& keys) {
  std::string list;
  for (const auto& [key, kid] : keys) {
    if (!list.empty()) list += ",";
    list += public_jwk(key, kid.empty() ? "" : fmt::format(R"("kid":"{}")", kid));
  }
  return R"("keys":)" + json_text(R"({"keys":[)" + list + "]}");
}

std::string token_of(ForgeKey key, const std::string& kid) {
  const std::string header =
      kid.empty() ? R"({"alg":"RS256"})" : fmt::format(R"({{"alg":"RS256","kid":"{}"}})", kid);
  return forge(key, Algorithm::rs256, header, R"({"sub":"app","exp":4000000000})");
}

struct World {
  explicit World(const IssuerLimits& limits = {}, const FetchLimits& fetch_limits = {})
      : issuers(clock, limits, fetch_limits) {
    server.set(keys_member({{ForgeKey::rsa, "one"}}));
  }

  [[nodiscard]] IssuerAddress jwks() const {
    return {IssuerAddress::Kind::jwks, server.address() + "/keys", server.authority_pem()};
  }
  [[nodiscard]] IssuerAddress discovery() const {
    return {IssuerAddress::Kind::discovery, server.address(), server.authority_pem()};
  }

  Result<KeySetPtr> find(const IssuerAddress& issuer) {
    std::promise<Result<KeySetPtr>> found;
    issuers.find(issuer, [&](Result<KeySetPtr> keys) { found.set_value(std::move(keys)); });
    return found.get_future().get();
  }
  // "2 keys", or the error's words.
  std::string outcome(const IssuerAddress& issuer) {
    const auto keys = find(issuer);
    return keys ? fmt::format("{} keys", (*keys)->keys().size())
                : fmt::format("{}: {}", to_string(keys.error().code), keys.error().message);
  }
  std::string verify(const IssuerAddress& issuer, const std::string& token) {
    std::promise<Result<Judged<VerifiedTokenPtr>>> promise;
    VerifyTask task;
    task.mount = "jwt";
    task.source = issuer;
    task.token = std::make_shared<const SecretBytes>(token);
    task.now = clock.now();
    verifier.verify(std::move(task), [&](Result<Judged<VerifiedTokenPtr>> judged) {
      promise.set_value(std::move(judged));
    });
    const auto judged = promise.get_future().get();
    if (!judged) return std::string(to_string(judged.error().code));
    return std::string(*judged ? "ok" : to_string(judged->refusal().fault));
  }

  IssuerServer server;
  ManualClock clock;
  VerifiedTokenCache cache{100, Seconds{60}};
  IssuerKeys issuers;
  TokenVerifier verifier{issuers, cache};
};

}  // namespace

TEST_CASE("keys are fetched once and kept") {
  World world;
  CHECK(world.outcome(world.jwks()) == "1 keys");
  CHECK(world.outcome(world.jwks()) == "1 keys");
  CHECK(world.server.requests("/keys") == 1);
  CHECK(world.outcome(world.discovery()) == "1 keys");
  CHECK(world.server.requests("/.well-known/openid-configuration") == 1);
  CHECK(world.server.requests("/keys") == 2);
  CHECK(world.issuers.counts().issuers == 2);
}

TEST_CASE("everyone who waits shares one fetch") {
  World world;
  world.server.set(R"("hold":true)");
  constexpr int kCallers = 50;
  std::vector<std::promise<bool>> found(kCallers);
  for (auto& promise : found)
    world.issuers.find(world.jwks(), [&](const auto& keys) { promise.set_value(keys.ok()); });
  world.server.await_requests("/keys", 1);
  world.server.set(R"("hold":false)");
  for (auto& promise : found) CHECK(promise.get_future().get());
  CHECK(world.server.requests("/keys") == 1);
}

TEST_CASE("a key that the issuer rotated in is found by its first token") {
  World world;
  for (const auto& issuer : {world.jwks(), world.discovery()}) {
    world.server.set(keys_member({{ForgeKey::rsa, "one"}}));
    CHECK(world.verify(issuer, token_of(ForgeKey::rsa, "one")) == "ok");
    CHECK(world.verify(issuer, token_of(ForgeKey::rsa_other, "two")) == "unknown_key");
    world.server.set(keys_member({{ForgeKey::rsa_other, "two"}}));
    world.clock.advance(5s);
    CHECK(world.verify(issuer, token_of(ForgeKey::rsa_other, "two")) == "ok");
    // The removed one is gone, but for what the cache holds of it for a minute.
    CHECK(world.verify(issuer, token_of(ForgeKey::rsa, "one")) == "ok");
    world.clock.advance(60s);
    CHECK(world.verify(issuer, token_of(ForgeKey::rsa, "one")) == "unknown_key");
  }
}

TEST_CASE("keys without names rotate as well") {
  World world;
  world.server.set(keys_member({{ForgeKey::rsa, ""}}));
  CHECK(world.verify(world.jwks(), token_of(ForgeKey::rsa, "")) == "ok");
  world.server.set(keys_member({{ForgeKey::rsa_other, ""}}));
  world.clock.advance(5s);
  CHECK(world.verify(world.jwks(), token_of(ForgeKey::rsa_other, "")) == "ok");
}

TEST_CASE("unknown key ids cannot flood the issuer, and malformed tokens do not reach it") {
  World world;
  CHECK(world.verify(world.jwks(), "no.to.ken") == "malformed_token");
  CHECK(world.verify(world.jwks(), token_of(ForgeKey::rsa, "one").substr(1)) != "ok");
  CHECK(world.server.requests("/keys") == 0);
  CHECK(world.verify(world.jwks(), token_of(ForgeKey::rsa, "one")) == "ok");
  for (int i = 0; i < 100; ++i) {
    const std::string kid = "made-up-" + std::to_string(i);
    CHECK(world.verify(world.jwks(), token_of(ForgeKey::rsa_other, kid)) == "unknown_key");
  }
  CHECK(world.server.requests("/keys") == 1);
  world.clock.advance(5s);
  for (int i = 0; i < 100; ++i)
    CHECK(world.verify(world.jwks(), token_of(ForgeKey::rsa_other, "x")) == "unknown_key");
  CHECK(world.server.requests("/keys") == 2);
  // A bad signature under a known name is no reason to ask.
  world.clock.advance(5s);
  CHECK(world.verify(world.jwks(), token_of(ForgeKey::rsa_other, "one")) == "bad_signature");
  CHECK(world.server.requests("/keys") == 2);
}

TEST_CASE("old keys are used while newer ones are fetched") {
  World world;
  CHECK(world.outcome(world.jwks()) == "1 keys");
  world.server.set(keys_member({{ForgeKey::rsa, "one"}, {ForgeKey::rsa_other, "two"}}));
  world.clock.advance(300s);
  CHECK(world.outcome(world.jwks()) == "1 keys");  // answered at once
  world.server.await_requests("/keys", 2);
  // The fetch that is under way, or its keys.
  std::promise<std::size_t> count;
  const auto old = world.find(world.jwks());
  world.issuers.find_newer(world.jwks(), (*old)->keys().size() == 1 ? *old : nullptr,
                           [&](const auto& keys) { count.set_value((*keys)->keys().size()); });
  CHECK(count.get_future().get() == 2);
  CHECK(world.server.requests("/keys") == 2);
}

TEST_CASE("an outage keeps the known keys for a day") {
  World world;
  const std::string token = token_of(ForgeKey::rsa, "one");
  CHECK(world.verify(world.jwks(), token) == "ok");
  world.server.stop();
  world.clock.advance(10min);
  CHECK(world.verify(world.jwks(), token) == "ok");
  CHECK(world.verify(world.jwks(), token_of(ForgeKey::rsa_other, "two")) == "unknown_key");
  world.clock.advance(23h);
  CHECK(world.verify(world.jwks(), token) == "ok");
  world.clock.advance(1h);
  CHECK(world.verify(world.jwks(), token) == "unavailable");
}

TEST_CASE("a failed first fetch is not repeated at once") {
  World world;
  world.server.set(R"("status":503)");
  const std::string refused = "unavailable: the issuer answered with status 503";
  CHECK(world.outcome(world.jwks()) == refused);
  CHECK(world.outcome(world.jwks()) == refused);
  CHECK(world.server.requests("/keys") == 1);
  world.server.set(R"("status":200)");
  world.clock.advance(5s);
  CHECK(world.outcome(world.jwks()) == "1 keys");
}

TEST_CASE("an issuer that misbehaves gives no keys") {
  World world;
  struct Row {
    const char* name;
    std::string state;
    bool by_discovery;
    const char* expected;
  };
  const std::string redirect = R"("status":302,"location":")" + world.server.address() + "/keys\"";
  const std::vector<Row> rows = {
      {"redirect", redirect, false, "unavailable: the issuer answered with a redirect"},
      {"redirect of the metadata", redirect, true,
       "unavailable: the issuer answered with a redirect"},
      {"not found", R"("status":404)", false, "unavailable: the issuer answered with status 404"},
      {"oversize", R"("padding":300000)", false, "too_large: the issuer's answer is too large"},
      {"oversize, size not told", R"("padding":300000,"chunked":true)", false,
       "too_large: the issuer's answer is too large"},
      {"oversize metadata", R"("padding":70000)", true,
       "too_large: the issuer's metadata is too large"},
      {"no JSON", R"("keys":"<html>")", false, "invalid_argument: malformed JSON"},
      {"no usable key", R"("keys":"{\"keys\":[]}")", false,
       "invalid_argument: the issuer's key set has no usable key"},
      {"another issuer", R"("issuer":"https://elsewhere")", true,
       "invalid_argument: the issuer's metadata names another issuer"},
      {"the issuer with a slash", R"("issuer":")" + world.server.address() + "/\"", true,
       "invalid_argument: the issuer's metadata names another issuer"},
      {"keys over http", R"("jwks_uri":"http://localhost/keys")", true,
       "invalid_argument: the issuer's metadata has an address without https"},
      {"keys of a file", R"("jwks_uri":"file:///etc/passwd")", true,
       "invalid_argument: the issuer's metadata has an address without https"},
  };
  const std::string normal = keys_member({{ForgeKey::rsa, "one"}}) +
                             R"(,"status":200,"location":"","padding":0,"chunked":false,)"
                             R"("issuer":"","jwks_uri":"")";
  for (const Row& row : rows) {
    CAPTURE(row.name);
    world.server.set(normal);
    world.server.set(row.state);
    world.clock.advance(25h);
    CHECK(world.outcome(row.by_discovery ? world.discovery() : world.jwks()) == row.expected);
  }
  world.server.set(normal);
  world.clock.advance(25h);
  CHECK(world.outcome(world.discovery()) == "1 keys");
}

TEST_CASE("only the configured authority is trusted, and only https is spoken") {
  World world;
  const TestCertificate other;
  IssuerAddress issuer = world.jwks();
  issuer.authority_pem.clear();
  CHECK(world.outcome(issuer).starts_with("unavailable: no answer from the issuer: "));
  issuer.authority_pem = "no certificate";
  CHECK(world.outcome(issuer) == "invalid_argument: the issuer's CA certificates cannot be read");
  issuer = world.jwks();
  issuer.url.replace(0, 5, "http");
  CHECK(world.outcome(issuer) == "invalid_argument: the issuer's URL must be an https URL");
  issuer.url = "file:///etc/passwd";
  CHECK(world.outcome(issuer) == "invalid_argument: the issuer's URL must be an https URL");
  // The name in the certificate counts: it has localhost and 127.0.0.1 but not 127.0.0.2.
  issuer = world.jwks();
  issuer.url.replace(8, 9, "127.0.0.2");
  CHECK(world.outcome(issuer).starts_with("unavailable: "));
  CHECK(world.server.requests("/keys") == 0);
}

TEST_CASE("a silent issuer is given up, and holds up no other") {
  FetchLimits quick;
  quick.timeout_ms = 700;
  World world({}, quick);
  IssuerServer healthy;
  healthy.set(keys_member({{ForgeKey::rsa, "one"}}));
  world.server.set(R"("hold":true)");
  std::promise<std::string> silent;
  world.issuers.find(world.jwks(), [&](const auto& keys) {
    silent.set_value(keys ? "keys" : keys.error().message);
  });
  world.server.await_requests("/keys", 1);
  CHECK(world.outcome({IssuerAddress::Kind::jwks, healthy.address() + "/keys",
                       healthy.authority_pem()}) == "1 keys");
  CHECK(silent.get_future().get().starts_with("no answer from the issuer: Timeout"));
}

TEST_CASE("issuers and waiters are bounded") {
  IssuerLimits limits;
  limits.issuers_max = 2;
  limits.waiters_max = 1;
  World world(limits);
  const auto numbered = [&](int number) {
    IssuerAddress issuer = world.jwks();
    issuer.url += "?" + std::to_string(number);
    return issuer;
  };
  for (int i = 0; i < 4; ++i) CHECK(world.outcome(numbered(i)) == "1 keys");
  CHECK(world.issuers.counts().issuers == 2);
  CHECK(world.outcome(numbered(3)) == "1 keys");
  CHECK(world.issuers.counts().fetches == 4);

  world.server.set(R"("hold":true)");
  std::vector<std::promise<void>> done(2);
  for (int i = 0; i < 2; ++i)
    world.issuers.find(numbered(10 + i), [&, i](const auto&) { done[i].set_value(); });
  CHECK(world.outcome(numbered(10)) == "overloaded: too many requests wait for this token issuer");
  CHECK(world.outcome(numbered(12)) == "overloaded: too many token issuers are in use");
  world.server.set(R"("hold":false)");
  for (auto& promise : done) promise.get_future().get();
}

TEST_CASE("stopping answers whoever still waits") {
  std::string answer;
  {
    World world;
    world.server.set(R"("hold":true)");
    world.issuers.find(world.discovery(),
                       [&](const auto& keys) { answer = keys ? "keys" : keys.error().message; });
    world.server.await_requests("/.well-known/openid-configuration", 1);
  }
  CHECK(answer == "the service is stopping");
}

TEST_CASE("the metadata of an issuer, for browser logins") {
  World world;
  std::promise<Result<ProviderMetadata>> found;
  world.issuers.find_metadata(world.discovery(), [&](Result<ProviderMetadata> metadata) {
    found.set_value(std::move(metadata));
  });
  const auto metadata = found.get_future().get();
  REQUIRE(metadata.ok());
  CHECK(metadata->issuer == world.server.address());
  CHECK(metadata->authorization_endpoint == world.server.address() + "/authorize");
  CHECK(metadata->token_endpoint == world.server.address() + "/token");
}
