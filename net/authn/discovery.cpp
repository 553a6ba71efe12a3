#include "net/authn/discovery.h"

#include "events/json/json_value.h"

namespace coffer::authn {
namespace {

constexpr json::ParseLimits kLimits{
    .depth_max = 8, .nodes_max = 5'000, .strings_max = 0, .unique_keys = true};

// An https address; "" when absent.
Result<std::string> address(const json::Value& document, std::string_view name) {
  const json::Value* member = document.find(name);
  if (member == nullptr) return std::string();
  if (!member->is_string() || !member->text().starts_with("https://"))
    return fail(ErrorCode::invalid_argument, "the issuer's metadata has an address without https");
  return std::string(member->text());
}

}  // namespace

std::string discovery_url(std::string_view issuer) {
  if (issuer.ends_with('/')) issuer.remove_suffix(1);
  return std::string(issuer) + "/.well-known/openid-configuration";
}

Result<ProviderMetadata> parse_provider_metadata(std::string_view text, std::string_view issuer) {
  if (text.size() > kDiscoveryBytesMax)
    return fail(ErrorCode::too_large, "the issuer's metadata is too large");
  COFFER_ASSIGN(const json::Document document, json::Document::parse(text, kLimits));
  const json::Value& root = document.root();
  const json::Value* named = root.find("issuer");
  if (named == nullptr || !named->is_string())
    return fail(ErrorCode::invalid_argument, "the issuer's metadata names no issuer");
  if (named->text() != issuer)
    return fail(ErrorCode::invalid_argument, "the issuer's metadata names another issuer");
  ProviderMetadata metadata;
  metadata.issuer = std::string(issuer);
  COFFER_ASSIGN(metadata.jwks_uri, address(root, "jwks_uri"));
  COFFER_ASSIGN(metadata.authorization_endpoint, address(root, "authorization_endpoint"));
  COFFER_ASSIGN(metadata.token_endpoint, address(root, "token_endpoint"));
  if (metadata.jwks_uri.empty())
    return fail(ErrorCode::invalid_argument, "the issuer's metadata names no key set");
  return metadata;
}

}  // namespace coffer::authn
