#include "events/policy/policy_set.h"

#include <fmt/format.h>
#include <algorithm>

#include "events/policy/policy_document.h"

namespace coffer::policy {
namespace {

Error invalid(std::string text) {
  return fail(ErrorCode::invalid_argument, std::move(text));
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
  return text;
}

struct Decider {
  const PolicySet& state;
  Timestamp now;

  Result<std::vector<Event>> operator()(const WritePolicy& c) const {
    const auto name = lower(c.name);
    if (name == "root") return invalid("cannot update \"root\" policy");
    if (name == "response-wrapping") return invalid("cannot update \"response-wrapping\" policy");
    if (name.empty() || name.size() > kPolicyNameBytesMax)
      return invalid(fmt::format("policy name must have 1 to {} bytes", kPolicyNameBytesMax));
    if (c.text.empty()) return invalid("'policy' parameter not supplied or empty");
    auto parsed = parse_policy(c.text);
    if (!parsed) return invalid("failed to parse policy: " + parsed.error().message);
    if (!state.texts.contains(name) && state.texts.size() >= kPoliciesMax)
      return fail(ErrorCode::quota_exceeded, fmt::format("at most {} policies", kPoliciesMax));
    return std::vector<Event>{PolicyWritten{name, c.text, now}};
  }
  Result<std::vector<Event>> operator()(const RemovePolicy& c) const {
    const auto name = lower(c.name);
    if (name == "root") return invalid("cannot delete \"root\" policy");
    if (name == "default") return invalid("cannot delete default policy");
    if (name == "response-wrapping") return invalid("cannot delete \"response-wrapping\" policy");
    if (!state.texts.contains(name)) return std::vector<Event>{};
    return std::vector<Event>{PolicyRemoved{name}};
  }
};

}  // namespace

Result<std::vector<Event>> decide(const PolicySet& state, const Command& command, Timestamp now) {
  return std::visit(Decider{state, now}, command);
}

Result<PolicySet> evolve(PolicySet state, const Event& event) {
  if (const auto* written = std::get_if<PolicyWritten>(&event)) {
    state.texts[written->name] = written->text;
    return state;
  }
  if (state.texts.erase(std::get<PolicyRemoved>(event).name) == 0)
    return fail(ErrorCode::corrupt, "removed policy is not there");
  return state;
}

}  // namespace coffer::policy
