// Templates in policy paths: which values they take and what they never become.
#include <doctest/doctest.h>

#include "events/policy/policy_evaluator.h"

namespace coffer::policy {
namespace {

TemplateSubject subject() {
  TemplateSubject s;
  s.id = "e-1";
  s.name = "alice";
  s.metadata = {{"team", "shop"}, {"star", "a*"}, {"plus", "a+b"}, {"slash", "a/b"}, {"empty", ""}};
  s.aliases["auth_approle_1"] = {"a-1", "ci", {{"role", "r"}}, {{"zone", "z"}}};
  s.groups = {{"g-1", "staff", {{"floor", "2"}}}, {"g-2", "a.b", {}}};
  return s;
}

TEST_CASE("each selector gives its value; what is missing or would widen the path gives none") {
  struct Row {
    const char* selector;
    const char* value;  // null: none
  };
  const Row rows[] = {
      {"identity.entity.id", "e-1"},
      {" identity.entity.name ", "alice"},
      {"identity.entity.metadata.team", "shop"},
      {"identity.entity.metadata.none", nullptr},
      {"identity.entity.metadata.empty", nullptr},
      {"identity.entity.metadata.star", nullptr},
      {"identity.entity.metadata.plus", nullptr},
      {"identity.entity.metadata.slash", nullptr},
      {"identity.entity.aliases.auth_approle_1.id", "a-1"},
      {"identity.entity.aliases.auth_approle_1.name", "ci"},
      {"identity.entity.aliases.auth_approle_1.metadata.role", "r"},
      {"identity.entity.aliases.auth_approle_1.custom_metadata.zone", "z"},
      {"identity.entity.aliases.other.name", nullptr},
      {"identity.entity.aliases.auth_approle_1", nullptr},
      {"identity.groups.ids.g-1.name", "staff"},
      {"identity.groups.ids.g-1.metadata.floor", "2"},
      {"identity.groups.names.staff.id", "g-1"},
      {"identity.groups.names.a.b.id", "g-2"},
      {"identity.groups.names.other.id", nullptr},
      {"identity.none", nullptr},
      {"other.entity.id", nullptr},
      {"", nullptr},
  };
  for (const auto& row : rows) {
    INFO(row.selector);
    const auto parsed = PathTemplate::parse(std::string("secret/{{") + row.selector + "}}/data/*");
    REQUIRE(parsed.ok());
    REQUIRE(parsed->has_value());
    CHECK((*parsed)->head() == "secret/");
    const auto filled = (*parsed)->fill(subject());
    CHECK(filled.has_value() == (row.value != nullptr));
    if (filled && row.value != nullptr)
      CHECK(*filled == std::string("secret/") + row.value + "/data/*");
  }
  CHECK_FALSE(PathTemplate::parse("secret/data/*")->has_value());
}

TEST_CASE("braces that do not pair are refused") {
  for (const char* pattern : {"a/{{", "a/}}", "a/}}{{", "{{a{{b}}", "{{a}}/}}", "{{a}}/{{b"})
    CHECK_FALSE(PathTemplate::parse(pattern).ok());
}

TEST_CASE("rules with templates count for the subject they are filled in for") {
  const auto document = parse_policy(R"hcl(
path "secret/data/{{identity.entity.name}}/*" { capabilities = ["read"] }
path "secret/data/alice/no" { capabilities = ["deny"] }
path "kv/{{identity.entity.metadata.none}}*" { capabilities = ["read"] }
path "same/alice" { capabilities = ["read"] }
path "same/{{identity.entity.name}}" { capabilities = ["list"] }
path "deny/{{identity.entity.name}}" { capabilities = ["deny", "read"] }
path "deny/*" { capabilities = ["read"] }
)hcl");
  REQUIRE(document.ok());
  const PolicyDocument* documents[] = {&*document};
  const auto own = subject();
  const auto list = AccessList::build(documents, &own);
  const auto nobody = AccessList::build(documents);
  const auto allowed = [](const auto& access, std::string_view path) {
    return access->decide({.operation = Operation::read, .path = path}).allowed;
  };
  CHECK(allowed(list, "secret/data/alice/db"));
  CHECK_FALSE(allowed(list, "secret/data/alice/no"));
  CHECK_FALSE(allowed(list, "secret/data/bob/db"));
  CHECK_FALSE(allowed(nobody, "secret/data/alice/db"));
  CHECK_FALSE(allowed(list, "kv/x"));
  CHECK_FALSE(allowed(list, "kv/"));
  CHECK(list->capabilities("same/alice") == (kRead | kList));
  CHECK_FALSE(allowed(list, "deny/alice"));
  CHECK(allowed(list, "deny/bob"));
  CHECK(allowed(nobody, "deny/alice"));
}

}  // namespace
}  // namespace coffer::policy
