// identity/group and identity/lookup/group.
#include "net/vault_api/handlers.h"
#include "net/vault_api/identity_json.h"

namespace coffer::net::vault {
namespace {

using By = api::IdentityQuery::By;

Result<identity::WriteGroup> read_change(const Fields& fields) {
  identity::WriteGroup change;
  COFFER_ASSIGN(change.name, read_text(fields, "name"));
  COFFER_ASSIGN(change.type, read_text(fields, "type"));
  COFFER_ASSIGN(change.metadata, read_metadata(fields, "metadata"));
  COFFER_ASSIGN(change.policies, read_names(fields, "policies"));
  COFFER_ASSIGN(change.member_entities,
                read_ids<identity::EntityId>(fields, "member_entity_ids", "entity"));
  COFFER_ASSIGN(change.member_groups,
                read_ids<identity::GroupId>(fields, "member_group_ids", "group"));
  return change;
}

void write(Exchange& x, identity::WriteGroup change) {
  x.port().change_identity(
      x.admission(), std::move(change), 200, 204,
      x.then<api::IdentityChanged>([](Exchange& self, api::IdentityChanged changed) {
        const auto& made = changed.decision;
        if (!made.created) return self.answer(no_content(), changed.recorded);
        auto answer = data_answer(self.request_id(), 128, [&](json::Writer& writer) {
          writer.begin_object().key("id").string(made.group.to_string());
          writer.key("name").string(made.name).end_object();
        });
        self.answer(std::move(answer), changed.recorded);
      }));
}

void run(Exchange& x, identity::Command command) {
  x.port().change_identity(x.admission(), std::move(command), 204, 204,
                           x.then_no_content<api::IdentityChanged>());
}

using Found = std::optional<api::GroupFound>;

void find(Exchange& x, api::IdentityQuery query, bool lookup = false) {
  x.port().find_group(
      x.admission(), std::move(query), x.then<Found>([lookup](Exchange& self, const Found& found) {
        if (!found && lookup) return self.answer(no_content());
        if (!found) return self.refuse(ErrorCode::not_found, {});
        self.answer_data(1024,
                         [&](json::Writer& writer) { write_group(writer, self.tenant(), *found); });
      }));
}

}  // namespace

void identity_group_write(Exchange& x, std::string_view) {
  const auto fields = x.fields();
  COFFER_FIELD(auto change, x, read_change(fields));
  COFFER_FIELD(const auto id, x, read_text(fields, "id"));
  if (id && !id->empty()) {
    change.id = identity::parse_id<identity::GroupId>(*id);
    if (!change.id) return x.refuse(ErrorCode::invalid_argument, "group not found from id");
  }
  write(x, std::move(change));
}

void identity_group_write_id(Exchange& x, std::string_view id) {
  COFFER_FIELD(auto change, x, read_change(x.fields()));
  change.id = identity::parse_id<identity::GroupId>(id);
  if (!change.id) return x.refuse(ErrorCode::invalid_argument, "group not found from id");
  write(x, std::move(change));
}

void identity_group_write_name(Exchange& x, std::string_view name) {
  COFFER_FIELD(auto change, x, read_change(x.fields()));
  change.name = name;
  write(x, std::move(change));
}

void identity_group_read_id(Exchange& x, std::string_view id) {
  find(x, {By::id, std::string(id)});
}

void identity_group_read_name(Exchange& x, std::string_view name) {
  find(x, {By::name, std::string(name)});
}

void identity_group_remove_id(Exchange& x, std::string_view id) {
  const auto parsed = identity::parse_id<identity::GroupId>(id);
  if (!parsed) return x.answer(no_content());
  run(x, identity::RemoveGroup{*parsed});
}

void identity_group_remove_name(Exchange& x, std::string_view name) {
  run(x, identity::RemoveGroup{std::string(name)});
}

void identity_groups_list_id(Exchange& x, std::string_view) {
  COFFER_FIELD(const auto page, x, read_page(x.fields()));
  using Groups = std::vector<api::GroupFound>;
  const auto after = identity::parse_id<identity::GroupId>(page.after);
  x.port().list_groups(
      x.admission(), after.value_or(identity::GroupId{}), page.limit,
      x.then<Groups>([page](Exchange& self, const Groups& groups) {
        const auto complete = check_listed(page, groups.size());
        if (!complete) return self.refuse(complete.error());
        if (groups.empty()) return self.refuse(ErrorCode::not_found, {});
        self.answer_data(128 * groups.size(), [&](json::Writer& writer) {
          writer.begin_object().key("key_info").begin_object();
          for (const auto& found : groups) {
            writer.key(found.group.id.to_string()).begin_object();
            writer.key("name").string(found.group.name);
            writer.key("num_member_entities").unsigned_integer(found.members.entities.size());
            writer.key("num_parent_groups").unsigned_integer(found.parents.size());
            writer.end_object();
          }
          writer.end_object().key("keys").begin_array();
          for (const auto& found : groups) writer.string(found.group.id.to_string());
          writer.end_array().end_object();
        });
      }));
}

void identity_groups_list_name(Exchange& x, std::string_view) {
  using Groups = std::vector<api::GroupFound>;
  x.port().list_groups(x.admission(), {}, kListedMax + 1,
                       x.then<Groups>([](Exchange& self, const Groups& groups) {
                         const auto complete = check_listed({}, groups.size());
                         if (!complete) return self.refuse(complete.error());
                         std::vector<std::string> names;
                         for (const auto& found : groups) names.push_back(found.group.name);
                         answer_names(self, std::move(names));
                       }));
}

void identity_lookup_group(Exchange& x, std::string_view) {
  COFFER_FIELD(auto query, x, read_lookup(x.fields()));
  find(x, std::move(query), true);
}

}  // namespace coffer::net::vault
