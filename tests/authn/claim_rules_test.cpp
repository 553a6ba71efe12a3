// Claims against rules: times, names, bound values, and whom they make the caller.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "hsm/envelope_cipher.h"
#include "net/authn/base64url.h"
#include "net/authn/claim_rules.h"
#include "net/authn/sender_constraint.h"

namespace {

using namespace coffer;
using namespace coffer::authn;

constexpr std::int64_t kNow = 1'700'000'000;

json::Document parse(std::string_view text) {
  auto document = json::Document::parse(text);
  REQUIRE(document.ok());
  return std::move(*document);
}

std::string outcome(std::string_view claims, const ClaimRules& rules, std::int64_t now = kNow) {
  const auto document = parse(claims);
  const auto judged = check_claims(document.root(), rules, Timestamp{now * 1'000'000'000});
  if (judged) return "ok";
  const Refusal& refusal = judged.refusal();
  std::string text(to_string(refusal.fault));
  return refusal.subject.empty() ? text : text + " " + refusal.subject;
}

struct TimeRow {
  const char* claims;
  Leeways leeways;
  std::int64_t now;
  const char* expected;
};

constexpr Leeways kDefault{};
constexpr Leeways kNone{Seconds{-1}, Seconds{-1}, Seconds{-1}};

const std::vector<TimeRow> kTimes = {
    {R"({})", kDefault, 1000, "no_time"},
    {R"({"sub":"a"})", kDefault, 1000, "no_time"},
    // exp, with the default skew of 60 s and with none.
    {R"({"exp":1000})", kDefault, 999, "ok"},
    {R"({"exp":1000})", kDefault, 1060, "ok"},
    {R"({"exp":1000})", kDefault, 1061, "expired"},
    {R"({"exp":1000})", kNone, 1000, "ok"},
    {R"({"exp":1000})", kNone, 1001, "expired"},
    {R"({"exp":1000})", {{}, {}, Seconds{5}}, 1005, "ok"},
    {R"({"exp":1000})", {{}, {}, Seconds{5}}, 1006, "expired"},
    // Without nbf and iat a token starts 150 s before its end, less the skew.
    {R"({"exp":1000})", kDefault, 790, "ok"},
    {R"({"exp":1000})", kDefault, 789, "not_yet_valid"},
    {R"({"exp":1000})", {{}, Seconds{300}, {}}, 640, "ok"},
    {R"({"exp":1000})", {{}, Seconds{300}, {}}, 639, "not_yet_valid"},
    {R"({"exp":1000})", kNone, 999, "not_yet_valid"},
    // nbf.
    {R"({"nbf":1000,"exp":2000})", kDefault, 940, "ok"},
    {R"({"nbf":1000,"exp":2000})", kDefault, 939, "not_yet_valid"},
    {R"({"nbf":1000,"exp":2000})", kNone, 999, "not_yet_valid"},
    // Without exp a token ends 150 s after its start, plus the skew.
    {R"({"nbf":1000})", kDefault, 1210, "ok"},
    {R"({"nbf":1000})", kDefault, 1211, "expired"},
    {R"({"iat":1000})", kDefault, 1210, "ok"},
    {R"({"iat":1000})", kDefault, 1211, "expired"},
    {R"({"iat":900,"nbf":1000})", kDefault, 1210, "ok"},
    {R"({"iat":1000})", {Seconds{10}, {}, {}}, 1070, "ok"},
    {R"({"iat":1000})", {Seconds{10}, {}, {}}, 1071, "expired"},
    // iat stands for nbf, and may not lie ahead even when nbf is past.
    {R"({"iat":1000,"exp":2000})", kDefault, 939, "not_yet_valid"},
    {R"({"iat":1000,"nbf":1,"exp":2000})", kDefault, 940, "ok"},
    {R"({"iat":1000,"nbf":1,"exp":2000})", kDefault, 939, "issued_in_future"},
    // Numbers of all kinds.
    {R"({"exp":1000.9})", kNone, 1001, "expired"},
    {R"({"iat":1000.5,"exp":2000.25})", kNone, 1001, "ok"},
    {R"({"iat":1000.5,"exp":2000.25})", kNone, 1000, "not_yet_valid"},
    {R"({"iat":1,"exp":1e3})", kDefault, 999, "ok"},
    {R"({"iat":1,"exp":1E+3})", kDefault, 1061, "expired"},
    {R"({"iat":1,"exp":253402300799})", kDefault, kNow, "ok"},
    {R"({"iat":1,"exp":9223372036})", kDefault, kNow, "ok"},
    {R"({"iat":1,"exp":9223372037})", kDefault, kNow, "ok"},
    {R"({"exp":253402300800})", kDefault, kNow, "bad_time exp"},
    {R"({"exp":99999999999999999999999999})", kDefault, kNow, "bad_time exp"},
    {R"({"exp":1e400})", kDefault, kNow, "bad_time exp"},
    {R"({"exp":-1})", kDefault, 1, "bad_time exp"},
    {R"({"exp":-1e400})", kDefault, 1, "bad_time exp"},
    {R"({"exp":"1000"})", kDefault, 999, "bad_time exp"},
    {R"({"exp":null})", kDefault, 999, "bad_time exp"},
    {R"({"exp":true})", kDefault, 999, "bad_time exp"},
    {R"({"exp":[1000]})", kDefault, 999, "bad_time exp"},
    {R"({"exp":1000,"nbf":"1"})", kDefault, 999, "bad_time nbf"},
    {R"({"exp":1000,"iat":{}})", kDefault, 999, "bad_time iat"},
    {R"({"exp":0})", kDefault, kNow, "expired"},
    {R"({"exp":0,"iat":1700000000})", kDefault, kNow, "expired"},
    {R"({"nbf":0,"iat":0,"exp":1000})", kDefault, 999, "ok"},
};

struct NameRow {
  const char* claims;
  ClaimRules rules;
  const char* expected;
};

ClaimRules named(std::string issuer, std::vector<std::string> audiences, std::string subject) {
  ClaimRules rules;
  rules.issuer = std::move(issuer);
  rules.audiences = std::move(audiences);
  rules.subject = std::move(subject);
  return rules;
}

// Each row's claims lack only their times.
const std::vector<NameRow> kNames = {
    {R"({})", named("", {}, ""), "ok"},
    {R"({"iss":"https://a/"})", named("https://a/", {}, ""), "ok"},
    {R"({"iss":"https://a"})", named("https://a/", {}, ""), "wrong_issuer"},
    {R"({"iss":"https://A/"})", named("https://a/", {}, ""), "wrong_issuer"},
    {R"({"iss":"https://a/\u0000"})", named("https://a/", {}, ""), "wrong_issuer"},
    {R"({})", named("https://a/", {}, ""), "wrong_issuer"},
    {R"({"iss":["https://a/"]})", named("https://a/", {}, ""), "malformed_claims iss"},
    {R"({"iss":7})", named("", {}, ""), "malformed_claims iss"},
    {R"({"sub":"app"})", named("", {}, "app"), "ok"},
    {R"({"sub":"App"})", named("", {}, "app"), "wrong_subject"},
    {R"({"sub":"app2"})", named("", {}, "app"), "wrong_subject"},
    {R"({})", named("", {}, "app"), "wrong_subject"},
    {R"({"sub":{}})", named("", {}, "app"), "malformed_claims sub"},
    {R"({"aud":"vault"})", named("", {"vault"}, ""), "ok"},
    {R"({"aud":["x","vault"]})", named("", {"vault"}, ""), "ok"},
    {R"({"aud":["x","vault"]})", named("", {"other", "vault"}, ""), "ok"},
    {R"({"aud":"vault2"})", named("", {"vault"}, ""), "wrong_audience"},
    {R"({"aud":"vaul"})", named("", {"vault"}, ""), "wrong_audience"},
    {R"({"aud":"Vault"})", named("", {"vault"}, ""), "wrong_audience"},
    {R"({"aud":"*"})", named("", {"vault"}, ""), "wrong_audience"},
    {R"({"aud":"x vault"})", named("", {"vault"}, ""), "wrong_audience"},
    {R"({"aud":["x","y"]})", named("", {"vault"}, ""), "wrong_audience"},
    {R"({"aud":[]})", named("", {"vault"}, ""), "wrong_audience"},
    {R"({"aud":""})", named("", {"vault"}, ""), "wrong_audience"},
    {R"({})", named("", {"vault"}, ""), "wrong_audience"},
    {R"({"aud":"vault"})", named("", {}, ""), "unbound_audience"},
    {R"({"aud":["vault"]})", named("", {}, ""), "unbound_audience"},
    {R"({"aud":[["vault"]]})", named("", {"vault"}, ""), "malformed_claims aud"},
    {R"({"aud":["vault",1]})", named("", {"vault"}, ""), "malformed_claims aud"},
    {R"({"aud":{"vault":1}})", named("", {"vault"}, ""), "malformed_claims aud"},
    {R"({"aud":null})", named("", {"vault"}, ""), "malformed_claims aud"},
};

ClaimRules bound(std::string name, std::vector<ClaimScalar> values, bool globs = false) {
  ClaimRules rules;
  rules.bound_claims.push_back({std::move(name), std::move(values)});
  rules.globs = globs;
  return rules;
}
ClaimScalar text(std::string value) {
  return {json::Kind::string, std::move(value)};
}
ClaimScalar number(std::string value) {
  return {json::Kind::number, std::move(value)};
}
ClaimScalar flag(std::string value) {
  return {json::Kind::boolean, std::move(value)};
}

const std::vector<NameRow> kBound = {
    {R"({"team":"red"})", bound("team", {text("red")}), "ok"},
    {R"({"team":"red"})", bound("team", {text("blue"), text("red")}), "ok"},
    {R"({"team":["x","red"]})", bound("team", {text("blue"), text("red")}), "ok"},
    {R"({"team":"red2"})", bound("team", {text("red")}), "claim_mismatch team"},
    {R"({"team":"Red"})", bound("team", {text("red")}), "claim_mismatch team"},
    {R"({"team":[]})", bound("team", {text("red")}), "claim_mismatch team"},
    {R"({"team":["x",["red"]]})", bound("team", {text("red")}), "claim_mismatch team"},
    {R"({"team":"red"})", bound("team", {}), "claim_mismatch team"},
    {R"({"team":{"red":1}})", bound("team", {text("red")}), "claim_type team"},
    {R"({"team":null})", bound("team", {text("red")}), "claim_missing team"},
    {R"({})", bound("team", {text("red")}), "claim_missing team"},
    {R"({"team":"red*"})", bound("team", {text("red*")}), "ok"},
    {R"({"team":"redder"})", bound("team", {text("red*")}), "claim_mismatch team"},
    {R"({"team":"redder"})", bound("team", {text("red*")}, true), "ok"},
    {R"({"team":["x","redder"]})", bound("team", {text("*dd*")}, true), "ok"},
    {R"({"team":"bred"})", bound("team", {text("red*")}, true), "claim_mismatch team"},
    {R"({"admin":true})", bound("admin", {flag("true")}), "ok"},
    {R"({"admin":"true"})", bound("admin", {flag("true")}), "claim_mismatch admin"},
    {R"({"admin":true})", bound("admin", {text("true")}), "claim_mismatch admin"},
    {R"({"admin":true})", bound("admin", {text("*")}, true), "claim_mismatch admin"},
    {R"({"admin":false})", bound("admin", {flag("true")}), "claim_mismatch admin"},
    {R"({"uid":7})", bound("uid", {number("7")}), "ok"},
    {R"({"uid":7.0})", bound("uid", {number("7")}), "ok"},
    {R"({"uid":"7"})", bound("uid", {number("7")}), "claim_mismatch uid"},
    {R"({"uid":9007199254740993})", bound("uid", {number("9007199254740993")}), "ok"},
    {R"({"uid":9007199254740993})", bound("uid", {number("9007199254740992")}),
     "claim_mismatch uid"},
    {R"({"a":{"b":["x","y"]}})", bound("/a/b", {text("y")}), "ok"},
    {R"({"a":{"b":["x","y"]}})", bound("/a/b/0", {text("x")}), "ok"},
    {R"({"a":{"b":["x","y"]}})", bound("/a/b/00", {text("x")}), "claim_missing /a/b/00"},
    {R"({"a":{"b":["x","y"]}})", bound("/a/b/2", {text("x")}), "claim_missing /a/b/2"},
    {R"({"a":{"b":["x","y"]}})", bound("/a/b/-", {text("x")}), "claim_missing /a/b/-"},
    {R"({"a/b":{"~":"x"}})", bound("/a~1b/~0", {text("x")}), "ok"},
    {R"({"a/b":"x"})", bound("/a~2b", {text("x")}), "claim_missing /a~2b"},
    {R"({"":"x"})", bound("/", {text("x")}), "ok"},
    {R"({"a/b":"x"})", bound("a/b", {text("x")}), "ok"},
    {R"({"a":"x"})", bound("/a/b", {text("x")}), "claim_missing /a/b"},
};

std::string with_times(std::string_view claims) {
  std::string text(claims);
  text.insert(1, claims == "{}" ? R"("iat":1700000000)" : R"("iat":1700000000,)");
  return text;
}

}  // namespace

TEST_CASE("time claims and leeways as Vault's JWT method has them") {
  for (const TimeRow& row : kTimes) {
    CAPTURE(row.claims);
    CAPTURE(row.now);
    ClaimRules rules;
    rules.leeways = row.leeways;
    CHECK(outcome(row.claims, rules, row.now) == row.expected);
  }
}

TEST_CASE("the end of a token is the instant after which it is refused") {
  const auto end = [](std::string_view claims) {
    const auto document = parse(claims);
    const auto found = end_of_token(document.root(), {});
    return found ? found->seconds() : -1;
  };
  CHECK(end(R"({"exp":1000})") == 1060);
  CHECK(end(R"({"iat":1000})") == 1210);
  CHECK(end(R"({})") == -1);
  CHECK(end(R"({"exp":253402300799})") == 9'223'372'036);
}

TEST_CASE("issuer, subject and audience are exact") {
  for (const NameRow& row : kNames) {
    CAPTURE(row.claims);
    CHECK(outcome(with_times(row.claims), row.rules) == row.expected);
  }
}

TEST_CASE("bound claims") {
  for (const NameRow& row : kBound) {
    CAPTURE(row.claims);
    CHECK(outcome(with_times(row.claims), row.rules) == row.expected);
  }
}

TEST_CASE("globs") {
  struct GlobRow {
    const char* pattern;
    const char* text;
    bool matches;
  };
  const std::vector<GlobRow> rows = {
      {"", "", true},           {"", "a", false},          {"*", "", true},
      {"*", "abc", true},       {"a", "a", true},          {"a*", "a", true},
      {"a*", "ab", true},       {"*a", "ba", true},        {"*a", "ab", false},
      {"a*c", "abbc", true},    {"a*c", "abcb", false},    {"a*b*c", "aXbYc", true},
      {"a*b*c", "acb", false},  {"**", "x", true},         {"a?c", "abc", false},
      {"*ab*ab*", "ab", false}, {"*ab*ab", "abxab", true}, {"[a]", "a", false},
  };
  for (const GlobRow& row : rows) {
    CAPTURE(row.pattern);
    CAPTURE(row.text);
    CHECK(matches_glob(row.pattern, row.text) == row.matches);
  }
  // Many stars against a text that never matches: done at once, or never.
  std::string pattern;
  for (int i = 0; i < 200; ++i) pattern += "a*";
  CHECK_FALSE(matches_glob(pattern + "b", std::string(10'000, 'a')));
}

TEST_CASE("whom the claims make the caller") {
  const auto document = parse(R"({"sub":"app","a":{"b":"deep"},"a/b":"flat","n":7,"f":false,
      "groups":["dev","","ops"],"one":"dev","mixed":["dev",1],"empty":"",
      "list":["x"],"nil":null})");
  struct PrincipalRow {
    PrincipalRules rules;
    const char* expected;
  };
  const auto user = [](std::string claim, bool pointer = false) {
    PrincipalRules rules;
    rules.user_claim = std::move(claim);
    rules.user_claim_is_pointer = pointer;
    return rules;
  };
  const auto groups = [&](std::string claim) {
    PrincipalRules rules = user("sub");
    rules.groups_claim = std::move(claim);
    return rules;
  };
  const auto mapped = [&](std::string claim) {
    PrincipalRules rules = user("sub");
    rules.claim_mappings = {{std::move(claim), "key"}};
    return rules;
  };
  const std::vector<PrincipalRow> rows = {
      {user("sub"), "app"},
      {user("/a/b", true), "deep"},
      {user("/a/b"), "claim_missing /a/b"},
      {user("a/b"), "flat"},
      {user("nobody"), "claim_missing nobody"},
      {user("nil"), "claim_missing nil"},
      {user("n"), "claim_type n"},
      {user("empty"), "claim_type empty"},
      {user("list"), "claim_type list"},
      {groups("groups"), "app dev,ops,"},
      {groups("one"), "app dev,"},
      {groups("mixed"), "claim_type mixed"},
      {groups("a"), "claim_type a"},
      {groups("nobody"), "claim_missing nobody"},
      {mapped("a"), "claim_type a"},
      {mapped("list"), "claim_type list"},
      {mapped("/a/b"), "app key=deep"},
      {mapped("n"), "app key=7"},
      {mapped("f"), "app key=false"},
      {mapped("nobody"), "app"},
  };
  for (const PrincipalRow& row : rows) {
    CAPTURE(row.expected);
    const auto judged = principal_of(document.root(), row.rules);
    std::string found;
    if (!judged) {
      found = std::string(to_string(judged.refusal().fault)) + " " + judged.refusal().subject;
    } else {
      found = judged->user + (judged->groups.empty() ? "" : " ");
      for (const auto& group : judged->groups) found += group + ",";
      for (const auto& [key, value] : judged->metadata) found += " " + key + "=" + value;
    }
    CHECK(found == row.expected);
  }
}

TEST_CASE("a bound token needs its certificate") {
  const Bytes mine = {1, 2, 3};
  const Bytes other = {1, 2, 4};
  const std::string thumbprint = base64url_encode(hsm::sha256(mine));
  const std::string bound = R"({"cnf":{"x5t#S256":")" + thumbprint + "\"}}";
  struct SenderRow {
    std::string claims;
    Binding binding;
    BytesView certificate;
    const char* expected;
  };
  const std::vector<SenderRow> rows = {
      {bound, Binding::if_present, mine, "ok"},
      {bound, Binding::demanded, mine, "ok"},
      {bound, Binding::if_present, other, "certificate_mismatch"},
      {bound, Binding::if_present, {}, "certificate_missing"},
      {"{}", Binding::if_present, {}, "ok"},
      {"{}", Binding::if_present, mine, "ok"},
      {"{}", Binding::demanded, mine, "not_bound"},
      {R"({"cnf":null})", Binding::if_present, mine, "malformed_claims"},
      {R"({"cnf":"x"})", Binding::if_present, mine, "malformed_claims"},
      {R"({"cnf":{}})", Binding::if_present, mine, "unsupported_binding"},
      {R"({"cnf":{"jkt":"abc"}})", Binding::if_present, mine, "unsupported_binding"},
      {R"({"cnf":{"jkt":"abc","x5t#S256":")" + thumbprint + "\"}}", Binding::if_present, mine,
       "unsupported_binding"},
      {R"({"cnf":{"x5t#S256":7}})", Binding::if_present, mine, "malformed_claims"},
      {R"({"cnf":{"x5t#S256":""}})", Binding::if_present, mine, "malformed_claims"},
      {R"({"cnf":{"x5t#S256":")" + thumbprint + "=\"}}", Binding::if_present, mine,
       "malformed_claims"},
      {R"({"cnf":{"x5t#S256":")" + thumbprint.substr(0, 42) + "\"}}", Binding::if_present, mine,
       "malformed_claims"},
  };
  for (const SenderRow& row : rows) {
    CAPTURE(row.claims);
    const auto document = parse(row.claims);
    const auto judged = check_sender(document.root(), row.binding, row.certificate);
    CHECK(std::string(judged ? "ok" : to_string(judged.refusal().fault)) == row.expected);
  }
}

TEST_CASE("a refusal's text names the configuration's words only") {
  CHECK(describe(refuse(TokenFault::claim_mismatch, "team")) ==
        "claim \"team\" does not match any associated bound claim values");
  CHECK(describe(refuse(TokenFault::unbound_audience)) ==
        "audience claim found in JWT but no audiences bound to the role");
  CHECK(describe(refuse(TokenFault::claim_missing, "{}")) == "claim \"{}\" is missing");
  CHECK(to_error(refuse(TokenFault::expired)).code == ErrorCode::invalid_argument);
}
