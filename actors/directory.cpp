#include "actors/directory.h"

namespace coffer::actors {

void Directory::add(DirectoryEntry entry) {
  const std::unique_lock lock(mutex_);
  if (!entry.name.empty()) children_[entry.parent][entry.name] = entry.id;
  entries_[entry.id] = std::move(entry);
}

void Directory::remove(const TenantId& id) {
  const std::unique_lock lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  const auto siblings = children_.find(found->second.parent);
  if (siblings != children_.end()) {
    siblings->second.erase(found->second.name);
    if (siblings->second.empty()) children_.erase(siblings);
  }
  entries_.erase(found);
}

void Directory::set_keyring(const TenantId& id, keyring::KeyringState keyring) {
  const std::unique_lock lock(mutex_);
  const auto found = entries_.find(id);
  if (found != entries_.end()) found->second.row.keyring = std::move(keyring);
}

std::vector<TenantId> Directory::rotating() const {
  const std::shared_lock lock(mutex_);
  std::vector<TenantId> out;
  for (const auto& [id, entry] : entries_)
    if (entry.row.keyring.retiring) out.push_back(id);
  return out;
}

std::size_t Directory::size() const {
  const std::shared_lock lock(mutex_);
  return entries_.size();
}

void Directory::clear() {
  const std::unique_lock lock(mutex_);
  entries_.clear();
  children_.clear();
}

std::optional<DirectoryEntry> Directory::find(const TenantId& id) const {
  const std::shared_lock lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end()) return std::nullopt;
  return found->second;
}

std::optional<TenantId> Directory::child(const TenantId& parent, std::string_view name) const {
  const std::shared_lock lock(mutex_);
  const auto siblings = children_.find(parent);
  if (siblings == children_.end()) return std::nullopt;
  const auto found = siblings->second.find(name);
  if (found == siblings->second.end()) return std::nullopt;
  return found->second;
}

std::vector<DirectoryEntry> Directory::children(const TenantId& parent) const {
  const std::shared_lock lock(mutex_);
  std::vector<DirectoryEntry> out;
  const auto siblings = children_.find(parent);
  if (siblings == children_.end()) return out;
  for (const auto& [name, id] : siblings->second) out.push_back(entries_.at(id));
  return out;
}

std::optional<TenantId> Directory::resolve(std::string_view namespace_path) const {
  auto rest = namespace_path;
  const auto tenant = descend(kRootTenant, rest);
  if (!rest.empty()) return std::nullopt;
  return tenant;
}

TenantId Directory::descend(TenantId tenant, std::string_view& path) const {
  const std::shared_lock lock(mutex_);
  while (true) {
    const auto siblings = children_.find(tenant);
    if (siblings == children_.end()) return tenant;
    const auto slash = path.find('/');
    if (slash == std::string_view::npos) return tenant;
    const auto found = siblings->second.find(path.substr(0, slash));
    if (found == siblings->second.end()) return tenant;
    tenant = found->second;
    path.remove_prefix(slash + 1);
  }
}

std::optional<std::string> Directory::relative_path(const TenantId& ancestor,
                                                    const TenantId& tenant) const {
  if (ancestor == tenant) return std::string{};
  const std::shared_lock lock(mutex_);
  const auto upper = entries_.find(ancestor);
  const auto lower = entries_.find(tenant);
  if (upper == entries_.end() || lower == entries_.end()) return std::nullopt;
  const auto& above = upper->second.path;
  const auto& below = lower->second.path;
  if (below.size() <= above.size() || !below.starts_with(above)) return std::nullopt;
  return below.substr(above.size());
}

std::vector<Directory::Ancestor> Directory::lineage(const TenantId& tenant) const {
  const std::shared_lock lock(mutex_);
  std::vector<Ancestor> out;
  const auto self = entries_.find(tenant);
  if (self == entries_.end()) return out;
  const auto& path = self->second.path;
  for (auto at = self; at != entries_.end(); at = entries_.find(at->second.parent)) {
    out.push_back({at->first, path.substr(at->second.path.size())});
    if (at->second.path.empty()) break;
  }
  return out;
}

}  // namespace coffer::actors
