// Entities: written, removed, merged.
#include <map>

#include "events/identity/identity_rules.h"

namespace coffer::identity {
namespace {

// The entity that the command is about: one that is there, or a new one.
Result<Entity> find_or_begin(const Gathered& in, const WriteEntity& c, bool& created) {
  Entity entity;
  if (c.id) {
    COFFER_ASSIGN(auto by_id, in.store.entity(*c.id));
    if (!by_id) return invalid("entity not found from id");
    entity = std::move(*by_id);
  }
  if (c.name && !c.name->empty()) {
    COFFER_ASSIGN(const auto named, in.store.entity_named(*c.name));
    if (named && c.id && *named != *c.id) return invalid("entity name is already in use");
    if (named && !c.id) {
      COFFER_ASSIGN(entity, must_be(in.store.entity(*named)));
    }
  }
  created = entity.id.is_zero();
  if (!created) return entity;
  entity.id = in.fresh.entity;
  entity.name = made_up_name("entity", entity.id);
  entity.created_time = in.now;
  return entity;
}

Decision written(Entity entity, bool created) {
  Decision out;
  out.entity = entity.id;
  out.name = entity.name;
  for (const auto& alias : entity.aliases) out.aliases.push_back(alias.id);
  out.created = created;
  out.events.emplace_back(EntityWritten{std::move(entity)});
  return out;
}

void remove(Decision& out, const EntityId& id) {
  out.events.emplace_back(EntityRemoved{id, {}});
}

}  // namespace

Result<Decision> decide(const Gathered& in, const WriteEntity& c) {
  bool created = false;
  COFFER_ASSIGN(auto entity, find_or_begin(in, c, created));
  const auto before = entity;
  if (c.name && !c.name->empty()) {
    COFFER_TRY(check_name(*c.name));
    entity.name = *c.name;
  }
  if (c.metadata) {
    COFFER_TRY(check_metadata("metadata", *c.metadata));
    entity.metadata = *c.metadata;
  }
  if (c.policies) {
    COFFER_ASSIGN(entity.policies, clean_policies(*c.policies));
  }
  entity.disabled = c.disabled.value_or(entity.disabled);
  const bool changed = created || !(entity == before);
  entity.updated_time = in.now;
  auto out = written(std::move(entity), created);
  if (!changed) out.events.clear();
  return out;
}

Result<Decision> decide(const Gathered& in, const RemoveEntity& c) {
  Decision out;
  if (const auto* name = std::get_if<std::string>(&c.which)) {
    COFFER_ASSIGN(const auto named, in.store.entity_named(*name));
    if (named) remove(out, *named);
    return out;
  }
  COFFER_ASSIGN(const auto entity, in.store.entity(std::get<EntityId>(c.which)));
  if (entity) remove(out, entity->id);
  return out;
}

Result<Decision> decide(const Gathered& in, const RemoveEntities& c) {
  if (c.ids.empty()) return invalid("missing entity ids to delete");
  if (c.ids.size() > kMembersMax)
    return invalid(fmt::format("at most {} entities at a time", kMembersMax));
  auto ids = c.ids;
  sort_unique(ids);
  Decision out;
  for (const auto& id : ids) {
    COFFER_ASSIGN(const auto entity, in.store.entity(id));
    if (entity) remove(out, id);
  }
  return out;
}

// ---------------------------------------------------------------- merging
namespace {

class Merge {
 public:
  Merge(const Gathered& in, const MergeEntities& command) : in_(in), command_(command) {}

  Result<Decision> run() {
    COFFER_ASSIGN(auto target, in_.store.entity(command_.to));
    if (!target) return invalid("entity id to merge to is invalid");
    to_ = std::move(*target);
    auto from = command_.from;
    sort_unique(from);
    for (const auto& id : from) {
      COFFER_TRY(take_over(id));
    }
    if (to_.merged.size() > kMergedMax)
      return invalid(fmt::format("at most {} entities can be merged into one", kMergedMax));
    to_.updated_time = in_.now;
    out_.entity = to_.id;
    out_.events.emplace_back(EntityWritten{to_});
    for (auto& [group, change] : members_) out_.events.emplace_back(std::move(change));
    return std::move(out_);
  }

 private:
  Result<void> take_over(const EntityId& id) {
    if (id == to_.id) return invalid("to_entity_id should not be present in from_entity_ids");
    COFFER_ASSIGN(auto found, in_.store.entity(id));
    if (!found) return invalid("entity id to merge from is invalid");
    auto& from = *found;
    for (auto& alias : from.aliases) COFFER_TRY(take_alias(from.id, std::move(alias)));
    auto policies = to_.policies;
    policies.insert(policies.end(), from.policies.begin(), from.policies.end());
    sort_unique(policies);
    to_.policies = std::move(policies);
    to_.merged.push_back(from.id);
    to_.merged.insert(to_.merged.end(), from.merged.begin(), from.merged.end());
    COFFER_ASSIGN(const auto groups, in_.store.groups_of(from.id));
    for (const auto& group : groups) {
      auto& change = members_[group];
      change.group = group;
      change.entities_added = {to_.id};
    }
    out_.events.emplace_back(EntityRemoved{from.id, to_.id});
    return {};
  }

  Result<void> take_alias(const EntityId& owner, Alias alias) {
    alias.merged_from.push_back(owner);
    const auto* own = find_alias_at(to_, alias.mount_accessor);
    if (own == nullptr) {
      to_.aliases.push_back(std::move(alias));
      return {};
    }
    const bool keeps_own = is_kept(own->id);
    const bool keeps_other = is_kept(alias.id);
    if (keeps_own == keeps_other && !command_.force)
      return invalid(
          "toEntity and at least one fromEntity have aliases with the same mount accessor, repeat "
          "the merge request specifying exactly one of the clashing aliases in "
          "conflicting_alias_ids_to_keep");
    if (keeps_other && !keeps_own) {
      const auto at = static_cast<std::size_t>(own - to_.aliases.data());
      to_.aliases[at] = std::move(alias);
    }
    return {};
  }

  [[nodiscard]] bool is_kept(const AliasId& id) const {
    const auto& keep = command_.aliases_to_keep;
    return std::find(keep.begin(), keep.end(), id) != keep.end();
  }

  const Gathered& in_;
  const MergeEntities& command_;
  Entity to_;
  Decision out_;
  std::map<GroupId, GroupMembersChanged> members_;  // memberships that `to` inherits
};

}  // namespace

Result<Decision> decide(const Gathered& in, const MergeEntities& c) {
  if (c.from.empty()) return invalid("missing entity ids to merge from");
  if (c.from.size() > kMergedMax)
    return invalid(fmt::format("at most {} entities can be merged into one", kMergedMax));
  return Merge(in, c).run();
}

}  // namespace coffer::identity
