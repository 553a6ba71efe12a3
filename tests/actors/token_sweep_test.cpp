// What is left of dead tokens goes, and nothing else does.
#include "events/log/event_log.h"
#include "tests/actors/vault_client.h"

namespace coffer::testing {
namespace {

using std::chrono::seconds;

class TokenClient : public VaultClient {
 public:
  static actors::RuntimeOptions options() {
    actors::RuntimeOptions options;
    options.limits.token_sweep_interval = Seconds{600};
    return options;
  }
  TokenClient() : VaultClient(1, options()) {}

  api::AdmissionPtr admit_as(const std::string& token, std::string path,
                             policy::Operation operation) {
    api::RequestHead head;
    head.request_id = "t" + std::to_string(++requests_);
    head.token = SecretBytes(std::string_view(token));
    head.operation = operation;
    head.path = std::move(path);
    head.remote_address = "192.0.2.1";
    api::AdmissionPtr admission;
    world.vault().admit(std::move(head),
                        [&](api::AdmissionPtr got) { admission = std::move(got); });
    world.settle();
    REQUIRE(admission != nullptr);
    return admission;
  }
  // The text of a new token: a child of `parent`, or of the root token ("").
  std::string create(token::TokenRequest request, const std::string& parent = "",
                     const std::string& text = "") {
    const auto path = "auth/token/create";
    auto admission = parent.empty() ? admit(path, policy::Operation::update)
                                    : admit_as(parent, path, policy::Operation::update);
    REQUIRE_FALSE(admission->refusal);
    auto issued = make_answer<api::TokenIssued>();
    world.vault().create_token(admission, std::move(request), SecretBytes(std::string_view(text)),
                               200, keep(issued));
    world.settle();
    REQUIRE((*issued)->ok());
    return std::string((**issued)->token.expose_text());
  }
  void revoke(const std::string& token, bool children_live_on) {
    auto changed = make_answer<api::Changed>();
    world.vault().revoke_token(admit("auth/token/revoke", policy::Operation::update),
                               {SecretBytes(std::string_view(token)), "", false}, children_live_on,
                               204, keep(changed));
    world.settle();
    REQUIRE((*changed)->ok());
  }
  bool works(const std::string& token) {
    return !admit_as(token, "sys/mounts", policy::Operation::read)->refusal;
  }
  // As time goes by: until a whole round has begun and ended behind it.
  void sweep_after(seconds span) {
    world.advance(span);
    world.vault().tick();
    world.settle();
  }
  std::size_t rows() { return world.log().scan(log::Family::tokens, {}, {}, 100)->size(); }

 private:
  unsigned requests_ = 0;
};

token::TokenRequest request(std::int64_t ttl, std::uint64_t uses = 0) {
  token::TokenRequest out;
  out.ttl = Seconds{ttl};
  out.num_uses = uses;
  return out;
}

}  // namespace

TEST_CASE("token sweep: expired, revoked and used up tokens go, live ones stay") {
  TokenClient client;
  const auto before = client.rows();  // the root token
  const auto lives = client.create(request(100'000));
  client.create(request(10));  // expires
  const auto revoked = client.create(request(100'000));
  client.revoke(revoked, false);
  const auto used_up = client.create(request(100'000, 1));
  CHECK(client.works(used_up));
  CHECK(client.rows() == before + 4);
  client.sweep_after(seconds(20));
  // The expired one is within its grace.
  CHECK(client.rows() == before + 2);
  client.sweep_after(seconds(601));
  CHECK(client.rows() == before + 1);
  CHECK(client.works(lives));
  for (const auto& token : {revoked, used_up}) CHECK_FALSE(client.works(token));
  // Nothing of a removal is lost by a restart, and a round without work writes nothing.
  const auto end = client.world.log().events_end(0);
  client.sweep_after(seconds(601));
  CHECK(client.world.log().events_end(0) == end);
}

TEST_CASE("token sweep: who lives below a dead token goes with it") {
  TokenClient client;
  const auto before = client.rows();
  const auto parent = client.create(request(100'000));
  const auto child = client.create(request(90'000), parent);
  const auto grandchild = client.create(request(80'000), child);
  client.revoke(parent, false);
  client.sweep_after(seconds(601));
  client.sweep_after(seconds(601));
  CHECK(client.rows() == before);
  for (const auto& token : {parent, child, grandchild}) CHECK_FALSE(client.works(token));
}

TEST_CASE("token sweep: a token whose children live on stays, and so do they") {
  TokenClient client;
  const auto before = client.rows();
  const auto parent = client.create(request(100'000));
  const auto child = client.create(request(90'000), parent);
  client.revoke(parent, true);
  for (int i = 0; i < 3; ++i) client.sweep_after(seconds(601));
  CHECK(client.rows() == before + 2);
  CHECK(client.works(child));
}

TEST_CASE("token sweep: a chosen id brings no old child back") {
  TokenClient client;
  const auto parent = client.create(request(100'000), "", "chosen-by-a-person");
  const auto child = client.create(request(90'000), parent);
  client.revoke(parent, false);
  for (int i = 0; i < 3; ++i) client.sweep_after(seconds(601));
  auto issued = VaultClient::make_answer<api::TokenIssued>();
  client.world.vault().create_token(
      client.admit("auth/token/create", policy::Operation::update), request(100'000),
      SecretBytes(std::string_view("chosen-by-a-person")), 200, VaultClient::keep(issued));
  client.world.settle();
  CHECK_FALSE((*issued)->ok());
  CHECK_FALSE(client.works(child));
}

TEST_CASE("token sweep: rows of a deleted namespace go without its keys") {
  TokenClient client;
  client.create_namespace("a");
  const auto before = client.rows();
  auto admission = client.admit("auth/token/create", policy::Operation::update, "a/");
  auto issued = VaultClient::make_answer<api::TokenIssued>();
  auto wanted = request(100'000);
  wanted.policies = {"default"};
  wanted.policies_given = true;
  client.world.vault().create_token(admission, wanted, {}, 200, VaultClient::keep(issued));
  client.world.settle();
  REQUIRE((*issued)->ok());
  auto deleted = VaultClient::make_answer<api::Changed>();
  client.world.vault().delete_namespace(client.admit("sys/namespaces/a", policy::Operation::remove),
                                        "a", VaultClient::keep(deleted));
  client.world.settle();
  REQUIRE((*deleted)->ok());
  client.sweep_after(seconds(601));
  CHECK(client.rows() == before);
}

}  // namespace coffer::testing
