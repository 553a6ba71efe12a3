// identity/entity-alias and identity/group-alias.
#include <algorithm>

#include "net/vault_api/handlers.h"
#include "net/vault_api/identity_json.h"

namespace coffer::net::vault {
namespace {

using By = api::IdentityQuery::By;

struct Wanted {
  std::optional<identity::AliasId> id;
  std::string name;
  std::string accessor;
  bool mount_known = false;
};

// `path_id`: the id in the path; it counts before a field.
Result<Wanted> read_wanted(Exchange& x, const Fields& fields, std::string_view path_id) {
  Wanted wanted;
  COFFER_ASSIGN(const auto field_id, read_text(fields, "id"));
  const std::string id = path_id.empty() ? field_id.value_or("") : std::string(path_id);
  if (!id.empty()) {
    wanted.id = identity::parse_id<identity::AliasId>(id);
    if (!wanted.id) return fail(ErrorCode::invalid_argument, "invalid alias ID provided");
  }
  COFFER_ASSIGN(auto name, read_text(fields, "name"));
  COFFER_ASSIGN(auto accessor, read_text(fields, "mount_accessor"));
  wanted.name = std::move(name).value_or("");
  wanted.accessor = std::move(accessor).value_or("");
  wanted.mount_known = knows_accessor(x.tenant(), wanted.accessor);
  return wanted;
}

template <class Id>
Result<std::optional<Id>> read_owner(const Fields& fields) {
  COFFER_ASSIGN(auto text, read_text(fields, "canonical_id"));
  if (!text || text->empty()) {
    COFFER_ASSIGN(text, read_text(fields, "entity_id"));
  }
  if (!text || text->empty()) return std::optional<Id>{};
  const auto id = identity::parse_id<Id>(*text);
  if (!id) return fail(ErrorCode::invalid_argument, "invalid canonical ID");
  return id;
}

// 204 when nothing changed.
void run(Exchange& x, identity::Command command, bool of_group) {
  x.port().change_identity(
      x.admission(), std::move(command), 200, 200,
      x.then<api::IdentityChanged>([of_group](Exchange& self, api::IdentityChanged changed) {
        const auto& made = changed.decision;
        if (made.events.empty()) return self.answer(no_content());
        auto answer = data_answer(self.request_id(), 128, [&](json::Writer& writer) {
          writer.begin_object().key("canonical_id");
          writer.string(of_group ? made.group.to_string() : made.entity.to_string());
          writer.key("id").string(made.alias.to_string()).end_object();
        });
        self.answer(std::move(answer), changed.recorded);
      }));
}

void remove(Exchange& x, identity::Command command) {
  x.port().change_identity(x.admission(), std::move(command), 204, 204,
                           x.then_no_content<api::IdentityChanged>());
}

struct Listed {
  const identity::Alias* alias;
  std::string owner;
};

void answer_aliases(Exchange& x, std::vector<Listed> aliases) {
  if (aliases.empty()) return x.refuse(ErrorCode::not_found, {});
  std::sort(aliases.begin(), aliases.end(),
            [](const Listed& a, const Listed& b) { return a.alias->id < b.alias->id; });
  x.answer_data(512 * aliases.size(), [&](json::Writer& writer) {
    writer.begin_object().key("key_info").begin_object();
    for (const auto& [alias, owner] : aliases)
      write_alias(writer.key(alias->id.to_string()), x.tenant(), *alias, owner);
    writer.end_object().key("keys").begin_array();
    for (const auto& listed : aliases) writer.string(listed.alias->id.to_string());
    writer.end_array().end_object();
  });
}

void write_entity_alias(Exchange& x, std::string_view path_id) {
  const auto fields = x.fields();
  COFFER_FIELD(auto wanted, x, read_wanted(x, fields, path_id));
  COFFER_FIELD(const auto owner, x, read_owner<identity::EntityId>(fields));
  COFFER_FIELD(auto custom, x, read_metadata(fields, "custom_metadata"));
  run(x,
      identity::WriteAlias{wanted.id, std::move(wanted.name), std::move(wanted.accessor),
                           wanted.mount_known, owner, std::move(custom)},
      false);
}

void write_group_alias(Exchange& x, std::string_view path_id) {
  const auto fields = x.fields();
  COFFER_FIELD(auto wanted, x, read_wanted(x, fields, path_id));
  COFFER_FIELD(const auto owner, x, read_owner<identity::GroupId>(fields));
  run(x,
      identity::WriteGroupAlias{wanted.id, std::move(wanted.name), std::move(wanted.accessor),
                                wanted.mount_known, owner},
      true);
}

}  // namespace

void identity_entity_alias_write(Exchange& x, std::string_view id) {
  write_entity_alias(x, id);
}
void identity_group_alias_write(Exchange& x, std::string_view id) {
  write_group_alias(x, id);
}

void identity_entity_alias_read(Exchange& x, std::string_view id) {
  using Found = std::optional<api::EntityFound>;
  x.port().find_entity(x.admission(), {By::alias_id, std::string(id)},
                       x.then<Found>([id = std::string(id)](Exchange& self, const Found& found) {
                         if (!found) return self.refuse(ErrorCode::not_found, {});
                         const auto parsed = identity::parse_id<identity::AliasId>(id);
                         for (const auto& alias : found->entity.aliases)
                           if (parsed && alias.id == *parsed)
                             return self.answer_data(512, [&](json::Writer& writer) {
                               write_alias(writer, self.tenant(), alias,
                                           found->entity.id.to_string());
                             });
                         self.refuse(ErrorCode::not_found, {});
                       }));
}

void identity_group_alias_read(Exchange& x, std::string_view id) {
  using Found = std::optional<api::GroupFound>;
  x.port().find_group(x.admission(), {By::alias_id, std::string(id)},
                      x.then<Found>([](Exchange& self, const Found& found) {
                        if (!found || !found->group.alias)
                          return self.refuse(ErrorCode::not_found, {});
                        self.answer_data(512, [&](json::Writer& writer) {
                          write_alias(writer, self.tenant(), *found->group.alias,
                                      found->group.id.to_string());
                        });
                      }));
}

void identity_entity_alias_remove(Exchange& x, std::string_view id) {
  const auto parsed = identity::parse_id<identity::AliasId>(id);
  if (!parsed) return x.answer(no_content());
  remove(x, identity::RemoveAlias{*parsed});
}

void identity_group_alias_remove(Exchange& x, std::string_view id) {
  const auto parsed = identity::parse_id<identity::AliasId>(id);
  if (!parsed) return x.answer(no_content());
  remove(x, identity::RemoveGroupAlias{*parsed});
}

void identity_entity_aliases_list(Exchange& x, std::string_view) {
  using Entities = std::vector<identity::Entity>;
  x.port().list_entities(x.admission(), {}, kListedMax + 1,
                         x.then<Entities>([](Exchange& self, const Entities& entities) {
                           const auto complete = check_listed({}, entities.size());
                           if (!complete) return self.refuse(complete.error());
                           std::vector<Listed> aliases;
                           for (const auto& entity : entities)
                             for (const auto& alias : entity.aliases)
                               aliases.push_back({&alias, entity.id.to_string()});
                           answer_aliases(self, std::move(aliases));
                         }));
}

void identity_group_aliases_list(Exchange& x, std::string_view) {
  using Groups = std::vector<api::GroupFound>;
  x.port().list_groups(x.admission(), {}, kListedMax + 1,
                       x.then<Groups>([](Exchange& self, const Groups& groups) {
                         const auto complete = check_listed({}, groups.size());
                         if (!complete) return self.refuse(complete.error());
                         std::vector<Listed> aliases;
                         for (const auto& found : groups)
                           if (found.group.alias)
                             aliases.push_back({&*found.group.alias, found.group.id.to_string()});
                         answer_aliases(self, std::move(aliases));
                       }));
}

}  // namespace coffer::net::vault
