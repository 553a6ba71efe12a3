#include "net/vault_api/request_parser.h"

#include <fmt/format.h>

#include <array>

#include "net/vault_api/body_parser.h"
#include "net/vault_api/url_text.h"

namespace coffer::net::vault {
namespace {

using policy::Operation;
using Shape = ParseRefusal::Shape;

constexpr std::string_view kPrefix = "/v1/";
constexpr std::string_view kMetricsPath = "sys/metrics";
constexpr std::string_view kHealthPath = "sys/health";
constexpr std::string_view kPatchType = "application/merge-patch+json";
constexpr std::size_t kStatesMax = 16;

// Either nothing, or why the request goes no further.
using Step = std::optional<ParseRefusal>;

ParseRefusal refuse(int status, std::string text) {
  return {status, Shape::errors, std::move(text)};
}

class RequestReader {
 public:
  RequestReader(HttpRequest& request, const VaultApiOptions& options)
      : request_(request), options_(options) {}

  ParsedRequest read() {
    take_token();
    split_target();
    using Member = Step (RequestReader::*)();
    static constexpr std::array<Member, 7> kSteps = {
        &RequestReader::read_path,       &RequestReader::read_namespace,
        &RequestReader::read_method,     &RequestReader::read_fields,
        &RequestReader::read_list,       &RequestReader::read_wrapping,
        &RequestReader::read_consistency};
    for (const auto step : kSteps) {
      parsed_.refusal = (this->*step)();
      if (parsed_.refusal) break;
    }
    request_.body = SecretBytes{};
    return std::move(parsed_);
  }

 private:
  void take_token();
  void split_target() noexcept;
  Step read_path();
  Step read_namespace();
  Step read_method();
  Step read_fields();
  Step read_list();
  Step read_wrapping();
  Step read_consistency();
  Step check_patch_type() const;
  std::string_view header(std::string_view lower_case_name) const noexcept;

  HttpRequest& request_;
  const VaultApiOptions& options_;
  ParsedRequest parsed_;
  std::string_view raw_path_;
  std::string_view query_;
};

// X-Vault-Token, else the first "Authorization: Bearer x". Every copy is wiped.
void RequestReader::take_token() {
  constexpr std::string_view kScheme = "Bearer ";
  bool from_header = false;
  for (auto& [name, value] : request_.headers) {
    std::string_view text = value;
    if (name == "x-vault-token") {
      if (!text.empty() && !from_header) parsed_.token = SecretBytes(text);
      from_header = from_header || !text.empty();
    } else if (name == "authorization") {
      if (parsed_.token.empty() && text.starts_with(kScheme)) {
        text.remove_prefix(kScheme.size());
        while (text.starts_with(' ')) text.remove_prefix(1);
        parsed_.token = SecretBytes(text);
      }
    } else {
      continue;
    }
    wipe_memory(value.data(), value.size());
    value.clear();
  }
}

// Empty when absent. Our own, so that this library needs only the declarations of net/http.
std::string_view RequestReader::header(std::string_view lower_case_name) const noexcept {
  for (const auto& [name, value] : request_.headers)
    if (name == lower_case_name) return value;
  return {};
}

void RequestReader::split_target() noexcept {
  std::string_view target = request_.target;
  if (const auto scheme = target.find("://");
      scheme != std::string_view::npos && scheme < target.find('/')) {
    // The absolute form: the host has been checked with the Host header or not at all.
    const auto path = target.find('/', scheme + 3);
    target = path == std::string_view::npos ? std::string_view("/") : target.substr(path);
  }
  const auto mark = target.find('?');
  raw_path_ = target.substr(0, mark);
  if (mark != std::string_view::npos) query_ = target.substr(mark + 1);
}

Step RequestReader::read_path() {
  std::string path(raw_path_.size(), '\0');
  const auto size = percent_decode(raw_path_, false, path.data());
  if (!size) return ParseRefusal{400, Shape::plain, "400 Bad Request"};
  path.resize(*size);
  if (!is_printable(path)) return ParseRefusal{400, Shape::empty, {}};
  if (auto clean = cleaned_path(raw_path_); clean && request_.method != "CONNECT") {
    if (!query_.empty()) clean->append(1, '?').append(query_);
    return ParseRefusal{307, Shape::redirect, std::move(*clean)};
  }
  if (!path.starts_with(kPrefix)) return refuse(404, {});
  path.erase(0, kPrefix.size());
  parsed_.path = std::move(path);
  if (has_parent_segment(parsed_.path)) return refuse(400, "relative paths not supported");
  if (parsed_.path == kMetricsPath) parsed_.accept = header("accept");
  return std::nullopt;
}

Step RequestReader::read_namespace() {
  auto text = header("x-vault-namespace");
  if (text.empty()) return std::nullopt;
  if (!is_printable(text) || has_parent_segment(text)) return ParseRefusal{400, Shape::empty, {}};
  parsed_.namespace_echo = text;
  while (text.starts_with('/')) text.remove_prefix(1);
  while (text.ends_with('/')) text.remove_suffix(1);
  if (text.empty() || text == "root") return std::nullopt;
  parsed_.namespace_path.reserve(text.size() + 1);
  parsed_.namespace_path.append(text).push_back('/');
  return std::nullopt;
}

Step RequestReader::read_method() {
  const std::string_view method = request_.method;
  if (method == "GET") return std::nullopt;
  parsed_.is_write = method == "POST" || method == "PUT" || method == "PATCH";
  if (method == "POST" || method == "PUT")
    parsed_.operation = Operation::update;
  else if (method == "PATCH")
    parsed_.operation = Operation::patch;
  else if (method == "DELETE")
    parsed_.operation = Operation::remove;
  else if (method == "LIST")
    parsed_.operation = Operation::list;
  else if (method == "SCAN")
    parsed_.operation = Operation::scan;
  else if (method == "HEAD")
    parsed_.is_head = true;
  else if (method == "OPTIONS")
    return refuse(400, "cannot handle internal-only request operation");
  else
    return refuse(405, {});
  if (parsed_.is_head && parsed_.path != kHealthPath) return refuse(405, {});
  return std::nullopt;
}

Step RequestReader::check_patch_type() const {
  const auto type = header("content-type");
  const auto media_type = parse_media_type(type);
  if (!media_type) return refuse(400, media_type.error().message);
  if (media_type.value() == kPatchType) return std::nullopt;
  return refuse(415, fmt::format("PATCH requires Content-Type of {}, provided {}", kPatchType,
                                 media_type.value()));
}

Step RequestReader::read_fields() {
  if (parsed_.operation == Operation::patch)
    if (auto refusal = check_patch_type()) return refusal;
  auto fields = parsed_.is_write
                    ? parse_body(request_.body.expose_text(), header("content-type"), options_)
                    : parse_query(query_, options_);
  if (!fields) return refuse(400, fields.error().message);
  parsed_.fields = std::move(fields).value();
  return std::nullopt;
}

// GET ?list=true is LIST, ?scan=true is SCAN; both get their trailing slash here.
Step RequestReader::read_list() {
  if (parsed_.operation == Operation::read && parsed_.fields) {
    const auto flag = [&](std::string_view name) -> std::optional<bool> {
      const auto* value = parsed_.fields->root().find(name);
      if (value == nullptr) return false;
      // Of a repeated parameter the first counts.
      if (value->is_array()) value = value->items().front();
      return value->text().empty() ? std::optional<bool>(false) : parse_bool(value->text());
    };
    const auto list = flag("list");
    const auto scan = flag("scan");
    if (!list || !scan || (*list && *scan)) return refuse(400, {});
    if (*list) parsed_.operation = Operation::list;
    if (*scan) parsed_.operation = Operation::scan;
  }
  const bool lists = parsed_.operation == Operation::list || parsed_.operation == Operation::scan;
  if (lists && !parsed_.path.ends_with('/')) parsed_.path.push_back('/');
  return std::nullopt;
}

Step RequestReader::read_wrapping() {
  const auto text = header("x-vault-wrap-ttl");
  if (text.empty()) return std::nullopt;
  const auto span = parse_duration(text);
  if (!span) return refuse(400, "error parsing X-Vault-Wrap-TTL header: " + span.error().message);
  if (span.value().count < 0)
    return refuse(400, "error parsing X-Vault-Wrap-TTL header: requested wrap ttl is negative");
  parsed_.wrap_ttl = span.value();
  return std::nullopt;
}

// What to do when the state is not here does not matter: only the active node serves, and to
// forward to it is what the other nodes do anyway.
Step RequestReader::read_consistency() {
  for (const auto& [name, value] : request_.headers) {
    if (name == "x-vault-index" && !value.empty()) parsed_.states.push_back(value);
    if (name == "x-vault-inconsistent" && value != "forward-active-node" && value != "fail" &&
        !value.empty())
      return refuse(400, "unsupported value of X-Vault-Inconsistent");
  }
  if (parsed_.states.size() > kStatesMax) return refuse(400, "too many X-Vault-Index headers");
  return std::nullopt;
}

}  // namespace

ParsedRequest parse_request(HttpRequest& request, const VaultApiOptions& options) {
  return RequestReader(request, options).read();
}

}  // namespace coffer::net::vault
