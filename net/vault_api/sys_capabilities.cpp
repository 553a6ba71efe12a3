// sys/capabilities, -self and -accessor: what a token may do with some paths.
#include <algorithm>

#include "net/vault_api/handlers.h"

namespace coffer::net::vault {
namespace {

using Names = std::vector<std::string>;

constexpr std::size_t kPathsMax = 1000;

// `paths`, or the older `path`, which may be a list too.
Result<Names> read_paths(const Fields& fields) {
  COFFER_ASSIGN(auto paths, fields.text_list("paths"));
  if (!paths || paths->empty()) {
    COFFER_ASSIGN(paths, fields.text_list("path"));
  }
  if (!paths || paths->empty()) return fail(ErrorCode::invalid_argument, "paths must be supplied");
  if (paths->size() > kPathsMax) return fail(ErrorCode::invalid_argument, "too many paths");
  if (std::find(paths->begin(), paths->end(), "") != paths->end())
    return fail(ErrorCode::invalid_argument, one_error("missing path"));
  return std::move(*paths);
}

void write_list(json::Writer& writer, const Names& names) {
  writer.begin_array();
  for (const auto& name : names) writer.string(name);
  writer.end_array();
}

void answer_capabilities(Exchange& x, const Names& paths, const std::vector<Names>& found) {
  if (found.size() != paths.size()) return x.refuse(ErrorCode::internal, {});
  // A path may have been asked for twice; it appears once.
  std::map<std::string_view, const Names*> by_path;
  for (std::size_t i = 0; i < paths.size(); ++i) by_path.emplace(paths[i], &found[i]);
  x.answer_injected([&](json::Writer& writer) {
    writer.begin_object();
    // A path of this very name would clash; the single answer is the same list then.
    if (paths.size() == 1 && paths.front() != "capabilities") {
      writer.key("capabilities");
      write_list(writer, found.front());
    }
    for (const auto& [path, names] : by_path) {
      writer.key(path);
      write_list(writer, *names);
    }
    writer.end_object();
  });
}

void ask(Exchange& x, api::TokenReference reference) {
  COFFER_FIELD(auto paths, x, read_paths(x.fields()));
  auto asked = paths;
  x.port().capabilities(
      x.admission(), std::move(reference), std::move(asked),
      x.then<std::vector<Names>>([paths = std::move(paths)](Exchange& self, const auto& found) {
        answer_capabilities(self, paths, found);
      }));
}

}  // namespace

void sys_capabilities_self(Exchange& x, std::string_view) {
  api::TokenReference reference;
  reference.self = true;
  ask(x, std::move(reference));
}

void sys_capabilities_token(Exchange& x, std::string_view) {
  const auto* token = x.fields().find("token");
  if (token == nullptr || token->text().empty())
    return x.refuse(ErrorCode::invalid_argument, one_error("missing token"));
  api::TokenReference reference;
  reference.token = SecretBytes(token->text());
  ask(x, std::move(reference));
}

void sys_capabilities_accessor(Exchange& x, std::string_view) {
  COFFER_FIELD(auto accessor, x, x.fields().text("accessor"));
  if (!accessor || accessor->empty())
    return x.refuse(ErrorCode::invalid_argument, one_error("missing accessor"));
  api::TokenReference reference;
  reference.accessor = std::move(*accessor);
  ask(x, std::move(reference));
}

}  // namespace coffer::net::vault
