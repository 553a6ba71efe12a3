#include "events/codec/event_registry.h"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <type_traits>

#include "events/codec/event_messages.h"

namespace coffer::codec {
namespace {

// Where an event type stands in its aggregate's variant, and that in AnyEvent.
template <class E, class Variant>
struct Alternative;
template <class E, class... Es>
struct Alternative<E, std::variant<Es...>> {
  static constexpr bool found = (std::is_same_v<E, Es> || ...);
  static constexpr std::size_t index = [] {
    std::size_t at = 0;
    static_cast<void>(((std::is_same_v<E, Es> || (++at, false)) || ...));
    return at;
  }();
};
template <class E, class Variant>
struct Owner;
template <class E, class... Aggregates>
struct Owner<E, std::variant<Aggregates...>> {
  static constexpr std::size_t index = [] {
    std::size_t at = 0;
    static_cast<void>(((Alternative<E, Aggregates>::found || (++at, false)) || ...));
    return at;
  }();
};
template <class E>
inline constexpr std::size_t kAggregate = Owner<E, AnyEvent>::index;
template <class E>
using AggregateEvent = std::variant_alternative_t<kAggregate<E>, AnyEvent>;
template <class E>
using MessageOf = decltype(to_message(std::declval<const E&>()));

template <class E>
Bytes encode_as(const AnyEvent& event) {
  const auto* aggregate_event = std::get_if<kAggregate<E>>(&event);
  COFFER_CHECK(aggregate_event != nullptr);
  const auto* own = std::get_if<E>(aggregate_event);
  COFFER_CHECK(own != nullptr);
  return serialise(to_message(*own));
}

template <class E>
Result<AnyEvent> decode_as(BytesView body) {
  MessageOf<E> message;
  if (!parse(message, body)) return fail(ErrorCode::corrupt, "the body is not a message");
  E event;
  FieldReader in;
  from_message(message, event, in);
  if (in.first_fault()) return fail(ErrorCode::corrupt, *in.first_fault());
  return AnyEvent(std::in_place_index<kAggregate<E>>, std::move(event));
}

template <class E>
const google::protobuf::Message& prototype_of() {
  return MessageOf<E>::default_instance();
}

template <class E>
constexpr EventRow row(std::uint32_t type, std::string_view name, std::uint32_t schema_version) {
  return {type,
          name,
          schema_version,
          kAggregate<E>,
          Alternative<E, AggregateEvent<E>>::index,
          &encode_as<E>,
          &decode_as<E>,
          &prototype_of<E>};
}

constexpr std::array kRows = {
    row<secret::SecretCreated>(101, "secret.created", 1),
    row<secret::SecretVersionWritten>(102, "secret.version_written", 1),
    row<secret::SecretVersionsDeleted>(103, "secret.versions_deleted", 1),
    row<secret::SecretVersionsUndeleted>(104, "secret.versions_undeleted", 1),
    row<secret::SecretVersionsDestroyed>(105, "secret.versions_destroyed", 1),
    row<secret::SecretMetadataChanged>(106, "secret.metadata_changed", 1),
    row<secret::SecretRemoved>(107, "secret.removed", 1),
    row<tenant::TenantCreated>(201, "tenant.created", 1),
    row<tenant::TenantMetadataChanged>(202, "tenant.metadata_changed", 1),
    row<tenant::TenantDeleted>(203, "tenant.deleted", 1),
    row<tenant::MountEnabled>(204, "tenant.mount_enabled", 1),
    row<tenant::MountTuned>(205, "tenant.mount_tuned", 1),
    row<tenant::MountDisabled>(206, "tenant.mount_disabled", 1),
    row<tenant::MountSettingsChanged>(207, "tenant.mount_settings_changed", 1),
    row<tenant::MountOptionsChanged>(208, "tenant.mount_options_changed", 1),
    row<tenant::MountMoved>(209, "tenant.mount_moved", 1),
    row<tenant::TokenRoleWritten>(210, "tenant.token_role_written", 1),
    row<tenant::TokenRoleRemoved>(211, "tenant.token_role_removed", 1),
    row<tenant::PasswordPolicyWritten>(240, "tenant.password_policy_written", 1),
    row<tenant::PasswordPolicyRemoved>(241, "tenant.password_policy_removed", 1),
    row<tenant::RateLimitWritten>(242, "tenant.rate_limit_written", 1),
    row<tenant::RateLimitRemoved>(243, "tenant.rate_limit_removed", 1),
    row<tenant::QuotaSettingsChanged>(244, "tenant.quota_settings_changed", 1),
    row<tenant::UnsealSharesChanged>(245, "tenant.unseal_shares_changed", 1),
    row<keyring::KeyringCreated>(301, "keyring.created", 1),
    row<keyring::TenantKeyRotated>(302, "keyring.tenant_key_rotated", 1),
    row<keyring::TenantKeyRewrapped>(303, "keyring.tenant_key_rewrapped", 1),
    row<keyring::TenantKeyRetired>(304, "keyring.tenant_key_retired", 1),
    row<token::TokenCreated>(401, "token.created", 1),
    row<token::TokenRenewed>(402, "token.renewed", 1),
    row<token::TokenUsed>(403, "token.used", 1),
    row<token::TokenRevoked>(404, "token.revoked", 1),
    row<token::TokenForgotten>(405, "token.forgotten", 1),
    row<policy::PolicyWritten>(501, "policy.written", 1),
    row<policy::PolicyRemoved>(502, "policy.removed", 1),
    row<identity::EntityWritten>(801, "identity.entity_written", 1),
    row<identity::EntityRemoved>(802, "identity.entity_removed", 1),
    row<identity::GroupWritten>(811, "identity.group_written", 1),
    row<identity::GroupRemoved>(812, "identity.group_removed", 1),
    row<identity::GroupMembersChanged>(813, "identity.group_members_changed", 1),
};

template <class... Aggregates>
constexpr std::size_t count_events(std::type_identity<std::variant<Aggregates...>>) {
  return (std::variant_size_v<Aggregates> + ...);
}

// Type numbers ascend and no event or name stands in two rows.
constexpr bool rows_are_distinct() {
  for (std::size_t i = 0; i < kRows.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (kRows[j].type >= kRows[i].type || kRows[j].name == kRows[i].name ||
          (kRows[j].aggregate == kRows[i].aggregate &&
           kRows[j].alternative == kRows[i].alternative))
        return false;
  return true;
}
static_assert(kRows.size() == count_events(std::type_identity<AnyEvent>{}), "one row an event");
static_assert(rows_are_distinct());

const EventRow* find_row(std::uint32_t type) noexcept {
  const auto* found =
      std::lower_bound(kRows.begin(), kRows.end(), type,
                       [](const EventRow& r, std::uint32_t t) { return r.type < t; });
  return found != kRows.end() && found->type == type ? found : nullptr;
}

}  // namespace

std::span<const EventRow> event_registry() noexcept {
  return kRows;
}

Result<const EventRow*> find_event(const EventHead& head) {
  const EventRow* found = find_row(head.type);
  if (found == nullptr)
    return fail(ErrorCode::corrupt, fmt::format("event type {} is not known", head.type));
  if (head.schema_version != found->schema_version)
    return corrupt_event(*found,
                         fmt::format("schema version {} is not known", head.schema_version));
  return found;
}

Error corrupt_event(const EventRow& row, const std::string& what) {
  return fail(ErrorCode::corrupt, fmt::format("event type {} ({}): {}", row.type, row.name, what));
}

EncodedEvent encode_event(const AnyEvent& event) {
  const std::size_t alternative =
      std::visit([](const auto& aggregate_event) { return aggregate_event.index(); }, event);
  const auto* found = std::find_if(kRows.begin(), kRows.end(), [&](const EventRow& r) {
    return r.aggregate == event.index() && r.alternative == alternative;
  });
  COFFER_CHECK(found != kRows.end());
  return {{found->type, found->schema_version}, found->encode(event)};
}

Result<AnyEvent> decode_event(const EventHead& head, BytesView body) {
  COFFER_ASSIGN(const EventRow* row, find_event(head));
  auto event = row->decode(body);
  if (!event) return corrupt_event(*row, event.error().message);
  return event;
}

std::string_view event_name(std::uint32_t type) noexcept {
  const EventRow* found = find_row(type);
  return found == nullptr ? std::string_view{} : found->name;
}

}  // namespace coffer::codec
