// A path pattern with values of the caller's identity: "secret/data/{{identity.entity.name}}/*".
// Parsed when the policy is, filled in for one subject when a request asks. Pure, immutable.
// Source: Vault's ACL templating, docs/identity.md.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "events/base/result.h"

namespace coffer::policy {

using TextMap = std::map<std::string, std::string>;

// Whose values are filled in: the entity of a token.
struct TemplateSubject {
  struct Alias {
    std::string id;
    std::string name;
    TextMap metadata;
    TextMap custom_metadata;
  };
  struct Group {
    std::string id;
    std::string name;
    TextMap metadata;
  };
  std::string id;
  std::string name;
  TextMap metadata;
  std::map<std::string, Alias> aliases;  // by mount accessor
  std::vector<Group> groups;             // also those it is in through other groups
};

class PathTemplate {
 public:
  // Nothing when the pattern has no braces. invalid_argument: braces that do not pair.
  [[nodiscard]] static Result<std::optional<PathTemplate>> parse(std::string_view pattern);

  // The pattern for a subject. Nothing when a value is missing, empty, or would widen the pattern:
  // one that holds '*', '+' or '/'.
  [[nodiscard]] std::optional<std::string> fill(const TemplateSubject& subject) const;
  // What every pattern that it becomes begins with.
  [[nodiscard]] const std::string& head() const noexcept { return parts_.front().text; }

 private:
  struct Part {
    std::string text;      // in front of the selector
    std::string selector;  // without "identity."; empty in the last part
  };
  std::vector<Part> parts_;
};

}  // namespace coffer::policy
