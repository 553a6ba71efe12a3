#include "net/authn/jws.h"

#include <algorithm>
#include <array>

#include "net/authn/base64url.h"
#include "net/authn/jwk_set.h"

namespace coffer::authn {
namespace {

constexpr json::ParseLimits kHeaderLimits{
    .depth_max = 4, .nodes_max = 100, .strings_max = 0, .unique_keys = true};
constexpr json::ParseLimits kClaimLimits{
    .depth_max = 16, .nodes_max = 4000, .strings_max = 0, .unique_keys = true};
constexpr std::size_t kTypeBytesMax = 100;
constexpr std::string_view kApplication = "application/";

using Segments = std::array<std::string_view, 3>;

std::optional<Segments> split(std::string_view token) {
  const std::size_t first = token.find('.');
  if (first == std::string_view::npos) return std::nullopt;
  const std::size_t second = token.find('.', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  Segments segments{token.substr(0, first), token.substr(first + 1, second - first - 1),
                    token.substr(second + 1)};
  const bool is_whole =
      std::ranges::none_of(segments, [](std::string_view segment) { return segment.empty(); });
  return is_whole ? std::optional(segments) : std::nullopt;
}

// A JSON object, or the fault that says which part is broken.
Judged<json::Document> parse_object(const Bytes& bytes, const json::ParseLimits& limits,
                                    TokenFault malformed) {
  auto document = json::Document::parse(as_text(bytes), limits);
  if (!document) {
    const bool is_over = document.error().code == ErrorCode::too_large;
    return refuse(is_over ? TokenFault::too_large : malformed);
  }
  if (!document->root().is_object()) return refuse(malformed);
  return std::move(*document);
}

// A string member of at most `bytes_max`; no value when absent.
Judged<std::optional<std::string>> text_member(const json::Value& header, std::string_view name,
                                               std::size_t bytes_max) {
  const json::Value* member = header.find(name);
  if (member == nullptr) return std::optional<std::string>();
  if (!member->is_string() || member->text().size() > bytes_max)
    return refuse(TokenFault::malformed_header);
  return std::optional<std::string>(member->text());
}

Judged<TokenHeader> read_header(const json::Value& header) {
  const json::Value* name = header.find("alg");
  if (name == nullptr || !name->is_string()) return refuse(TokenFault::malformed_header);
  const auto algorithm = parse_algorithm(name->text());
  if (!algorithm) return refuse(TokenFault::unsupported_algorithm);
  // `b64` changes what is signed and may only come with `crit` (RFC 7797, 6).
  for (const std::string_view extension : {"crit", "b64"}) {
    if (header.find(extension) != nullptr) return refuse(TokenFault::critical_header);
  }
  for (const std::string_view key : {"jwk", "x5c"}) {
    if (header.find(key) != nullptr) return refuse(TokenFault::embedded_key);
  }
  auto kid = text_member(header, "kid", kKidBytesMax);
  COFFER_JUDGE(kid);
  auto type = text_member(header, "typ", kTypeBytesMax);
  COFFER_JUDGE(type);
  return TokenHeader{*algorithm, std::move(*kid), std::move(*type)};
}

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

std::string_view without_application(std::string_view type) noexcept {
  if (equal_ignoring_case(type.substr(0, kApplication.size()), kApplication))
    type.remove_prefix(kApplication.size());
  return type;
}

}  // namespace

Judged<ParsedToken> parse_token(std::string_view token) {
  if (token.size() > kTokenBytesMax) return refuse(TokenFault::too_large);
  const auto segments = split(token);
  if (!segments) return refuse(TokenFault::malformed_token);
  const auto header_bytes = base64url_decode((*segments)[0]);
  const auto claim_bytes = base64url_decode((*segments)[1]);
  auto signature = base64url_decode((*segments)[2]);
  if (!header_bytes || !claim_bytes || !signature) return refuse(TokenFault::malformed_token);
  if (header_bytes->size() > kHeaderBytesMax) return refuse(TokenFault::too_large);

  const auto header_json = parse_object(*header_bytes, kHeaderLimits, TokenFault::malformed_header);
  COFFER_JUDGE(header_json);
  auto header = read_header(header_json->root());
  COFFER_JUDGE(header);
  auto claims = parse_object(*claim_bytes, kClaimLimits, TokenFault::malformed_claims);
  COFFER_JUDGE(claims);
  const std::size_t signed_size = (*segments)[0].size() + 1 + (*segments)[1].size();
  return ParsedToken{std::move(*header), std::move(*claims), token.substr(0, signed_size),
                     std::move(*signature)};
}

std::string_view claimed_issuer(const ParsedToken& token) noexcept {
  const json::Value* issuer = token.claims.root().find("iss");
  return issuer != nullptr && issuer->is_string() ? issuer->text() : std::string_view();
}

bool is_type(const TokenHeader& header, std::string_view wanted) noexcept {
  return header.type &&
         equal_ignoring_case(without_application(*header.type), without_application(wanted));
}

}  // namespace coffer::authn
