#include "events/policy/password_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "events/policy/hcl_parser.h"

namespace coffer::policy {
namespace {

constexpr unsigned kCheckDraws = 1000;
constexpr unsigned kCheckDrawsKept = 20;

Error invalid(std::string message) {
  return fail(ErrorCode::invalid_argument, std::move(message));
}

std::string sorted_set(std::string characters) {
  std::sort(characters.begin(), characters.end());
  characters.erase(std::unique(characters.begin(), characters.end()), characters.end());
  return characters;
}

Result<std::size_t> read_number(const hcl::Item& item) {
  std::size_t number = 0;
  const auto& text = item.value.text;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (item.value.kind != hcl::Node::Kind::number || parsed.ec != std::errc() ||
      parsed.ptr != text.data() + text.size())
    return invalid(fmt::format("\"{}\" must be a whole number, not negative", item.name));
  return number;
}

Result<CharsetRule> read_charset(const hcl::Node& body) {
  if (body.kind != hcl::Node::Kind::object) return invalid("rule \"charset\" must be a block");
  CharsetRule rule;
  for (const auto& item : body.members) {
    if (item.name == "min-chars") {
      COFFER_ASSIGN(rule.min_chars, read_number(item));
    } else if (item.name == "charset") {
      if (item.value.kind != hcl::Node::Kind::string)
        return invalid("\"charset\" must be a string");
      rule.charset = sorted_set(item.value.text);
    } else {
      return invalid(fmt::format("rule \"charset\" has no \"{}\"", item.name));
    }
  }
  if (rule.charset.empty()) return invalid("a charset must hold at least one character");
  const bool printable = std::all_of(rule.charset.begin(), rule.charset.end(),
                                     [](char c) { return c >= ' ' && c <= '~'; });
  if (!printable) return invalid("a charset must hold printable ASCII characters only");
  return rule;
}

// `rule "charset" { }` gives a member named after the kind of rule.
Result<void> read_rules(const hcl::Node& node, std::vector<CharsetRule>& rules) {
  if (node.kind == hcl::Node::Kind::list) {
    for (const auto& item : node.items) COFFER_TRY(read_rules(item, rules));
    return {};
  }
  if (node.kind != hcl::Node::Kind::object) return invalid("\"rule\" must be a block");
  for (const auto& item : node.members) {
    if (item.name != "charset") return invalid(fmt::format("rule \"{}\" is not known", item.name));
    const bool list = item.value.kind == hcl::Node::Kind::list;
    const auto count = list ? item.value.items.size() : 1;
    for (std::size_t i = 0; i < count; ++i) {
      COFFER_ASSIGN(auto rule, read_charset(list ? item.value.items[i] : item.value));
      if (rules.size() >= kCharsetRulesMax)
        return invalid(fmt::format("at most {} rules", kCharsetRulesMax));
      rules.push_back(std::move(rule));
    }
  }
  return {};
}

Result<void> check(const PasswordPolicy& policy) {
  if (policy.length < kPasswordLengthMin || policy.length > kPasswordLengthMax)
    return invalid(
        fmt::format("length must be between {} and {}", kPasswordLengthMin, kPasswordLengthMax));
  if (policy.rules.empty()) return invalid("at least one rule \"charset\" is needed");
  std::size_t wanted = 0;
  for (const auto& rule : policy.rules) {
    if (rule.min_chars > policy.length) return invalid("min-chars is larger than the length");
    wanted += rule.min_chars;
  }
  if (wanted > policy.length) return invalid("the rules want more characters than the length");
  return {};
}

// Bytes of randomness without a bias: those beyond the largest multiple of `count` are dropped.
class EvenDraw {
 public:
  explicit EvenDraw(Random& random) : random_(random) {}
  ~EvenDraw() { wipe_memory(pool_.data(), pool_.size()); }
  EvenDraw(const EvenDraw&) = delete;
  EvenDraw& operator=(const EvenDraw&) = delete;

  // Precondition: 1 <= count <= 128.
  std::size_t below(std::size_t count) {
    const std::size_t limit = 256 - 256 % count;
    while (true) {
      if (at_ == pool_.size()) {
        random_.fill(pool_);
        at_ = 0;
      }
      const auto byte = pool_[at_++];
      if (byte < limit) return byte % count;
    }
  }

 private:
  Random& random_;
  std::array<std::uint8_t, 256> pool_{};
  std::size_t at_ = pool_.size();
};

void draw(const PasswordPolicy& policy, EvenDraw& source, SecretBytes& out) {
  for (auto& byte : out.writable())
    byte = static_cast<std::uint8_t>(policy.alphabet[source.below(policy.alphabet.size())]);
}

bool keeps_rules(const PasswordPolicy& policy, const SecretBytes& password) {
  const auto text = password.expose_text();
  return std::all_of(policy.rules.begin(), policy.rules.end(), [&](const CharsetRule& rule) {
    const auto count = std::count_if(text.begin(), text.end(), [&](char c) {
      return rule.charset.find(c) != std::string::npos;
    });
    return static_cast<std::size_t>(count) >= rule.min_chars;
  });
}

}  // namespace

Result<PasswordPolicy> parse_password_policy(std::string_view text) {
  if (text.size() > kPasswordPolicyBytesMax)
    return invalid(fmt::format("a password policy has at most {} bytes", kPasswordPolicyBytesMax));
  COFFER_ASSIGN(const auto root, hcl::parse(text));
  PasswordPolicy policy;
  for (const auto& item : root.members) {
    if (item.name == "length") {
      COFFER_ASSIGN(policy.length, read_number(item));
    } else if (item.name == "rule") {
      COFFER_TRY(read_rules(item.value, policy.rules));
    } else {
      return invalid(fmt::format("a password policy has no \"{}\"", item.name));
    }
  }
  COFFER_TRY(check(policy));
  for (const auto& rule : policy.rules) policy.alphabet += rule.charset;
  policy.alphabet = sorted_set(std::move(policy.alphabet));
  return policy;
}

Result<SecretBytes> generate_password(const PasswordPolicy& policy, Random& random) {
  EvenDraw source(random);
  SecretBytes password(policy.length);
  for (unsigned i = 0; i < kPasswordDrawsMax; ++i) {
    draw(policy, source, password);
    if (keeps_rules(policy, password)) return password;
  }
  return fail(ErrorCode::unavailable, "no password that keeps the rules was drawn");
}

Result<void> check_generates(const PasswordPolicy& policy, Random& random) {
  EvenDraw source(random);
  SecretBytes password(policy.length);
  unsigned kept = 0;
  for (unsigned i = 0; i < kCheckDraws && kept < kCheckDrawsKept; ++i) {
    draw(policy, source, password);
    if (keeps_rules(policy, password)) ++kept;
  }
  if (kept >= kCheckDrawsKept) return {};
  return invalid("unable to generate passwords by this policy: too few random ones keep its rules");
}

}  // namespace coffer::policy
