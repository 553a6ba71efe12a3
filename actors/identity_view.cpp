#include "actors/identity_view.h"

#include <algorithm>

namespace coffer::actors {
namespace {

policy::TemplateSubject subject_of(const identity::Entity& entity) {
  policy::TemplateSubject subject;
  subject.id = entity.id.to_string();
  subject.name = entity.name;
  subject.metadata = entity.metadata;
  for (const auto& alias : entity.aliases)
    subject.aliases[alias.mount_accessor] = {alias.id.to_string(), alias.name, alias.metadata,
                                             alias.custom_metadata};
  return subject;
}

}  // namespace

Result<IdentityView> view_identity(const identity::Store& store, const identity::EntityId& id) {
  IdentityView view;
  COFFER_ASSIGN(const auto entity, store.entity(id));
  if (!entity) {
    COFFER_ASSIGN(const auto merged, store.merged_into(id));
    view.merged_into = merged.value_or(identity::EntityId{});
    return view;
  }
  view.exists = true;
  view.disabled = entity->disabled;
  view.policies = entity->policies;
  view.subject = subject_of(*entity);
  COFFER_ASSIGN(auto direct, store.groups_of(id));
  COFFER_ASSIGN(const auto groups, identity::with_groups_above(store, std::move(direct)));
  for (const auto& group_id : groups) {
    COFFER_ASSIGN(const auto group, store.group(group_id));
    if (!group) continue;  // what is left of one that was removed
    view.policies.insert(view.policies.end(), group->policies.begin(), group->policies.end());
    view.subject.groups.push_back({group->id.to_string(), group->name, group->metadata});
  }
  std::sort(view.policies.begin(), view.policies.end());
  view.policies.erase(std::unique(view.policies.begin(), view.policies.end()), view.policies.end());
  return view;
}

}  // namespace coffer::actors
