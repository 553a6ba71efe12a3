#include "net/vault_api/body_parser.h"

#include <algorithm>
#include <vector>

#include "net/vault_api/url_text.h"

namespace coffer::net::vault {
namespace {

constexpr std::string_view kBlank = " \t\r\n";
constexpr std::string_view kFormType = "application/x-www-form-urlencoded";

Error invalid(std::string text) {
  return fail(ErrorCode::invalid_argument, std::move(text));
}

struct Pair {
  std::string_view key;  // in the document's arena
  const json::Value* value;
};

// Adds "a=1&b=2" to a document. Decodes through one scratch buffer, since a form may hold secrets.
class PairReader {
 public:
  PairReader(json::Document& document, std::size_t longest, std::size_t pairs_max)
      : document_(document), scratch_(longest), pairs_max_(pairs_max) {}

  // Errors: too_large. Broken pairs are counted and left out.
  Result<void> read(std::string_view text) {
    while (!text.empty()) {
      const auto end = text.find('&');
      const auto pair = text.substr(0, end);
      if (!pair.empty()) COFFER_TRY(add(pair));
      if (end == std::string_view::npos) break;
      text.remove_prefix(end + 1);
    }
    return {};
  }
  [[nodiscard]] bool any_broken() const noexcept { return broken_; }
  [[nodiscard]] bool empty() const noexcept { return pairs_.empty(); }

  // Values of one key in the order they came.
  const json::Value* make_object() {
    std::stable_sort(pairs_.begin(), pairs_.end(),
                     [](const Pair& a, const Pair& b) { return a.key < b.key; });
    std::vector<json::Member> members;
    std::vector<const json::Value*> repeated;
    for (std::size_t i = 0; i < pairs_.size();) {
      std::size_t end = i + 1;
      while (end < pairs_.size() && pairs_[end].key == pairs_[i].key) ++end;
      const auto* value = pairs_[i].value;
      if (end - i > 1) {
        repeated.clear();
        for (auto at = i; at < end; ++at) repeated.push_back(pairs_[at].value);
        value = document_.make_array(repeated);
      }
      members.push_back({pairs_[i].key, value});
      i = end;
    }
    return document_.make_object(members);
  }

 private:
  const json::Value* decode(std::string_view text) {
    auto* out = reinterpret_cast<char*>(scratch_.writable().data());
    const auto size = percent_decode(text, true, out);
    if (!size || !is_utf8({out, *size})) return nullptr;
    return document_.make_string({out, *size});
  }

  Result<void> add(std::string_view pair) {
    if (pairs_.size() >= pairs_max_) return fail(ErrorCode::too_large, "too many parameters");
    const auto equals = pair.find('=');
    const auto* key = decode(pair.substr(0, equals));
    const auto* value =
        decode(equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1));
    if (key == nullptr || value == nullptr || pair.find(';') != std::string_view::npos) {
      broken_ = true;
      return {};
    }
    if (key->text() != "help") pairs_.push_back({key->text(), value});
    return {};
  }

  json::Document& document_;
  SecretBytes scratch_;
  std::size_t pairs_max_;
  std::vector<Pair> pairs_;
  bool broken_ = false;
};

Result<OptionalFields> parse_form(std::string_view body, const VaultApiOptions& options) {
  json::Document document;
  PairReader reader(document, body.size(), options.strings_max);
  if (!reader.read(body) || reader.any_broken()) return invalid("error parsing form data");
  document.set_root(reader.make_object());
  return OptionalFields{std::move(document)};
}

Result<OptionalFields> parse_json(std::string_view body, const VaultApiOptions& options) {
  const json::ParseLimits limits{options.json_depth_max, options.json_nodes_max,
                                 options.strings_max};
  auto document = json::Document::parse(body, limits);
  if (!document) {
    const auto& error = document.error();
    if (error.code == ErrorCode::too_large)
      return invalid("refused JSON input due to high complexity: " + error.message);
    return invalid("failed to decode JSON input: " + error.message);
  }
  const auto kind = document->root().kind();
  if (kind == json::Kind::null) return OptionalFields{};
  if (kind != json::Kind::object) return invalid("failed to decode JSON input: not an object");
  return OptionalFields{std::move(document).value()};
}

bool is_token(std::string_view text) noexcept {
  constexpr std::string_view kSeparators = "()<>@,;:\\\"/[]?=";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return c > 0x20 && c < 0x7F && kSeparators.find(c) == std::string_view::npos;
  });
}

std::string_view trim(std::string_view text) noexcept {
  const auto first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

// Takes `; name=value` from the front of `rest`; false when it is none.
bool take_parameter(std::string_view& rest) noexcept {
  rest = trim(rest.substr(1));
  if (rest.empty()) return true;  // a semicolon at the end
  const auto equals = rest.find('=');
  if (equals == std::string_view::npos || !is_token(trim(rest.substr(0, equals)))) return false;
  rest = trim(rest.substr(equals + 1));
  if (!rest.starts_with('"')) {
    const auto end = std::min(rest.find(';'), rest.size());
    if (!is_token(trim(rest.substr(0, end)))) return false;
    rest.remove_prefix(end);
    return true;
  }
  std::size_t at = 1;
  while (at < rest.size() && rest[at] != '"') at += rest[at] == '\\' ? 2 : 1;
  if (at >= rest.size()) return false;
  rest = trim(rest.substr(at + 1));
  return rest.empty() || rest.front() == ';';
}

}  // namespace

Result<OptionalFields> parse_query(std::string_view query, const VaultApiOptions& options) {
  if (query.empty()) return OptionalFields{};
  json::Document document;
  PairReader reader(document, query.size(), options.query_parameters_max);
  COFFER_TRY(reader.read(query));
  if (reader.empty()) return OptionalFields{};
  document.set_root(reader.make_object());
  return OptionalFields{std::move(document)};
}

Result<OptionalFields> parse_body(std::string_view body, std::string_view content_type,
                                  const VaultApiOptions& options) {
  const auto first = body.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return OptionalFields{};
  const bool looks_like_json = body[first] == '{' || body[first] == '[';
  if (!looks_like_json && !content_type.empty()) {
    const auto type = parse_media_type(content_type);
    if (type.ok() && type.value() == kFormType) return parse_form(body, options);
  }
  return parse_json(body, options);
}

Result<std::string> parse_media_type(std::string_view content_type) {
  const auto end = std::min(content_type.find(';'), content_type.size());
  const auto type = trim(content_type.substr(0, end));
  const auto slash = type.find('/');
  if (!is_token(type.substr(0, slash))) return invalid("mime: no media type");
  if (slash != std::string_view::npos && !is_token(type.substr(slash + 1)))
    return invalid("mime: expected token after slash");
  auto rest = content_type.substr(end);
  while (!rest.empty())
    if (!take_parameter(rest)) return invalid("mime: invalid media parameter");
  std::string out(type);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

}  // namespace coffer::net::vault
