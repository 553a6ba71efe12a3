// Identities in a whole vault: what an entity and its groups may is what the next request may.
#include "actors/identity_rows.h"
#include "tests/actors/vault_client.h"

namespace coffer::testing {
namespace {

using policy::Operation;
constexpr const char* kMount = "auth_token_1";

class IdentityClient : public VaultClient {
 public:
  IdentityClient() {
    for (const auto& [name, text] :
         {std::pair{"reader", R"(path "secret/data/*" { capabilities = ["read"] })"},
          std::pair{"own",
                    R"(path "secret/data/{{identity.entity.name}}" { capabilities = ["read"] })"},
          std::pair{"grouped", R"(path "secret/data/{{identity.groups.names.staff.metadata.at}}" {
                                   capabilities = ["read"] })"}})
      write_policy(name, text);
    tenant::WriteTokenRole role;
    role.name = "people";
    role.allowed_entity_aliases = {"*"};
    auto changed = make_answer<api::Changed>();
    world.vault().change_tenant(admit("auth/token/roles/people", Operation::update),
                                tenant::Command{role}, 204, keep(changed));
    world.settle();
    REQUIRE((*changed)->ok());
  }
  void write_policy(const std::string& name, const std::string& text) {
    auto changed = make_answer<api::Changed>();
    world.vault().change_policies(admit("sys/policies/acl/" + name, Operation::update),
                                  policy::WritePolicy{name, text}, 204, keep(changed));
    world.settle();
    REQUIRE((*changed)->ok());
  }
  Result<identity::Decision> change(identity::Command command, std::string space = "") {
    auto answer = make_answer<api::IdentityChanged>();
    world.vault().change_identity(admit("identity/x", Operation::update, std::move(space)),
                                  std::move(command), 200, 204, keep(answer));
    world.settle();
    REQUIRE(answer->has_value());
    if (!(*answer)->ok()) return (*answer)->error();
    return (**answer)->decision;
  }
  identity::Decision must(identity::Command command) {
    auto decision = change(std::move(command));
    REQUIRE(decision.ok());
    return *decision;
  }
  Result<api::TokenIssued> token_of(const std::string& alias, const std::string& role = "people") {
    token::TokenRequest request;
    request.policies = {"default"};
    request.role = role;
    request.no_parent = true;
    request.entity_alias = alias;
    request.entity_alias_mount = kMount;
    auto issued = make_answer<api::TokenIssued>();
    world.vault().create_token(admit("auth/token/create/" + role, Operation::update), request, {},
                               200, keep(issued));
    world.settle();
    return std::move(**issued);
  }
  api::AdmissionPtr admit_as(const SecretBytes& token, const std::string& path) {
    api::RequestHead head;
    head.request_id = "x";
    head.token = token.clone();
    head.operation = Operation::read;
    head.path = path;
    head.remote_address = "192.0.2.2";
    api::AdmissionPtr admission;
    world.vault().admit(std::move(head), [&](api::AdmissionPtr got) { admission = got; });
    if (!admission) world.settle();
    REQUIRE(admission != nullptr);
    return admission;
  }
  bool may(const SecretBytes& token, const std::string& path) {
    return !admit_as(token, path)->refusal.has_value();
  }
  identity::WriteEntity of(const identity::EntityId& id) {
    identity::WriteEntity write;
    write.id = id;
    return write;
  }
};

TEST_CASE("policies of an entity and of its groups hold for the next request, and no longer") {
  IdentityClient c;
  auto issued = c.token_of("Alice");
  REQUIRE(issued.ok());
  const auto id = issued->state.entity;
  REQUIRE_FALSE(id.is_zero());
  const auto& token = issued->token;
  CHECK_FALSE(c.may(token, "secret/data/a"));
  auto write = c.of(id);
  write.policies = std::vector<std::string>{"reader"};
  c.must(write);
  CHECK(c.may(token, "secret/data/a"));
  CHECK(c.admit_as(token, "secret/data/a")->identity_policies ==
        std::vector<std::string>{"reader"});
  write.policies = std::vector<std::string>{};
  c.must(write);
  CHECK_FALSE(c.may(token, "secret/data/a"));

  identity::WriteGroup inner;
  inner.name = "inner";
  inner.member_entities = {id};
  const auto inner_id = c.must(inner).group;
  identity::WriteGroup outer;
  outer.name = "outer";
  outer.policies = std::vector<std::string>{"reader"};
  outer.member_groups = {inner_id};
  const auto outer_id = c.must(outer).group;
  CHECK(c.may(token, "secret/data/a"));
  outer.id = outer_id;
  outer.member_groups = std::vector<identity::GroupId>{};
  c.must(outer);
  CHECK_FALSE(c.may(token, "secret/data/a"));
  outer.member_groups = {inner_id};
  c.must(outer);
  CHECK(c.may(token, "secret/data/a"));
  inner.id = inner_id;
  inner.member_entities = std::vector<identity::EntityId>{};
  c.must(inner);
  CHECK_FALSE(c.may(token, "secret/data/a"));
  inner.member_entities = {id};
  c.must(inner);
  c.must(identity::RemoveGroup{outer_id});
  CHECK_FALSE(c.may(token, "secret/data/a"));
}

TEST_CASE(
    "a token of a disabled or deleted entity is refused at once, that of a merged one lives") {
  IdentityClient c;
  auto alice = c.token_of("alice");
  auto bob = c.token_of("bob");
  REQUIRE((alice.ok() && bob.ok()));
  const auto id = alice->state.entity;
  auto write = c.of(id);
  write.policies = std::vector<std::string>{"reader"};
  c.must(write);
  REQUIRE(c.may(alice->token, "secret/data/a"));
  write.disabled = true;
  c.must(write);
  CHECK_FALSE(c.may(alice->token, "auth/token/lookup-self"));
  CHECK(c.token_of("alice").error().code == ErrorCode::permission_denied);
  write.disabled = false;
  c.must(write);
  CHECK(c.may(alice->token, "auth/token/lookup-self"));
  CHECK_FALSE(c.may(bob->token, "secret/data/a"));
  c.must(identity::MergeEntities{{bob->state.entity}, id, true, {}});
  CHECK(c.may(bob->token, "secret/data/a"));
  c.must(identity::RemoveEntity{id});
  CHECK_FALSE(c.may(alice->token, "auth/token/lookup-self"));
  CHECK_FALSE(c.may(bob->token, "auth/token/lookup-self"));
  // The same name is somebody else now.
  auto again = c.token_of("alice");
  REQUIRE(again.ok());
  CHECK(again->state.entity != id);
}

TEST_CASE("templates take the values of the moment") {
  IdentityClient c;
  auto issued = c.token_of("alice");
  const auto id = issued->state.entity;
  auto write = c.of(id);
  write.name = "alice";
  write.policies = std::vector<std::string>{"own", "grouped"};
  c.must(write);
  const auto& token = issued->token;
  CHECK(c.may(token, "secret/data/alice"));
  CHECK_FALSE(c.may(token, "secret/data/bob"));
  write.name = "bob";
  c.must(write);
  CHECK_FALSE(c.may(token, "secret/data/alice"));
  CHECK(c.may(token, "secret/data/bob"));
  write.name = "b*";
  c.must(write);
  CHECK_FALSE(c.may(token, "secret/data/b"));
  CHECK_FALSE(c.may(token, "secret/data/b*"));
  identity::WriteGroup staff;
  staff.name = "staff";
  staff.metadata = identity::TextMap{{"at", "desk"}};
  staff.member_entities = {id};
  c.must(staff);
  CHECK(c.may(token, "secret/data/desk"));
  CHECK(c.may(token, "identity/entity/id/" + id.to_string()));
  CHECK_FALSE(c.may(token, "identity/entity/id/" + identity::EntityId{}.to_string()));
}

TEST_CASE("the store outlives the process, and tenants do not see each other's") {
  IdentityClient c;
  auto issued = c.token_of("alice");
  auto write = c.of(issued->state.entity);
  write.name = "alice";
  write.policies = std::vector<std::string>{"reader"};
  c.must(write);
  c.create_namespace("shop");
  identity::WriteEntity other;
  other.name = "alice";
  const auto there = c.change(other, "shop/");
  REQUIRE(there.ok());
  CHECK(there->created);
  const auto lookup = [&](const std::string& space) {
    std::optional<identity::EntityId> id;
    c.world.vault().find_entity(c.admit("identity/entity/name/ALICE", Operation::read, space),
                                {api::IdentityQuery::By::name, "ALICE"}, [&](auto found) {
                                  REQUIRE(found.ok());
                                  if (*found) id = (*found)->entity.id;
                                });
    return id;
  };
  CHECK(lookup("") == issued->state.entity);
  CHECK(lookup("shop/") == there->entity);
  c.world.restart(log::LastBatch::kept);
  REQUIRE(c.world.unseal().ok());
  CHECK(lookup("") == issued->state.entity);
  CHECK(c.may(issued->token, "secret/data/a"));
}

TEST_CASE("an alias at token creation needs a role that allows it") {
  IdentityClient c;
  tenant::WriteTokenRole role;
  role.name = "few";
  role.allowed_entity_aliases = {"ci-*"};
  auto changed = VaultClient::make_answer<api::Changed>();
  c.world.vault().change_tenant(c.admit("auth/token/roles/few", Operation::update),
                                tenant::Command{role}, 204, VaultClient::keep(changed));
  c.world.settle();
  CHECK(c.token_of("alice", "few").error().message == "invalid 'entity_alias' value");
  auto first = c.token_of("CI-1", "few");
  auto second = c.token_of("ci-1", "few");
  REQUIRE((first.ok() && second.ok()));
  CHECK(first->state.entity == second->state.entity);
}

// Views are loaded by requests that are under way while the change becomes durable; none of those
// loads may outlive it.
TEST_CASE("a request that begins when a change is answered sees it, whatever is under way") {
  IdentityClient c;
  auto issued = c.token_of("alice");
  const auto id = issued->state.entity;
  const auto begin = [&](std::function<void(bool)> seen) {
    api::RequestHead head;
    head.request_id = "x";
    head.token = issued->token.clone();
    head.operation = Operation::read;
    head.path = "secret/data/a";
    head.remote_address = "192.0.2.2";
    c.world.vault().admit(std::move(head), [seen](const api::AdmissionPtr& admission) {
      seen(!admission->refusal.has_value());
    });
  };
  int wrong = 0;
  int answered = 0;
  for (int round = 0; round < 200; ++round) {
    const bool allowed = round % 2 == 0;
    auto write = c.of(id);
    write.policies = allowed ? std::vector<std::string>{"reader"} : std::vector<std::string>{};
    c.world.vault().change_identity(c.admit("identity/x", Operation::update), write, 200, 204,
                                    [&, allowed](Result<api::IdentityChanged> changed) {
                                      REQUIRE(changed.ok());
                                      begin([&, allowed](bool may) {
                                        ++answered;
                                        wrong += may != allowed ? 1 : 0;
                                      });
                                    });
    for (int i = 0; i < round % 7; ++i) {
      begin([](bool) {});
      c.world.step();
    }
    c.world.settle();
  }
  CHECK(answered == 200);
  CHECK(wrong == 0);
}

TEST_CASE("changes that come at once are decided one after the other") {
  IdentityClient c;
  std::vector<Answer<api::IdentityChanged>> answers;
  for (int i = 0; i < 20; ++i) {
    identity::WriteEntity write;
    write.name = "same";
    write.metadata = identity::TextMap{{"n", std::to_string(i)}};
    answers.push_back(VaultClient::make_answer<api::IdentityChanged>());
    c.world.vault().change_identity(c.admit("identity/entity", Operation::update), write, 200, 204,
                                    VaultClient::keep(answers.back()));
  }
  c.world.settle();
  int created = 0;
  for (const auto& answer : answers) created += (**answer)->decision.created ? 1 : 0;
  CHECK(created == 1);
}

}  // namespace
}  // namespace coffer::testing
