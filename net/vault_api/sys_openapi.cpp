// sys/internal/specs/openapi.
#include <algorithm>
#include <array>
#include <map>

#include "events/json/json_value.h"
#include "net/vault_api/handlers.h"
#include "net/vault_api/openapi.h"
#include "net/vault_api/routes.h"

namespace coffer::net::vault {
namespace {

using policy::Operation;

// What one method of one path does.
struct Method {
  std::string_view name;  // "get"
  const Route* route = nullptr;
  bool reads = false;
  bool lists = false;
};
// Methods by path.
using Paths = std::map<std::string, std::vector<Method>>;

std::string_view method_of(Operation operation) noexcept {
  switch (operation) {
    case Operation::read:
    case Operation::list:
    case Operation::scan:
      return "get";
    case Operation::create:
    case Operation::update:
      return "post";
    case Operation::patch:
      return "patch";
    case Operation::remove:
      return "delete";
  }
  return "get";
}

// Of rows for one path and method the first counts, as for a request.
void add_method(std::vector<Method>& methods, const Route& route, Operation operation) {
  const auto name = method_of(operation);
  auto found = std::find_if(methods.begin(), methods.end(),
                            [&](const Method& method) { return method.name == name; });
  if (found == methods.end()) found = methods.insert(methods.end(), Method{name, &route});
  found->reads = found->reads || operation == Operation::read;
  found->lists = found->lists || operation == Operation::list;
}

Paths all_paths() {
  static constexpr std::array kOperations = {Operation::read, Operation::update, Operation::patch,
                                             Operation::remove, Operation::list};
  Paths paths;
  for (const auto& table : route_tables())
    for (const auto& route : table.routes)
      for (const auto operation : kOperations) {
        if (route.handler(operation) == nullptr) continue;
        auto path = "/" + route_template(table, route);
        if (operation == Operation::list && !path.ends_with('/')) path.push_back('/');
        add_method(paths[path], route, operation);
      }
  return paths;
}

// "get_sys_mounts_path_tune".
std::string operation_id(std::string_view method, std::string_view path) {
  std::string id(method);
  for (const char c : path) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (plain)
      id.push_back(c);
    else if (c == '{' || c == '/' || c == '-')
      id.push_back('_');
  }
  // A trailing slash is a path of its own.
  return path.ends_with('/') ? id + "list" : id;
}

void write_parameter(json::Writer& writer, std::string_view name, std::string_view place,
                     std::string_view type, bool required) {
  writer.begin_object().key("name").string(name).key("in").string(place);
  writer.key("required").boolean(required);
  if (name == "mount") writer.key("example").string("secret");
  writer.key("schema").begin_object().key("type").string(type).end_object().end_object();
}

void write_path_parameters(json::Writer& writer, std::string_view path) {
  writer.key("parameters").begin_array();
  for (const std::string_view name : {"mount", "path"})
    if (path.find("{" + std::string(name) + "}") != std::string_view::npos)
      write_parameter(writer, name, "path", "string", true);
  writer.end_array();
}

void write_reference(json::Writer& writer, std::string_view status, std::string_view response) {
  writer.key(status).begin_object().key("$ref").string(
      std::string("#/components/responses/").append(response));
  writer.end_object();
}

void write_responses(json::Writer& writer, const Route& route, bool patches) {
  writer.key("responses").begin_object();
  write_reference(writer, "200", route.access == Route::Access::metrics ? "Text" : "Success");
  write_reference(writer, "204", "Done");
  write_reference(writer, "400", "Refused");
  write_reference(writer, "404", patches ? "Missing" : "Error");
  for (const auto status : {"403", "405", "412", "413", "429", "500", "503"})
    write_reference(writer, status, "Error");
  // What sys/health says with these, and what a change of the path's shape says.
  for (const auto status : {"472", "473", "501"})
    if (route.prefix == "sys/health") write_reference(writer, status, "Success");
  write_reference(writer, "307", "Done");
  if (patches) write_reference(writer, "415", "Error");
  writer.end_object();
}

void write_security(json::Writer& writer, const Route& route, const VaultApiOptions& options) {
  const bool is_open = route.access == Route::Access::none ||
                       (route.access == Route::Access::metrics && options.unauthenticated_metrics);
  writer.key("security").begin_array();
  if (!is_open) {
    writer.begin_object().key("token").begin_array().end_array().end_object();
    if (route.access == Route::Access::own_checks) writer.begin_object().end_object();
  }
  writer.end_array();
  if (is_open) writer.key("x-vault-unauthenticated").boolean(true);
  if (route.root_only) writer.key("x-coffer-root-namespace-only").boolean(true);
}

void write_body(json::Writer& writer, std::string_view method) {
  if (method != "post" && method != "patch") return;
  writer.key("requestBody").begin_object().key("content").begin_object();
  writer.key(method == "patch" ? "application/merge-patch+json" : "application/json");
  writer.begin_object().key("schema").begin_object();
  writer.key("type").string("object").end_object().end_object().end_object().end_object();
}

void write_method(json::Writer& writer, const std::string& path, const Method& method,
                  const VaultApiOptions& options) {
  writer.key(method.name).begin_object();
  writer.key("operationId").string(operation_id(method.name, path));
  if (method.lists) {
    writer.key("parameters").begin_array();
    // Where the path can be read as well, the parameter makes it a listing.
    write_parameter(writer, "list", "query", "boolean", !method.reads);
    writer.end_array();
  }
  write_body(writer, method.name);
  write_responses(writer, *method.route, method.name == "patch");
  write_security(writer, *method.route, options);
  writer.end_object();
}

void write_response(json::Writer& writer, std::string_view name, std::string_view description,
                    std::string_view type, std::string_view schema) {
  writer.key(name).begin_object().key("description").string(description);
  if (!type.empty()) {
    writer.key("content").begin_object().key(type).begin_object();
    writer.key("schema").raw(schema).end_object().end_object();
  }
  writer.end_object();
}

void write_components(json::Writer& writer) {
  writer.key("components").begin_object();
  writer.key("securitySchemes").begin_object().key("token").begin_object();
  writer.key("type").string("apiKey").key("in").string("header");
  writer.key("name").string("X-Vault-Token").end_object().end_object();
  writer.key("responses").begin_object();
  write_response(writer, "Success", "the answer, mostly in Vault's envelope", "application/json",
                 R"({"type":"object"})");
  write_response(writer, "Text", "the answer", "text/plain", R"({"type":"string"})");
  write_response(writer, "Done", "nothing more to say", {}, {});
  // No schema: the format cannot say that a body may be missing.
  write_response(writer, "Refused",
                 "an error's text as in the other errors, or nothing where the path holds "
                 "characters that cannot be printed",
                 {}, {});
  write_response(writer, "Missing", "an error's text as in the other errors, or nothing", {}, {});
  // A deleted version is a 404 with data.
  write_response(
      writer, "Error", "the error's text", "application/json",
      R"({"type":"object","properties":{"errors":{"type":"array","items":{"type":"string"}}}})");
  writer.end_object().end_object();
}

}  // namespace

SecretBytes openapi_document(const VaultApiOptions& options) {
  SecretBytes document;
  json::Writer writer(document);
  writer.begin_object().key("openapi").string("3.0.3");
  writer.key("info").begin_object().key("title").string("Coffer, Vault API");
  writer.key("description").string("PUT does what POST does, LIST what GET with list=true does.");
  writer.key("version").string(options.version).end_object();
  writer.key("servers").begin_array().begin_object().key("url").string("/v1").end_object();
  writer.end_array();
  writer.key("paths").begin_object();
  for (const auto& [path, methods] : all_paths()) {
    writer.key(path).begin_object();
    write_path_parameters(writer, path);
    for (const auto& method : methods) write_method(writer, path, method, options);
    writer.end_object();
  }
  writer.end_object();
  write_components(writer);
  writer.end_object();
  return document;
}

void sys_openapi(Exchange& x, std::string_view) {
  x.answer(raw_answer(200, openapi_document(x.options())));
}

}  // namespace coffer::net::vault
