// State of a tenant: who it is, what is mounted, its token roles.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "events/tenant/tenant_events.h"

namespace coffer::tenant {

// KV version 2. All other mounts are version 1: one value of a secret, no metadata.
[[nodiscard]] bool is_versioned_kv(std::string_view type, const TextMap& options) noexcept;

struct Mount {
  MountId id;
  std::string path;
  std::string type;
  std::string accessor;
  TextMap options;
  std::string description;
  Seconds default_lease_ttl{0};
  Seconds max_lease_ttl{0};
  std::string listing_visibility;
  bool force_no_cache = false;
  bool local = false;
  bool seal_wrap = false;
  Timestamp created_time;
  secret::MountSettings settings;
  MigrationId migration{};      // of the last move; zero: it was never moved
  std::string moved_from = {};  // where it was before
  friend bool operator==(const Mount&, const Mount&) = default;

  [[nodiscard]] bool is_versioned() const noexcept { return is_versioned_kv(type, options); }
};

struct TenantState {
  bool exists = false;
  bool deleted = false;
  TenantId parent;
  std::string name;
  TextMap custom_metadata;
  Timestamp created_time;
  std::map<std::string, Mount> mounts;  // by path; the built-in ones are not listed
  std::map<std::string, token::TokenRole> token_roles = {};
  std::map<std::string, std::string> password_policies = {};        // texts by name
  std::map<std::string, quota::RateLimit> rate_limits = {};         // by name
  std::optional<std::vector<std::string>> quota_exempt_paths = {};  // absent: kDefaultExemptPaths
  friend bool operator==(const TenantState&, const TenantState&) = default;

  // The mount whose path is a prefix of `request_path`; mounts never nest. Null when none.
  [[nodiscard]] const Mount* find_mount(std::string_view request_path) const noexcept;
};

[[nodiscard]] Result<TenantState> evolve(TenantState state, const Event& event);

}  // namespace coffer::tenant
