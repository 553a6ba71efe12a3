// Which tenants exist, by id and by namespace path. Loaded when the service is unsealed, changed by
// the system actor, and by the log writer's thread as far as keyrings go; read by every request.
// Thread-safe.
#pragma once

#include <map>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "events/codec/meta_codec.h"

namespace coffer::actors {

struct DirectoryEntry {
  TenantId id;
  TenantId parent;
  std::string name;  // last segment; empty for the root tenant
  std::string path;  // "" or "a/b/"
  codec::TenantRow row;
};

class Directory {
 public:
  void add(DirectoryEntry entry);
  void remove(const TenantId& id);
  // After a keyring change became durable; nothing when the tenant is not there (any more).
  void set_keyring(const TenantId& id, keyring::KeyringState keyring);
  // Tenants whose key is being rotated.
  [[nodiscard]] std::vector<TenantId> rotating() const;
  void clear();
  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] std::optional<DirectoryEntry> find(const TenantId& id) const;
  [[nodiscard]] std::optional<TenantId> child(const TenantId& parent, std::string_view name) const;
  [[nodiscard]] std::vector<DirectoryEntry> children(const TenantId& parent) const;
  // The tenant of `namespace_path` below the root ("" or "a/b/").
  [[nodiscard]] std::optional<TenantId> resolve(std::string_view namespace_path) const;
  // Descends from `tenant` along leading segments of `path` that name namespaces, and cuts them
  // off.
  [[nodiscard]] TenantId descend(TenantId tenant, std::string_view& path) const;
  // Path of `tenant` relative to `ancestor` ("" when equal); nothing when it is not below it.
  [[nodiscard]] std::optional<std::string> relative_path(const TenantId& ancestor,
                                                         const TenantId& tenant) const;
  // `tenant` and the tenants above it, up to the root, each with the path of `tenant` relative to
  // it. Empty when it is not there.
  struct Ancestor {
    TenantId id;
    std::string relative_path;
  };
  [[nodiscard]] std::vector<Ancestor> lineage(const TenantId& tenant) const;

 private:
  mutable std::shared_mutex mutex_;
  std::unordered_map<TenantId, DirectoryEntry> entries_;
  std::unordered_map<TenantId, std::map<std::string, TenantId, std::less<>>> children_;
};

}  // namespace coffer::actors
