#include "actors/state_index.h"

#include <charconv>

#include <fmt/format.h>

#include "hsm/envelope_cipher.h"

namespace coffer::actors {
namespace {

constexpr std::string_view kVersion = "v1:";
constexpr std::string_view kReplicated = ":0";
constexpr std::size_t kTenantHex = 32;
constexpr std::size_t kTagBytes = 16;
constexpr std::size_t kTextMax = 160;  // the longest one has 136

std::string tag_of(const TenantKeys& root_keys, std::string_view state) {
  const auto tag = root_keys.state_tag(state);
  return to_hex(BytesView(tag).first(kTagBytes));
}

std::optional<StateIndex> parse_state(std::string_view state) {
  if (!state.starts_with(kVersion) || !state.ends_with(kReplicated)) return std::nullopt;
  state.remove_prefix(kVersion.size());
  state.remove_suffix(kReplicated.size());
  if (state.size() < kTenantHex + 2 || state[kTenantHex] != ':') return std::nullopt;
  const auto tenant = from_hex(state.substr(0, kTenantHex));
  if (tenant.empty()) return std::nullopt;
  StateIndex index{TenantId::from_bytes(tenant), 0};
  const auto number = state.substr(kTenantHex + 1);
  const auto* const last = number.data() + number.size();
  const auto [end, error] = std::from_chars(number.data(), last, index.sequence);
  if (error != std::errc{} || end != last) return std::nullopt;
  return index;
}

Result<StateIndex> refused() {
  return fail(ErrorCode::invalid_argument, "X-Vault-Index is not an index of this vault");
}

}  // namespace

std::string encode_state_index(const TenantKeys& root_keys, const StateIndex& index) {
  auto text =
      fmt::format("{}{}:{}{}", kVersion, to_hex(index.tenant.view()), index.sequence, kReplicated);
  const auto tag = tag_of(root_keys, text);
  text.append(1, ':').append(tag);
  return hsm::base64_encode(as_bytes(text));
}

Result<StateIndex> decode_state_index(const TenantKeys& root_keys, std::string_view text) {
  if (text.size() > kTextMax) return refused();
  const auto decoded = hsm::base64_decode(text);
  if (!decoded) return refused();
  const auto whole = decoded->expose_text();
  const auto colon = whole.rfind(':');
  if (colon == std::string_view::npos) return refused();
  const auto state = whole.substr(0, colon);
  const auto expected = tag_of(root_keys, state);
  if (!equal_constant_time(as_bytes(expected), as_bytes(whole.substr(colon + 1)))) return refused();
  const auto index = parse_state(state);
  return index ? Result<StateIndex>(*index) : refused();
}

}  // namespace coffer::actors
