#include "net/snapshot/snapshot_wire.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "net/cluster/forwarding.h"

namespace coffer::net {
namespace {

constexpr std::size_t kIdChars = 36;
constexpr std::size_t kAfterBytesMax = 1'024;
constexpr std::size_t kRowBytesMax = 1'024;

Error bad(std::string_view what) {
  return fail(ErrorCode::invalid_argument, fmt::format("snapshot request: {}", what));
}
Error broken(std::string_view what) {
  return fail(ErrorCode::corrupt, fmt::format("the peer's answer: {}", what));
}

bool to_number(std::string_view text, std::uint64_t& number) noexcept {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

// What is before the separator, taken off `text`; all of it when there is none.
std::string_view take(std::string_view& text, char separator) noexcept {
  const auto at = text.find(separator);
  const auto part = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return part;
}

bool is_id(std::string_view text) noexcept {
  return text.size() == kIdChars && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == '-';
         });
}

Result<void> parse_query(std::string_view query, SnapshotRequest& out) {
  while (!query.empty()) {
    auto value = take(query, '&');
    const auto name = take(value, '=');
    bool good = false;
    if (name == "offset") good = to_number(value, out.offset);
    if (name == "length") good = to_number(value, out.length);
    if (name == "after") {
      out.after = from_hex(value);
      good = out.after.size() <= kAfterBytesMax && out.after.size() * 2 == value.size();
    }
    if (!good) return bad("its query makes no sense");
  }
  return {};
}

Result<SnapshotRequest> parse_copy(std::string_view method, std::string_view path,
                                   SnapshotRequest out) {
  const auto id = take(path, '/');
  if (!is_id(id)) return bad("its copy has no name");
  out.id = id;
  if (path.empty()) {
    if (method != "GET" && method != "DELETE") return bad("unknown method");
    out.kind = method == "GET" ? SnapshotRequest::Kind::manifest : SnapshotRequest::Kind::end;
    return out;
  }
  if (method != "GET") return bad("unknown method");
  if (path == "keys") {
    out.kind = SnapshotRequest::Kind::keys;
    return out;
  }
  if (!log::is_snapshot_file(path)) return bad("it names no file");
  out.kind = SnapshotRequest::Kind::read;
  out.file = path;
  return out;
}

}  // namespace

// ---------------------------------------------------------------- requests
bool is_snapshot_request(const HttpRequest& request) noexcept {
  return request.target.starts_with(kSnapshotPath) &&
         request.header(kForwardProtocolHeader).empty();
}

Result<SnapshotRequest> parse_snapshot_request(const HttpRequest& request) {
  std::string_view path = request.target;
  if (!path.starts_with(kSnapshotPath)) return bad("unknown path");
  path.remove_prefix(kSnapshotPath.size());
  auto query = path;
  path = take(query, '?');
  SnapshotRequest out;
  COFFER_TRY(parse_query(query, out));
  if (request.method == "GET" && path == "status") return out;
  if (request.method == "POST" && path == "copies") {
    out.kind = SnapshotRequest::Kind::begin;
    return out;
  }
  if (take(path, '/') != "copies") return bad("unknown path");
  return parse_copy(request.method, path, std::move(out));
}

// ---------------------------------------------------------------- answers
std::string encode_status(const PeerStatus& status) {
  return fmt::format("{:d} {:d} {:d} {} {}\n", status.active, status.warm, status.initialized,
                     status.events_next, status.owner);
}

Result<PeerStatus> decode_status(std::string_view text) {
  if (text.size() > 1'024 || !text.ends_with('\n')) return broken("no status");
  text.remove_suffix(1);
  PeerStatus status;
  for (bool* flag : {&status.active, &status.warm, &status.initialized}) {
    const auto word = take(text, ' ');
    if (word != "0" && word != "1") return broken("no status");
    *flag = word == "1";
  }
  if (!to_number(take(text, ' '), status.events_next)) return broken("no status");
  status.owner = text;
  return status;
}

std::string encode_manifest(const log::SnapshotManifest& manifest) {
  auto out = fmt::format("{} {}\n", manifest.topic_prefix, manifest.events_next);
  for (const auto& file : manifest.files)
    out += fmt::format("{} {} {}\n", file.name, file.size, to_hex(file.digest));
  return out + "end\n";
}

Result<log::SnapshotManifest> decode_manifest(std::string_view text) {
  log::SnapshotManifest manifest;
  if (!text.ends_with("\nend\n")) return broken("the manifest is cut off");
  auto line = take(text, '\n');
  manifest.topic_prefix = take(line, ' ');
  if (!to_number(line, manifest.events_next)) return broken("no manifest");
  while (true) {
    line = take(text, '\n');
    if (line == "end" && text.empty()) return manifest;
    log::SnapshotFile file;
    file.name = take(line, ' ');
    if (!to_number(take(line, ' '), file.size)) return broken("the manifest is cut off");
    const auto digest = from_hex(line);
    if (digest.size() != file.digest.size() || line.size() != 2 * digest.size())
      return broken("the manifest is cut off");
    std::copy(digest.begin(), digest.end(), file.digest.begin());
    manifest.files.push_back(std::move(file));
    if (manifest.files.size() > log::kSnapshotFilesMax) return broken("too many files");
  }
}

Bytes encode_key_names(const std::vector<log::KeyName>& names) {
  Bytes out;
  for (const auto& name : names) {
    append_u32(out, static_cast<std::uint32_t>(name.row.size()));
    append(out, name.row);
    append(out, name.hash);
  }
  return out;
}

Result<std::vector<log::KeyName>> decode_key_names(BytesView bytes) {
  std::vector<log::KeyName> names;
  while (!bytes.empty()) {
    log::KeyName name;
    if (bytes.size() < 4 || names.size() == log::kKeyNamesMax) return broken("bad names of keys");
    const std::size_t size = read_u32(bytes, 0);
    bytes = bytes.subspan(4);
    if (size == 0 || size > kRowBytesMax || bytes.size() < size + name.hash.size())
      return broken("bad names of keys");
    name.row.assign(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    bytes = bytes.subspan(size);
    std::copy_n(bytes.begin(), name.hash.size(), name.hash.begin());
    bytes = bytes.subspan(name.hash.size());
    names.push_back(std::move(name));
  }
  return names;
}

}  // namespace coffer::net
