// What the request gate needs of an entity, published by the tenant's actor: its policies with
// those of all its groups, and the values that policy templates take. Immutable.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "events/identity/identity_store.h"
#include "events/policy/path_template.h"

namespace coffer::actors {

struct IdentityView {
  TenantId tenant;
  std::uint64_t generation = 0;  // of the tenant's identity store; another one: ask anew
  bool exists = false;
  bool disabled = false;
  identity::EntityId merged_into;     // set: ask for that one
  std::vector<std::string> policies;  // sorted, once each
  policy::TemplateSubject subject;
};
using IdentityViewPtr = std::shared_ptr<const IdentityView>;

[[nodiscard]] Result<IdentityView> view_identity(const identity::Store& store,
                                                 const identity::EntityId& id);

}  // namespace coffer::actors
