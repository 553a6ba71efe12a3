// sys/namespaces: the children of the tenant that is asked.
#include "net/vault_api/handlers.h"

namespace coffer::net::vault {
namespace {

constexpr std::size_t kInfoBytes = 256;

void write_info(json::Writer& writer, const api::NamespaceInfo& info) {
  const auto id = info.id.to_string();
  writer.begin_object().key("custom_metadata").begin_object();
  for (const auto& [key, value] : info.custom_metadata) writer.key(key).string(value);
  writer.end_object();
  writer.key("id").string(id);
  writer.key("locked").boolean(false);
  writer.key("path").string(info.path);
  writer.key("tainted").boolean(false);
  writer.key("uuid").string(id);
  writer.end_object();
}

void answer_info(Exchange& x, const api::NamespaceInfo& info) {
  x.answer_data(kInfoBytes, [&](json::Writer& writer) { write_info(writer, info); });
}

Result<void> check_name(std::string_view name) {
  if (name.find('/') == std::string_view::npos) return {};
  return fail(ErrorCode::invalid_argument, "namespace name cannot contain /");
}

// Values must be strings here. With `allow_null` a null stands for removal and is left out.
Result<tenant::TextMap> read_custom(const Fields& fields, bool allow_null) {
  COFFER_ASSIGN(const auto map, fields.map("custom_metadata"));
  tenant::TextMap custom;
  if (map.object == nullptr) return custom;
  for (const auto& [key, value] : map.object->members()) {
    if (value->is_null() && allow_null) continue;
    if (!value->is_string())
      return fail(ErrorCode::invalid_argument, "custom_metadata values must be strings");
    custom.emplace(key, value->text());
  }
  return custom;
}

void change(Exchange& x, std::string_view name, tenant::TextMap custom) {
  x.port().change_namespace(x.admission(), std::string(name), std::move(custom),
                            x.then<api::NamespaceInfo>(answer_info));
}

// Creating what is there already changes it, as in Vault.
void created(Exchange& x, std::string_view name, Result<api::NamespaceInfo> result) {
  if (result.ok()) return answer_info(x, *result);
  if (result.error().code != ErrorCode::already_exists) return x.refuse(result.error());
  if (x.fields().has("custom_metadata")) {
    COFFER_FIELD(auto custom, x, read_custom(x.fields(), false));
    return change(x, name, std::move(custom));
  }
  x.port().find_namespace(x.admission(), std::string(name),
                          x.then<api::NamespaceInfo>(answer_info));
}

void patch_found(Exchange& x, std::string_view name, Result<api::NamespaceInfo> found) {
  if (!found.ok()) {
    if (found.error().code == ErrorCode::not_found)
      return x.refuse(ErrorCode::invalid_argument, "namespace not found");
    return x.refuse(found.error());
  }
  const auto fields = x.fields();
  COFFER_FIELD(auto set, x, read_custom(fields, true));
  auto merged = std::move(found->custom_metadata);
  const auto* patch = fields.find("custom_metadata");
  if (patch != nullptr && patch->is_null()) merged.clear();
  if (patch != nullptr)
    for (const auto& [key, value] : patch->members())
      if (value->is_null()) merged.erase(std::string(key));
  for (auto& [key, value] : set) merged[key] = std::move(value);
  change(x, name, std::move(merged));
}

}  // namespace

void sys_namespaces_list(Exchange& x, std::string_view) {
  using Infos = std::vector<api::NamespaceInfo>;
  x.port().list_namespaces(x.admission(), x.then<Infos>([](Exchange& self, const Infos& infos) {
    if (infos.empty()) return self.refuse(ErrorCode::not_found, {});
    self.answer_data(kInfoBytes * infos.size(), [&](json::Writer& writer) {
      writer.begin_object().key("key_info").begin_object();
      for (const auto& info : infos) {
        writer.key(info.path);
        write_info(writer, info);
      }
      writer.end_object().key("keys").begin_array();
      for (const auto& info : infos) writer.string(info.path);
      writer.end_array().end_object();
    });
  }));
}

void sys_namespace_read(Exchange& x, std::string_view name) {
  if (name.ends_with('/')) name.remove_suffix(1);
  COFFER_FIELD_CHECK(x, check_name(name));
  x.port().find_namespace(x.admission(), std::string(name),
                          x.finally<api::NamespaceInfo>([](Exchange& self, auto found) {
                            if (found.ok()) return answer_info(self, *found);
                            if (found.error().code == ErrorCode::not_found)
                              return self.refuse(ErrorCode::not_found, {});
                            self.refuse(found.error());
                          }));
}

void sys_namespace_write(Exchange& x, std::string_view name) {
  COFFER_FIELD_CHECK(x, check_name(name));
  COFFER_FIELD(auto custom, x, read_custom(x.fields(), false));
  x.port().create_namespace(x.admission(), std::string(name), std::move(custom),
                            x.finally<api::NamespaceInfo>([name](Exchange& self, auto result) {
                              created(self, name, std::move(result));
                            }));
}

void sys_namespace_patch(Exchange& x, std::string_view name) {
  COFFER_FIELD_CHECK(x, check_name(name));
  x.port().find_namespace(x.admission(), std::string(name),
                          x.finally<api::NamespaceInfo>([name](Exchange& self, auto found) {
                            patch_found(self, name, std::move(found));
                          }));
}

void sys_namespace_remove(Exchange& x, std::string_view name) {
  if (name.ends_with('/')) name.remove_suffix(1);
  COFFER_FIELD_CHECK(x, check_name(name));
  x.port().delete_namespace(
      x.admission(), std::string(name),
      x.finally<api::Changed>([](Exchange& self, Result<api::Changed> changed) {
        // Deleting what is not there is no mistake.
        const bool missing = !changed.ok() && changed.error().code == ErrorCode::not_found;
        if (missing) return self.answer(no_content());
        if (!changed.ok()) return self.refuse(changed.error());
        auto answer = data_answer(self.request_id(), 64, [](json::Writer& writer) {
          writer.begin_object().key("status").string("in-progress").end_object();
        });
        self.answer(std::move(answer), changed->recorded);
      }));
}

}  // namespace coffer::net::vault
