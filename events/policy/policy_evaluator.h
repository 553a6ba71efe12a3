// (policies, request) -> Decision. Pure, immutable after construction, shared between threads.
// The semantics are Vault's: exactly one rule wins for a path; see docs/policies.md.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "events/policy/policy_document.h"

namespace coffer::json {
class Value;
}

namespace coffer::policy {

enum class Operation : std::uint8_t { read, create, update, patch, remove, list, scan };

[[nodiscard]] std::string_view to_string(Operation operation) noexcept;
[[nodiscard]] Capability required_capability(Operation operation) noexcept;

// Why a request was allowed or refused; goes into the access log.
struct Decision {
  bool allowed = false;
  bool root = false;
  Capabilities capabilities = 0;  // of the winning rule
  std::string matched_pattern;    // empty: no rule matched
  std::string refused_by;         // "no rule", "deny", "capability", "sudo", "parameter <name>",
                                  // "wrapping"
  // Of the winning rule of a list or scan: the most keys that one answer may hold; 0 = no limit.
  std::uint32_t pagination_limit = 0;
};

struct AccessRequest {
  Operation operation = Operation::read;
  std::string_view path;                    // without leading '/'; list paths end in '/'
  const json::Value* parameters = nullptr;  // body or query fields as one object; may be null
  bool needs_sudo = false;                  // the path is a root path
  Seconds wrap_ttl{0};                      // 0 = the response is not wrapped
};

// All rules of a token's policies, merged (same pattern in several policies: united, deny wins).
class AccessList {
 public:
  // The `root` policy: everything allowed.
  static std::shared_ptr<const AccessList> root();
  // Rules with templates count as `subject` fills them in; without one they match nothing.
  static std::shared_ptr<const AccessList> build(std::span<const PolicyDocument* const> documents,
                                                 const TemplateSubject* subject = nullptr);

  [[nodiscard]] Decision decide(const AccessRequest& request) const;
  // Capabilities on a path, for sys/capabilities: 0 when no rule or deny. `path` may end in '/'.
  [[nodiscard]] Capabilities capabilities(std::string_view path) const;
  // True when some rule grants something at or below `prefix` ("secret/"): the mount preflight.
  [[nodiscard]] bool any_access_below(std::string_view prefix) const;
  [[nodiscard]] bool is_root() const noexcept;
  ~AccessList();

 private:
  AccessList();
  struct Index;
  std::unique_ptr<Index> index_;
};

}  // namespace coffer::policy
