// identity/entity and identity/lookup/entity.
#include <algorithm>

#include "net/vault_api/handlers.h"
#include "net/vault_api/identity_json.h"

namespace coffer::net::vault {
namespace {

using By = api::IdentityQuery::By;

Result<identity::WriteEntity> read_change(const Fields& fields) {
  identity::WriteEntity change;
  COFFER_ASSIGN(change.name, read_text(fields, "name"));
  COFFER_ASSIGN(change.metadata, read_metadata(fields, "metadata"));
  COFFER_ASSIGN(change.policies, read_names(fields, "policies"));
  if (is_given(fields, "disabled")) {
    COFFER_ASSIGN(change.disabled, fields.boolean("disabled"));
  }
  return change;
}

// 200 with what is new, 204 for a change of what was there.
void write(Exchange& x, identity::WriteEntity change) {
  x.port().change_identity(
      x.admission(), std::move(change), 200, 204,
      x.then<api::IdentityChanged>([](Exchange& self, api::IdentityChanged changed) {
        const auto& made = changed.decision;
        if (!made.created) return self.answer(no_content(), changed.recorded);
        auto answer = data_answer(self.request_id(), 128, [&](json::Writer& writer) {
          writer.begin_object().key("aliases").null();
          writer.key("id").string(made.entity.to_string());
          writer.key("name").string(made.name).end_object();
        });
        self.answer(std::move(answer), changed.recorded);
      }));
}

void run(Exchange& x, identity::Command command) {
  x.port().change_identity(x.admission(), std::move(command), 204, 204,
                           x.then_no_content<api::IdentityChanged>());
}

using Found = std::optional<api::EntityFound>;

void show(Exchange& x, const Found& found, bool lookup) {
  if (!found && lookup) return x.answer(no_content());
  if (!found) return x.refuse(ErrorCode::not_found, {});
  x.answer_data(1024, [&](json::Writer& writer) { write_entity(writer, x.tenant(), *found); });
}

void find(Exchange& x, api::IdentityQuery query, bool lookup = false) {
  x.port().find_entity(
      x.admission(), std::move(query),
      x.then<Found>([lookup](Exchange& self, const Found& found) { show(self, found, lookup); }));
}

void write_key_info(json::Writer& writer, const api::TenantView& tenant,
                    const identity::Entity& entity) {
  writer.begin_object().key("aliases").begin_array();
  for (const auto& alias : entity.aliases)
    write_alias(writer, tenant, alias, entity.id.to_string());
  writer.end_array().key("name").string(entity.name).end_object();
}

}  // namespace

void identity_entity_write(Exchange& x, std::string_view) {
  const auto fields = x.fields();
  COFFER_FIELD(auto change, x, read_change(fields));
  COFFER_FIELD(const auto id, x, read_text(fields, "id"));
  if (id && !id->empty()) {
    change.id = identity::parse_id<identity::EntityId>(*id);
    if (!change.id) return x.refuse(ErrorCode::invalid_argument, "entity not found from id");
  }
  write(x, std::move(change));
}

void identity_entity_write_id(Exchange& x, std::string_view id) {
  COFFER_FIELD(auto change, x, read_change(x.fields()));
  change.id = identity::parse_id<identity::EntityId>(id);
  if (!change.id) return x.refuse(ErrorCode::invalid_argument, "entity not found from id");
  write(x, std::move(change));
}

void identity_entity_write_name(Exchange& x, std::string_view name) {
  COFFER_FIELD(auto change, x, read_change(x.fields()));
  change.name = name;
  write(x, std::move(change));
}

void identity_entity_read_id(Exchange& x, std::string_view id) {
  find(x, {By::id, std::string(id)});
}

void identity_entity_read_name(Exchange& x, std::string_view name) {
  find(x, {By::name, std::string(name)});
}

void identity_entity_remove_id(Exchange& x, std::string_view id) {
  const auto parsed = identity::parse_id<identity::EntityId>(id);
  if (!parsed) return x.answer(no_content());
  run(x, identity::RemoveEntity{*parsed});
}

void identity_entity_remove_name(Exchange& x, std::string_view name) {
  run(x, identity::RemoveEntity{std::string(name)});
}

void identity_entity_batch_delete(Exchange& x, std::string_view) {
  COFFER_FIELD(auto ids, x, read_ids<identity::EntityId>(x.fields(), "entity_ids", "entity"));
  run(x, identity::RemoveEntities{std::move(ids).value_or(std::vector<identity::EntityId>{})});
}

void identity_entity_merge(Exchange& x, std::string_view) {
  const auto fields = x.fields();
  identity::MergeEntities merge;
  COFFER_FIELD(auto from, x, read_ids<identity::EntityId>(fields, "from_entity_ids", "entity"));
  COFFER_FIELD(auto keep, x,
               read_ids<identity::AliasId>(fields, "conflicting_alias_ids_to_keep", "alias"));
  COFFER_FIELD(const auto to, x, read_text(fields, "to_entity_id"));
  COFFER_FIELD(const auto force, x, fields.boolean("force"));
  if (!from || from->empty())
    return x.refuse(ErrorCode::invalid_argument, "missing entity ids to merge from");
  if (!to || to->empty())
    return x.refuse(ErrorCode::invalid_argument, "missing entity id to merge to");
  const auto target = identity::parse_id<identity::EntityId>(*to);
  if (!target) return x.refuse(ErrorCode::invalid_argument, "entity id to merge to is invalid");
  merge.from = std::move(*from);
  merge.to = *target;
  merge.force = force.value_or(false);
  merge.aliases_to_keep = std::move(keep).value_or(std::vector<identity::AliasId>{});
  run(x, std::move(merge));
}

void identity_entities_list_id(Exchange& x, std::string_view) {
  COFFER_FIELD(const auto page, x, read_page(x.fields()));
  using Entities = std::vector<identity::Entity>;
  const auto after = identity::parse_id<identity::EntityId>(page.after);
  x.port().list_entities(x.admission(), after.value_or(identity::EntityId{}), page.limit,
                         x.then<Entities>([page](Exchange& self, const Entities& entities) {
                           const auto complete = check_listed(page, entities.size());
                           if (!complete) return self.refuse(complete.error());
                           if (entities.empty()) return self.refuse(ErrorCode::not_found, {});
                           self.answer_data(256 * entities.size(), [&](json::Writer& writer) {
                             writer.begin_object().key("key_info").begin_object();
                             for (const auto& entity : entities)
                               write_key_info(writer.key(entity.id.to_string()), self.tenant(),
                                              entity);
                             writer.end_object().key("keys").begin_array();
                             for (const auto& entity : entities)
                               writer.string(entity.id.to_string());
                             writer.end_array().end_object();
                           });
                         }));
}

void identity_entities_list_name(Exchange& x, std::string_view) {
  using Entities = std::vector<identity::Entity>;
  x.port().list_entities(x.admission(), {}, kListedMax + 1,
                         x.then<Entities>([](Exchange& self, const Entities& entities) {
                           const auto complete = check_listed({}, entities.size());
                           if (!complete) return self.refuse(complete.error());
                           std::vector<std::string> names;
                           for (const auto& entity : entities) names.push_back(entity.name);
                           answer_names(self, std::move(names));
                         }));
}

Result<api::IdentityQuery> read_lookup(const Fields& fields) {
  COFFER_ASSIGN(const auto id, read_text(fields, "id"));
  COFFER_ASSIGN(const auto name, read_text(fields, "name"));
  COFFER_ASSIGN(const auto alias_id, read_text(fields, "alias_id"));
  COFFER_ASSIGN(const auto alias, read_text(fields, "alias_name"));
  COFFER_ASSIGN(const auto mount, read_text(fields, "alias_mount_accessor"));
  const auto is_set = [](const auto& text) { return text && !text->empty(); };
  const int asked = int{is_set(id)} + int{is_set(name)} + int{is_set(alias_id)} +
                    int{is_set(alias) || is_set(mount)};
  if (asked == 0) return fail(ErrorCode::invalid_argument, "query parameter not supplied");
  if (asked > 1) return fail(ErrorCode::invalid_argument, "more than one query parameter supplied");
  if (is_set(id)) return api::IdentityQuery{By::id, *id};
  if (is_set(name)) return api::IdentityQuery{By::name, *name};
  if (is_set(alias_id)) return api::IdentityQuery{By::alias_id, *alias_id};
  if (!is_set(alias) || !is_set(mount))
    return fail(ErrorCode::invalid_argument,
                "both 'alias_name' and 'alias_mount_accessor' needs to be set");
  return api::IdentityQuery{By::alias, *alias, *mount};
}

void identity_lookup_entity(Exchange& x, std::string_view) {
  COFFER_FIELD(auto query, x, read_lookup(x.fields()));
  find(x, std::move(query), true);
}

}  // namespace coffer::net::vault
