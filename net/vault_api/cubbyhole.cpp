// cubbyhole/: a token's own KV version 1. All of it is one secret, under the token's id: a JSON
// object of the entries by path. So a change reads it, changes one entry and writes it on the
// condition that nobody else has done so meanwhile.
#include <fmt/format.h>

#include <set>

#include "net/vault_api/handlers.h"
#include "net/vault_api/kv_json.h"

namespace coffer::net::vault {
namespace {

constexpr std::size_t kEntriesMax = 1000;
constexpr std::size_t kBytesMax = 256 * 1024;  // of all entries and their paths
constexpr std::size_t kPathBytesMax = 512;
constexpr unsigned kAttemptsMax = 32;
// What is stored is bounded by its bytes, and one level deeper than a body.
constexpr json::ParseLimits kStoredLimits{
    .depth_max = 128, .nodes_max = 2'000'000, .strings_max = 0};

std::string place_of(const Exchange& x) {
  return to_hex(x.admission()->token->id.view());
}

// The entries; an empty object when there are none.
Result<json::Document> entries_of(const api::SecretRead& read) {
  if (!read.value) return json::Document::parse("{}");
  auto entries = json::Document::parse(read.value->expose_text(), kStoredLimits);
  // What cannot be read again is ours to answer for, not the caller's.
  if (!entries) return fail(ErrorCode::corrupt, {});
  return entries;
}

void read_entry(Exchange& x, const std::string& path, const api::SecretRead& read) {
  COFFER_FIELD(const auto entries, x, entries_of(read));
  const auto* value = entries.root().find(path);
  if (value == nullptr) return x.refuse(ErrorCode::not_found, {});
  x.answer_data(read.value->size(), [&](json::Writer& writer) {
    SecretBytes text;
    json::write(*value, text);
    writer.raw(text.expose_text());
  });
}

void list_entries(Exchange& x, std::string_view folder, const api::SecretRead& read) {
  COFFER_FIELD(const auto entries, x, entries_of(read));
  std::set<std::string_view> names;  // sorted, once each
  for (const auto& member : entries.root().members()) {
    if (!member.key.starts_with(folder)) continue;
    const auto rest = member.key.substr(folder.size());
    const auto slash = rest.find('/');
    if (!rest.empty()) names.insert(slash == rest.npos ? rest : rest.substr(0, slash + 1));
  }
  if (names.empty()) return x.refuse(ErrorCode::not_found, {});
  x.answer_data(32 * names.size(), [&](json::Writer& writer) {
    writer.begin_object().key("keys").begin_array();
    for (const auto name : names) writer.string(name);
    writer.end_array().end_object();
  });
}

struct Change {
  std::string path;
  SecretBytes value;  // JSON text; empty: the entry goes
  unsigned attempts = 0;
};
using ChangePtr = std::shared_ptr<Change>;

Result<SecretBytes> changed(const Change& change, const json::Document& entries) {
  SecretBytes out;
  std::size_t count = 0;
  json::Writer writer(out);
  writer.begin_object();
  const auto put = [&](std::string_view path, std::string_view text) {
    writer.key(path).raw(text);
    ++count;
  };
  for (const auto& member : entries.root().members()) {
    if (member.key == change.path) continue;
    SecretBytes text;
    json::write(*member.value, text);
    put(member.key, text.expose_text());
  }
  if (!change.value.empty()) put(change.path, change.value.expose_text());
  writer.end_object();
  if (change.value.empty()) return out;  // a removal is never refused
  if (count > kEntriesMax)
    return fail(ErrorCode::too_large, fmt::format("a cubbyhole has at most {} paths", kEntriesMax));
  if (out.size() > kBytesMax)
    return fail(ErrorCode::too_large, fmt::format("a cubbyhole has at most {} bytes", kBytesMax));
  return out;
}

void attempt(Exchange& x, const ChangePtr& change);

void written(Exchange& x, const ChangePtr& change, const api::SecretWritten& result) {
  if (!result.conflict) return x.answer(no_content(), result.recorded);
  if (change->attempts < kAttemptsMax) return attempt(x, change);
  x.refuse(ErrorCode::overloaded, {});
}

void write_changed(Exchange& x, const ChangePtr& change, const api::SecretRead& read) {
  COFFER_FIELD(const auto entries, x, entries_of(read));
  if (change->value.empty() && entries.root().find(change->path) == nullptr)
    return x.answer(no_content());
  COFFER_FIELD(auto value, x, changed(*change, entries));
  api::WriteSecret request;
  request.path = place_of(x);
  request.value = std::move(value);
  request.based_on = read.version;
  x.port().write_secret(x.admission(), std::move(request), 204,
                        x.then<api::SecretWritten>([change](Exchange& self, auto result) {
                          written(self, change, result);
                        }));
}

void attempt(Exchange& x, const ChangePtr& change) {
  ++change->attempts;
  x.port().read_secret(x.admission(), place_of(x), 0,
                       x.then<api::SecretRead>([change](Exchange& self, const auto& read) {
                         write_changed(self, change, read);
                       }));
}

void write_entry(Exchange& x, std::string_view path) {
  const auto* body = x.request().field_root();
  if (body == nullptr || body->members().empty())
    return x.refuse(ErrorCode::invalid_argument, "missing data fields");
  if (path.size() > kPathBytesMax)
    return x.refuse(ErrorCode::invalid_argument,
                    fmt::format("the path is longer than {} bytes", kPathBytesMax));
  const auto change = std::make_shared<Change>();
  change->path = path;
  json::write(*body, change->value);
  attempt(x, change);
}

void remove_entry(Exchange& x, std::string_view path) {
  const auto change = std::make_shared<Change>();
  change->path = path;
  attempt(x, change);
}

}  // namespace

void cubbyhole(Exchange& x, std::string_view path) {
  const auto with_entries = [&](auto then) {
    x.port().read_secret(x.admission(), place_of(x), 0,
                         x.then<api::SecretRead>([then, own = std::string(path)](
                                                     Exchange& self, const api::SecretRead& read) {
                           then(self, own, read);
                         }));
  };
  switch (x.operation()) {
    case policy::Operation::read:
      if (is_folder(path)) return x.refuse(ErrorCode::not_found, {});
      return with_entries(read_entry);
    case policy::Operation::create:
    case policy::Operation::update:
      return write_entry(x, path);
    case policy::Operation::remove:
      return remove_entry(x, path);
    case policy::Operation::list:
      return with_entries(list_entries);
    case policy::Operation::patch:
    case policy::Operation::scan:
      break;
  }
  x.refuse(ErrorCode::unsupported, std::string(kUnsupportedOperation));
}

}  // namespace coffer::net::vault
