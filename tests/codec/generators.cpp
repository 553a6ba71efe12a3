#include "tests/codec/generators.h"

namespace coffer::codec::random {
namespace {

namespace gen = rc::gen;

template <class T>
T any() {
  return *gen::arbitrary<T>();
}
std::string text() {
  return any<std::string>();
}
bool flag() {
  return any<bool>();
}
// Small numbers and the whole range, both.
std::uint64_t number() {
  return *gen::oneOf(gen::arbitrary<std::uint64_t>(), gen::inRange<std::uint64_t>(0, UINT64_MAX));
}
std::int64_t signed_number() {
  return static_cast<std::int64_t>(number());
}
Timestamp time() {
  return {signed_number()};
}
Seconds seconds() {
  return {signed_number()};
}
Bytes blob() {
  return any<Bytes>();
}

template <class Id>
Id id() {
  Id out;
  const auto raw = *gen::container<Bytes>(out.bytes.size(), gen::arbitrary<std::uint8_t>());
  std::copy(raw.begin(), raw.end(), out.bytes.begin());
  return out;
}
Sha256 hash() {
  Sha256 out{};
  const auto raw = *gen::container<Bytes>(out.size(), gen::arbitrary<std::uint8_t>());
  std::copy(raw.begin(), raw.end(), out.begin());
  return out;
}
Bytes optional_hash() {
  if (flag()) return {};
  const auto h = hash();
  return {h.begin(), h.end()};
}
std::map<std::string, std::string> text_map() {
  return any<std::map<std::string, std::string>>();
}
std::vector<std::string> texts() {
  return any<std::vector<std::string>>();
}
template <class Make>
auto maybe(Make make) {
  return flag() ? std::optional(make()) : std::nullopt;
}

secret::Event secret_event() {
  switch (*gen::inRange(0, 7)) {
    case 0:
      return secret::SecretCreated{id<MountId>(), text(), time()};
    case 1:
      return secret::SecretVersionWritten{number(), time(), time(),   id<KeyId>(),
                                          hash(),   blob(), number(), flag()};
    case 2:
      return secret::SecretVersionsDeleted{any<std::vector<VersionNumber>>(), time()};
    case 3:
      return secret::SecretVersionsUndeleted{any<std::vector<VersionNumber>>(), time()};
    case 4:
      return secret::SecretVersionsDestroyed{any<std::vector<VersionNumber>>()};
    case 5:
      return secret::SecretMetadataChanged{maybe(any<std::uint32_t>), maybe(flag), maybe(seconds),
                                           maybe(text_map), time()};
    default:
      return secret::SecretRemoved{time()};
  }
}

tenant::MountTuning tuning() {
  return {maybe(text), maybe(seconds), maybe(seconds), maybe(text), maybe(flag)};
}
secret::MountSettings settings() {
  return {any<std::uint32_t>(), flag(), seconds()};
}

token::TokenRole token_role() {
  return {texts(), texts(), texts(),   texts(),   flag(),   flag(),
          flag(),  text(),  seconds(), seconds(), number(), texts()};
}

quota::RateLimit rate_limit() {
  return {text(),    number(), seconds(),
          seconds(), flag(),   flag() ? quota::GroupBy::address : quota::GroupBy::none};
}

tenant::Event tenant_event() {
  switch (*gen::inRange(0, 17)) {
    case 0:
      return tenant::TenantCreated{id<TenantId>(), text(), text_map(), time()};
    case 1:
      return tenant::TenantMetadataChanged{text_map()};
    case 2:
      return tenant::TenantDeleted{time()};
    case 3:
      return tenant::MountEnabled{id<MountId>(), text(), text(), text(), text_map(),
                                  tuning(),      flag(), flag(), time()};
    case 4:
      return tenant::MountTuned{text(), tuning()};
    case 5:
      return tenant::MountDisabled{text(), id<MountId>()};
    case 6:
      return tenant::MountSettingsChanged{text(), settings()};
    case 7:
      return tenant::MountOptionsChanged{text(), text_map()};
    case 8:
      return tenant::MountMoved{text(), text(), id<MountId>(), id<tenant::MigrationId>()};
    case 9:
      return tenant::TokenRoleWritten{text(), token_role()};
    case 10:
      return tenant::TokenRoleRemoved{text()};
    case 11:
      return tenant::PasswordPolicyWritten{text(), text()};
    case 12:
      return tenant::PasswordPolicyRemoved{text()};
    case 13:
      return tenant::RateLimitWritten{text(), rate_limit()};
    case 14:
      return tenant::RateLimitRemoved{text()};
    case 15:
      return tenant::QuotaSettingsChanged{texts()};
    default:
      return tenant::UnsealSharesChanged{any<std::uint32_t>(), any<std::uint32_t>(), time()};
  }
}

keyring::KeyReference key() {
  return {id<KeyId>(), hash()};
}

keyring::Event keyring_event() {
  switch (*gen::inRange(0, 4)) {
    case 0:
      return keyring::KeyringCreated{any<std::uint32_t>(), key(), key(), key(), time()};
    case 1:
      return keyring::TenantKeyRotated{
          any<std::uint32_t>(), any<std::uint32_t>(), key(), key(), key(), flag(), time()};
    case 2:
      return keyring::TenantKeyRewrapped{any<std::uint32_t>(), number(), hash(), time()};
    default:
      return keyring::TenantKeyRetired{any<std::uint32_t>(), id<KeyId>(), number(), time()};
  }
}

token::Event token_event() {
  switch (*gen::inRange(0, 5)) {
    case 0:
      return token::TokenCreated{
          id<TokenId>(),  text(),
          id<TenantId>(), id<TokenId>(),
          texts(),        text_map(),
          text(),         text(),
          time(),         seconds(),
          seconds(),      seconds(),
          number(),       flag(),
          flag(),         flag() ? id<identity::EntityId>() : identity::EntityId{}};
    case 1:
      return token::TokenRenewed{time(), time()};
    case 2:
      return token::TokenUsed{number()};
    case 3:
      return token::TokenForgotten{};
    default:
      return token::TokenRevoked{time(), flag()};
  }
}

policy::Event policy_event() {
  if (flag()) return policy::PolicyWritten{text(), text(), time()};
  return policy::PolicyRemoved{text()};
}

template <class Id>
std::vector<Id> ids() {
  std::vector<Id> out;
  for (int i = *gen::inRange(0, 4); i > 0; --i) out.push_back(id<Id>());
  return out;
}

identity::Alias identity_alias() {
  return {id<identity::AliasId>(),   text(), text(), text_map(), text_map(),
          ids<identity::EntityId>(), time(), time()};
}

identity::Event identity_event() {
  switch (*gen::inRange(0, 5)) {
    case 0:
      return identity::EntityWritten{identity_entity().state};
    case 1:
      return identity::EntityRemoved{id<identity::EntityId>(), id<identity::EntityId>()};
    case 2:
      return identity::GroupWritten{identity_group().state};
    case 3:
      return identity::GroupRemoved{id<identity::GroupId>()};
    default:
      return identity::GroupMembersChanged{id<identity::GroupId>(), ids<identity::EntityId>(),
                                           ids<identity::EntityId>(), ids<identity::GroupId>(),
                                           ids<identity::GroupId>()};
  }
}

tenant::Mount mount(std::string path) {
  return {
      id<MountId>(), std::move(path), text(),
      text(),        text_map(),      text(),
      seconds(),     seconds(),       text(),
      flag(),        flag(),          flag(),
      time(),        settings(),      flag() ? id<tenant::MigrationId>() : tenant::MigrationId{},
      text()};
}

}  // namespace

AnyEvent event(std::size_t aggregate) {
  switch (aggregate) {
    case 0:
      return secret_event();
    case 1:
      return tenant_event();
    case 2:
      return keyring_event();
    case 3:
      return token_event();
    case 4:
      return policy_event();
    default:
      return identity_event();
  }
}

Snapshot<identity::Entity> identity_entity() {
  Snapshot<identity::Entity> out{number(),
                                 {id<identity::EntityId>(),
                                  text(),
                                  text_map(),
                                  texts(),
                                  flag(),
                                  {},
                                  ids<identity::EntityId>(),
                                  time(),
                                  time()}};
  for (int i = *gen::inRange(0, 3); i > 0; --i) out.state.aliases.push_back(identity_alias());
  return out;
}

Snapshot<identity::Group> identity_group() {
  return {number(),
          {id<identity::GroupId>(), text(), flag(), text_map(), texts(), maybe(identity_alias),
           time(), time()}};
}

Record record() {
  Record out{
      id<TenantId>(),  number(),    number(), id<Nonce128>(), time(),
      optional_hash(), id<KeyId>(), {},       blob(),         id<Id128<struct CommandTag>>()};
  for (int i = *gen::inRange(0, 5); i > 0; --i)
    out.heads.push_back({any<std::uint32_t>(), any<std::uint32_t>()});
  return out;
}

Batch batch() {
  const auto stream = id<SecretId>();
  return {{stream.bytes.begin(), stream.bytes.end()}, any<std::vector<Bytes>>()};
}

ReplicatedRecord replicated_append() {
  AppendBody body;
  body.event = blob();
  for (int i = *gen::inRange(0, 6); i > 0; --i) {
    RowChange change{any<std::uint32_t>(), blob(), {}};
    if (flag()) change.content = blob();
    if (flag()) change.content = hash();
    body.changes.push_back(change);
  }
  for (int i = *gen::inRange(0, 3); i > 0; --i)
    body.row_ranges.push_back({any<std::uint32_t>(), blob()});
  body.access = any<std::vector<Bytes>>();
  if (!body.access.empty()) body.access_position = *gen::positive<std::uint64_t>();
  if (body.access_position > 1 && flag())
    body.access_start = AccessStart{1, body.access_position - 1, hash()};
  return {number(), id<Nonce128>(), body};
}

AccessEnvelope access_envelope() {
  return {id<TenantId>(), time(), optional_hash(), id<KeyId>(), blob()};
}

audit::AccessRecord access_record() {
  return {time(),
          text(),
          id<TenantId>(),
          text(),
          text(),
          text(),
          text(),
          text(),
          text(),
          text(),
          texts(),
          text(),
          any<std::uint16_t>(),
          text(),
          number(),
          any<std::uint32_t>(),
          text()};
}

Snapshot<secret::SecretState> secret_snapshot() {
  Snapshot<secret::SecretState> out{number(),
                                    {flag(),
                                     id<MountId>(),
                                     text(),
                                     time(),
                                     time(),
                                     number(),
                                     number(),
                                     any<std::uint32_t>(),
                                     flag(),
                                     seconds(),
                                     text_map(),
                                     {}}};
  for (const auto version : any<std::vector<VersionNumber>>())
    out.state.versions[version] = {time(), time(), flag(), id<KeyId>()};
  return out;
}

Snapshot<tenant::TenantState> tenant_snapshot() {
  Snapshot<tenant::TenantState> out{
      number(), {flag(), flag(), id<TenantId>(), text(), text_map(), time(), {}}};
  for (int i = *gen::inRange(0, 4); i > 0; --i) {
    auto made = mount(text());
    out.state.mounts.insert_or_assign(made.path, made);
  }
  for (int i = *gen::inRange(0, 4); i > 0; --i) out.state.token_roles[text()] = token_role();
  for (int i = *gen::inRange(0, 4); i > 0; --i) out.state.password_policies[text()] = text();
  for (int i = *gen::inRange(0, 4); i > 0; --i) out.state.rate_limits[text()] = rate_limit();
  if (flag()) out.state.quota_exempt_paths = texts();
  return out;
}

Snapshot<keyring::KeyringState> keyring_snapshot() {
  Snapshot<keyring::KeyringState> out{number(),
                                      {flag(), any<std::uint32_t>(), key(), key(), key()}};
  out.state.term = *gen::inRange<keyring::KeyTerm>(keyring::kFirstTerm, 1000);
  out.state.installed_time = time();
  if (flag())
    out.state.retiring =
        keyring::RetiringKey{any<std::uint32_t>(), any<std::uint32_t>(), key(), time(), number()};
  if (flag())
    out.state.last_rotation =
        keyring::FinishedRotation{any<std::uint32_t>(), time(), time(), number()};
  return out;
}

Snapshot<token::TokenState> token_snapshot() {
  return {number(), {flag(),        flag(),
                     flag(),        id<TokenId>(),
                     text(),        id<TenantId>(),
                     id<TokenId>(), texts(),
                     text_map(),    text(),
                     text(),        time(),
                     time(),        time(),
                     seconds(),     seconds(),
                     seconds(),     number(),
                     number(),      flag(),
                     flag(),        flag() ? id<identity::EntityId>() : identity::EntityId{}}};
}

Snapshot<policy::PolicySet> policy_snapshot() {
  return {number(), {text_map()}};
}

}  // namespace coffer::codec::random
