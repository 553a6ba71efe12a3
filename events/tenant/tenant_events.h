// Events of a tenant (a Vault namespace): its own record, its mounts, token roles, password
// policies and quotas.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "events/base/ids.h"
#include "events/base/time.h"
#include "events/quota/quota_events.h"
#include "events/secret/secret_events.h"
#include "events/token/token_events.h"

namespace coffer::tenant {

using TextMap = std::map<std::string, std::string>;
using MigrationId = Id128<struct MigrationTag>;  // of one move of a mount

// What may be tuned on a mount; absent members stay as they are.
struct MountTuning {
  std::optional<std::string> description;
  std::optional<Seconds> default_lease_ttl;  // 0: the system's default
  std::optional<Seconds> max_lease_ttl;
  std::optional<std::string> listing_visibility;  // "", "hidden" or "unauth"
  std::optional<bool> force_no_cache;
  friend bool operator==(const MountTuning&, const MountTuning&) = default;
};

struct TenantCreated {
  TenantId parent;   // zero for children of the root tenant and for the root tenant itself
  std::string name;  // last segment of the namespace path; empty for the root tenant
  TextMap custom_metadata;
  Timestamp created_time;
  friend bool operator==(const TenantCreated&, const TenantCreated&) = default;
};
struct TenantMetadataChanged {
  TextMap custom_metadata;  // the whole new map
  friend bool operator==(const TenantMetadataChanged&, const TenantMetadataChanged&) = default;
};
// Final: nothing follows in this tenant's log.
struct TenantDeleted {
  Timestamp deleted_time;
  friend bool operator==(const TenantDeleted&, const TenantDeleted&) = default;
};
struct MountEnabled {
  MountId id;
  std::string path;      // "secret/", "team/kv/"
  std::string type;      // "kv", or "generic", the old name of version 1
  std::string accessor;  // "kv_1a2b3c4d"
  TextMap options;       // {"version": "2"}; without "version" it is version 1
  MountTuning tuning;
  bool local = false;
  bool seal_wrap = false;
  Timestamp created_time;
  friend bool operator==(const MountEnabled&, const MountEnabled&) = default;
};
struct MountTuned {
  std::string path;
  MountTuning tuning;
  friend bool operator==(const MountTuned&, const MountTuned&) = default;
};
// All secrets below it are gone; their keys leave the key store.
struct MountDisabled {
  std::string path;
  MountId id;
  friend bool operator==(const MountDisabled&, const MountDisabled&) = default;
};
// KV v2 `config` of a mount.
struct MountSettingsChanged {
  std::string path;
  secret::MountSettings settings;
  friend bool operator==(const MountSettingsChanged&, const MountSettingsChanged&) = default;
};

struct MountOptionsChanged {
  std::string path;
  TextMap options;  // the whole new map
  friend bool operator==(const MountOptionsChanged&, const MountOptionsChanged&) = default;
};
// What lies below it stays where it is stored: rows carry the mount's id, not its path.
struct MountMoved {
  std::string from;
  std::string to;
  MountId id;
  MigrationId migration;
  friend bool operator==(const MountMoved&, const MountMoved&) = default;
};
struct TokenRoleWritten {
  std::string name;
  token::TokenRole role;  // the whole new one
  friend bool operator==(const TokenRoleWritten&, const TokenRoleWritten&) = default;
};
// Tokens made with it live on.
struct TokenRoleRemoved {
  std::string name;
  friend bool operator==(const TokenRoleRemoved&, const TokenRoleRemoved&) = default;
};

// How passwords are made: Vault's password policy, as it was written.
struct PasswordPolicyWritten {
  std::string name;
  std::string text;
  friend bool operator==(const PasswordPolicyWritten&, const PasswordPolicyWritten&) = default;
};
struct PasswordPolicyRemoved {
  std::string name;
  friend bool operator==(const PasswordPolicyRemoved&, const PasswordPolicyRemoved&) = default;
};
struct RateLimitWritten {
  std::string name;
  quota::RateLimit limit;  // the whole new one
  friend bool operator==(const RateLimitWritten&, const RateLimitWritten&) = default;
};
struct RateLimitRemoved {
  std::string name;
  friend bool operator==(const RateLimitRemoved&, const RateLimitRemoved&) = default;
};
struct QuotaSettingsChanged {
  std::vector<std::string> exempt_paths;  // the whole new list
  friend bool operator==(const QuotaSettingsChanged&, const QuotaSettingsChanged&) = default;
};
// Of the root tenant: from here on other key shares unseal the vault.
struct UnsealSharesChanged {
  std::uint32_t shares = 0;
  std::uint32_t threshold = 0;
  Timestamp changed_time;
  friend bool operator==(const UnsealSharesChanged&, const UnsealSharesChanged&) = default;
};

using Event =
    std::variant<TenantCreated, TenantMetadataChanged, TenantDeleted, MountEnabled, MountTuned,
                 MountDisabled, MountSettingsChanged, MountOptionsChanged, MountMoved,
                 TokenRoleWritten, TokenRoleRemoved, PasswordPolicyWritten, PasswordPolicyRemoved,
                 RateLimitWritten, RateLimitRemoved, QuotaSettingsChanged, UnsealSharesChanged>;

}  // namespace coffer::tenant
