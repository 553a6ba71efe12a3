#include "tests/codec/samples.h"

namespace coffer::codec::samples {
namespace {

constexpr Timestamp kTime{1'790'000'000'123'456'789};
constexpr Timestamp kLater{1'790'000'060'000'000'000};

Sha256 hash(std::uint8_t first) {
  Sha256 out{};
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::uint8_t>(first + i);
  return out;
}
Bytes hash_bytes(std::uint8_t first) {
  const auto h = hash(first);
  return {h.begin(), h.end()};
}
Bytes text_bytes(std::string_view text) {
  return {text.begin(), text.end()};
}

keyring::KeyReference key(std::uint8_t first) {
  return {id<KeyId>(first), hash(first)};
}

tenant::MountTuning tuning() {
  return {"team \"a\"", Seconds{3600}, Seconds{7200}, "unauth", true};
}

token::TokenRole token_role() {
  return {.allowed_policies = {"reader", "writer"},
          .disallowed_policies = {"admin"},
          .allowed_policies_glob = {"team-*"},
          .disallowed_policies_glob = {"*-admin", "x*"},
          .orphan = true,
          .renewable = true,
          .no_default_policy = true,
          .path_suffix = "v1",
          .period = Seconds{1800},
          .explicit_max_ttl = Seconds{86400},
          .num_uses = 9};
}

quota::RateLimit rate_limit() {
  return {"secret/data/app*", 2'500'000, Seconds{60}, Seconds{10}, true, quota::GroupBy::none};
}

void add_secret_events(std::vector<AnyEvent>& out) {
  out.emplace_back(secret::Event{secret::SecretCreated{id<MountId>(0x10), "app/db-π", kTime}});
  out.emplace_back(secret::Event{secret::SecretVersionWritten{
      7, kTime, kLater, id<KeyId>(0x20), hash(0x30), text_bytes("not really sealed"), 3, true}});
  out.emplace_back(secret::Event{secret::SecretVersionsDeleted{{1, 2, 300}, kTime}});
  out.emplace_back(secret::Event{secret::SecretVersionsUndeleted{{1, 2, 300}, kLater}});
  out.emplace_back(secret::Event{secret::SecretVersionsDestroyed{{4, 1'000'000}}});
  out.emplace_back(secret::Event{secret::SecretMetadataChanged{
      5, false, Seconds{-1}, secret::CustomMetadata{{"owner", "alice"}, {"tier", "1"}}, kTime}});
  out.emplace_back(secret::Event{secret::SecretRemoved{kTime}});
}

void add_tenant_events(std::vector<AnyEvent>& out) {
  out.emplace_back(
      tenant::Event{tenant::TenantCreated{id<TenantId>(0x40), "team-a", {{"cost", "42"}}, kTime}});
  out.emplace_back(tenant::Event{tenant::TenantMetadataChanged{{{"cost", "43"}, {"x", ""}}}});
  out.emplace_back(tenant::Event{tenant::TenantDeleted{kTime}});
  out.emplace_back(tenant::Event{tenant::MountEnabled{id<MountId>(0x10),
                                                      "secret/",
                                                      "kv",
                                                      "kv_1a2b3c4d",
                                                      {{"version", "2"}},
                                                      tuning(),
                                                      true,
                                                      true,
                                                      kTime}});
  out.emplace_back(tenant::Event{tenant::MountTuned{"secret/", tuning()}});
  out.emplace_back(tenant::Event{tenant::MountDisabled{"secret/", id<MountId>(0x10)}});
  out.emplace_back(tenant::Event{tenant::MountSettingsChanged{"secret/", {20, true, Seconds{-1}}}});
  out.emplace_back(
      tenant::Event{tenant::MountOptionsChanged{"secret/", {{"version", "2"}, {"x", ""}}}});
  out.emplace_back(tenant::Event{
      tenant::MountMoved{"secret/", "team/kv/", id<MountId>(0x10), id<tenant::MigrationId>(0x11)}});
  out.emplace_back(tenant::Event{tenant::TokenRoleWritten{"ci", token_role()}});
  out.emplace_back(tenant::Event{tenant::TokenRoleRemoved{"ci"}});
  out.emplace_back(tenant::Event{tenant::PasswordPolicyWritten{
      "strong", "length = 20\nrule \"charset\" { charset = \"ab\" }"}});
  out.emplace_back(tenant::Event{tenant::PasswordPolicyRemoved{"strong"}});
  out.emplace_back(tenant::Event{tenant::RateLimitWritten{"burst", rate_limit()}});
  out.emplace_back(tenant::Event{tenant::RateLimitRemoved{"burst"}});
  out.emplace_back(
      tenant::Event{tenant::QuotaSettingsChanged{{"sys/health", "auth/token/lookup-self"}}});
  out.emplace_back(tenant::Event{tenant::UnsealSharesChanged{5, 3, kTime}});
}

void add_other_events(std::vector<AnyEvent>& out) {
  out.emplace_back(
      keyring::Event{keyring::KeyringCreated{2, key(0x50), key(0x60), key(0x70), kTime}});
  out.emplace_back(keyring::Event{
      keyring::TenantKeyRotated{3, 2, key(0x51), key(0x60), key(0x70), true, kTime}});
  out.emplace_back(keyring::Event{keyring::TenantKeyRewrapped{2, 64, hash(0x52), kTime}});
  out.emplace_back(
      keyring::Event{keyring::TenantKeyRetired{2, id<KeyId>(0x50), 1'000'000, kLater}});
  out.emplace_back(token::Event{token::TokenCreated{id<TokenId>(0x80),
                                                    "AccessorOf24Characters00",
                                                    id<TenantId>(0x40),
                                                    id<TokenId>(0x90),
                                                    {"default", "reader"},
                                                    {{"user", "alice"}},
                                                    "token-ci",
                                                    "auth/token/create",
                                                    kTime,
                                                    Seconds{3600},
                                                    Seconds{86400},
                                                    Seconds{1800},
                                                    9,
                                                    true}});
  out.emplace_back(token::Event{token::TokenRenewed{kTime, kLater}});
  out.emplace_back(token::Event{token::TokenUsed{8}});
  out.emplace_back(token::Event{token::TokenRevoked{kTime, true}});
  out.emplace_back(token::Event{token::TokenForgotten{}});
  out.emplace_back(policy::Event{policy::PolicyWritten{
      "reader", "path \"secret/*\" {\n  capabilities = [\"read\"]\n}\n", kTime}});
  out.emplace_back(policy::Event{policy::PolicyRemoved{"reader"}});
}

identity::Alias identity_alias(std::uint8_t first) {
  return {id<identity::AliasId>(first),
          "alice",
          "auth_approle_1a2b3c4d",
          {{"role", "ci"}},
          {{"team", "shop"}},
          {id<identity::EntityId>(0xC8)},
          kTime,
          kLater};
}
identity::Entity entity() {
  return {id<identity::EntityId>(0xC0),   "Alice", {{"floor", "2"}},
          {"reader", "writer"},           true,    {identity_alias(0xD0)},
          {id<identity::EntityId>(0xC8)}, kTime,   kLater};
}
identity::Group group() {
  return {id<identity::GroupId>(0xE0), "staff", true,  {{"floor", "2"}}, {"reader"},
          identity_alias(0xD8),        kTime,   kLater};
}
void add_identity_events(std::vector<AnyEvent>& out) {
  out.emplace_back(identity::Event{identity::EntityWritten{entity()}});
  out.emplace_back(identity::Event{
      identity::EntityRemoved{id<identity::EntityId>(0xC8), id<identity::EntityId>(0xC0)}});
  out.emplace_back(identity::Event{identity::GroupWritten{group()}});
  out.emplace_back(identity::Event{identity::GroupRemoved{id<identity::GroupId>(0xE0)}});
  out.emplace_back(identity::Event{identity::GroupMembersChanged{id<identity::GroupId>(0xE0),
                                                                 {id<identity::EntityId>(0xC0)},
                                                                 {id<identity::EntityId>(0xC8)},
                                                                 {id<identity::GroupId>(0xE8)},
                                                                 {id<identity::GroupId>(0xF0)}}});
}

}  // namespace

AnyEvent token_created_of_entity() {
  token::TokenCreated created;
  created.id = id<TokenId>(0x80);
  created.entity = id<identity::EntityId>(0xC0);
  return token::Event{created};
}
AnyEvent token_role_with_entity_aliases() {
  auto role = token_role();
  role.allowed_entity_aliases = {"alice", "team-*"};
  return tenant::Event{tenant::TokenRoleWritten{"ci", role}};
}
Snapshot<token::TokenState> token_snapshot_of_entity() {
  auto out = token_snapshot();
  out.state.entity = id<identity::EntityId>(0xC0);
  return out;
}
Snapshot<identity::Entity> entity_snapshot() {
  return {9, entity()};
}
Snapshot<identity::Group> group_snapshot() {
  return {9, group()};
}

std::vector<AnyEvent> events() {
  std::vector<AnyEvent> out;
  add_secret_events(out);
  add_tenant_events(out);
  add_other_events(out);
  add_identity_events(out);
  return out;
}

Record record() {
  return {id<TenantId>(0x40),
          12,
          3,
          id<Nonce128>(0xA0),
          kTime,
          hash_bytes(0xB0),
          id<KeyId>(0x60),
          {{101, 1}, {102, 1}},
          text_bytes("sealed batch"),
          id<Id128<struct CommandTag>>(0xC0)};
}

Batch batch() {
  const auto stream = id<SecretId>(0xD0);
  return {{stream.bytes.begin(), stream.bytes.end()},
          {text_bytes("first body"), {}, text_bytes("third")}};
}

std::vector<ReplicatedRecord> replicated_records() {
  AppendBody append;
  append.event = text_bytes("an encoded record");
  append.changes = {{1, text_bytes("row"), text_bytes("value")},
                    {5, text_bytes("key row"), hash(0x30)},
                    {5, text_bytes("old key row"), {}},
                    {8, {}, Bytes{}}};
  append.row_ranges = {{4, text_bytes("prefix")}, {5, {}}};
  append.access_position = 300;
  append.access = {text_bytes("an access envelope"), {}};
  AppendBody other;
  other.changes = {{2, text_bytes("row"), text_bytes("other value")}};
  const auto nonce = id<Nonce128>(0xA0);
  AppendBody moved;
  moved.access_position = 300;
  moved.access = {text_bytes("an access envelope")};
  moved.access_start = AccessStart{1, 299, hash(0x50)};
  return {{3, nonce, ClaimBody{"node-1"}},
          {3, nonce, ReleaseBody{}},
          {3, nonce, NoopBody{}},
          {3, nonce, append},
          {3, nonce, GroupBody{{append, {}, other}}},
          {3, nonce, moved}};
}

KeyBlob key_blob() {
  return {3, id<Nonce128>(0xA0), text_bytes("a wrapped key")};
}

ReplicaPosition replica_position() {
  return {1'000'000, 2'000'000, 500, {7, id<Nonce128>(0xA0), false}, {6, id<Nonce128>(0xB0), true}};
}

VaultRow vault_row() {
  return {.shamir = true,
          .shares = 5,
          .threshold = 3,
          .root_epoch = 2,
          .cluster_id = id<Id128<ClusterTag>>(0x12),
          .cluster_name = "coffer",
          .partitions = 1,
          .created_time = kTime};
}

VaultRow vault_row_with_sealed_pin() {
  auto row = vault_row();
  row.sealed_pin = text_bytes("not really sealed");
  return row;
}

MigrationRow migration_row() {
  return {MigrationDirection::to_embedded, kTime, "/var/lib/coffer"};
}

AccessEnvelope access_envelope() {
  return {id<TenantId>(0x40), kTime, hash_bytes(0xB0), id<KeyId>(0x60), text_bytes("sealed")};
}

audit::AccessRecord access_record() {
  return {.time = kTime,
          .request_id = "7f9c0c5e-0000-4000-8000-000000000001",
          .tenant = id<TenantId>(0x40),
          .namespace_path = "team-a/",
          .remote_address = "192.0.2.7",
          .operation = "read",
          .path = "secret/data/app/db",
          .token_hmac = "00ff",
          .token_accessor_hmac = "11ee",
          .display_name = "token-ci",
          .policies = {"default", "reader"},
          .matched_rule = "reader: secret/*",
          .status = 403,
          .error_class = "permission_denied",
          .secret_version = 7,
          .collapsed_count = 5,
          .trace_parent = {}};
}

audit::AccessRecord traced_access_record() {
  auto record = access_record();
  record.trace_parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  return record;
}

Snapshot<secret::SecretState> secret_snapshot() {
  return {12,
          {.exists = true,
           .mount = id<MountId>(0x10),
           .path = "app/db",
           .created_time = kTime,
           .updated_time = kLater,
           .current_version = 300,
           .oldest_version = 2,
           .max_versions = 5,
           .cas_required = true,
           .delete_version_after = Seconds{60},
           .custom_metadata = {{"owner", "alice"}},
           .versions = {{2, {kTime, kLater, true, id<KeyId>(0x20)}},
                        {300, {kLater, {}, false, id<KeyId>(0x30)}}}}};
}

Snapshot<tenant::TenantState> tenant_snapshot() {
  const tenant::Mount mount{.id = id<MountId>(0x10),
                            .path = "secret/",
                            .type = "kv",
                            .accessor = "kv_1a2b3c4d",
                            .options = {{"version", "2"}},
                            .description = "d",
                            .default_lease_ttl = Seconds{60},
                            .max_lease_ttl = Seconds{120},
                            .listing_visibility = "hidden",
                            .force_no_cache = true,
                            .local = true,
                            .seal_wrap = true,
                            .created_time = kTime,
                            .settings = {20, true, Seconds{-1}}};
  auto other = mount;
  other.path = "team/kv/";
  return {12,
          {.exists = true,
           .deleted = true,
           .parent = id<TenantId>(0x41),
           .name = "team-a",
           .custom_metadata = {{"cost", "42"}},
           .created_time = kTime,
           .mounts = {{mount.path, mount}, {other.path, other}}}};
}

Snapshot<tenant::TenantState> tenant_snapshot_with_roles() {
  auto snapshot = tenant_snapshot();
  auto& moved = snapshot.state.mounts.at("team/kv/");
  moved.migration = id<tenant::MigrationId>(0x11);
  moved.moved_from = "old/";
  snapshot.state.token_roles = {{"a", {}}, {"ci", token_role()}};
  return snapshot;
}

Snapshot<tenant::TenantState> tenant_snapshot_with_limits() {
  auto snapshot = tenant_snapshot_with_roles();
  snapshot.state.password_policies = {{"a", "length = 8"}, {"strong", "length = 20"}};
  snapshot.state.rate_limits = {{"all", {"", 1'000'000, Seconds{1}, Seconds{0}, true}},
                                {"burst", rate_limit()}};
  snapshot.state.quota_exempt_paths = {"sys/health"};
  return snapshot;
}

Snapshot<keyring::KeyringState> keyring_snapshot() {
  return {1, {true, 2, key(0x50), key(0x60), key(0x70)}};
}

Snapshot<keyring::KeyringState> keyring_snapshot_rotating() {
  auto snapshot = keyring_snapshot();
  auto& state = snapshot.state;
  state.term = 3;
  state.installed_time = kLater;
  state.retiring = keyring::RetiringKey{2, 1, key(0x51), kLater, 17};
  state.last_rotation = keyring::FinishedRotation{1, kTime, kLater, 5};
  return snapshot;
}

Snapshot<token::TokenState> token_snapshot() {
  return {12,
          {.exists = true,
           .revoked = true,
           .children_live_on = true,
           .id = id<TokenId>(0x80),
           .accessor = "AccessorOf24Characters00",
           .tenant = id<TenantId>(0x40),
           .parent = id<TokenId>(0x90),
           .policies = {"default", "reader"},
           .meta = {{"user", "alice"}},
           .display_name = "token-ci",
           .path = "auth/token/create",
           .created_time = kTime,
           .expire_time = kLater,
           .last_renewal_time = kTime,
           .creation_ttl = Seconds{3600},
           .explicit_max_ttl = Seconds{86400},
           .period = Seconds{1800},
           .num_uses = 9,
           .uses_left = 8,
           .renewable = true}};
}

Snapshot<policy::PolicySet> policy_snapshot() {
  return {12, {.texts = {{"default", "path \"a\" {}"}, {"reader", "path \"b\" {}"}}}};
}

}  // namespace coffer::codec::samples
