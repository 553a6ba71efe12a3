#include "actors/views.h"

namespace coffer::actors {

PolicyView::PolicyView(const policy::PolicySet& set) {
  for (const auto& [name, text] : set.texts)
    if (auto parsed = policy::parse_policy(text)) documents_.emplace(name, std::move(*parsed));
  if (auto wrapping = policy::parse_policy(policy::response_wrapping_policy_text()))
    documents_.insert_or_assign(std::string(token::kWrappingPolicy), std::move(*wrapping));
}

std::shared_ptr<const policy::AccessList> PolicyView::access_list(
    const std::vector<std::string>& names) const {
  if (names.size() == 1 && names.front() == "root") return policy::AccessList::root();
  std::string key;
  for (const auto& name : names) {
    key += name;
    key.push_back('\n');
  }
  {
    const std::shared_lock lock(mutex_);
    if (const auto found = lists_.find(key); found != lists_.end()) return found->second;
  }
  std::vector<const policy::PolicyDocument*> documents;
  for (const auto& name : names)
    if (const auto found = documents_.find(name); found != documents_.end())
      documents.push_back(&found->second);
  auto list = policy::AccessList::build(documents);
  // Combinations of policy names are few in practice; a tenant that makes thousands starts over.
  constexpr std::size_t kListsMax = 10'000;
  const std::unique_lock lock(mutex_);
  if (lists_.size() >= kListsMax) lists_.clear();
  return lists_.emplace(std::move(key), std::move(list)).first->second;
}

TenantSnapshotPtr TenantTable::find(const TenantId& id) const {
  const std::shared_lock lock(mutex_);
  const auto found = tenants_.find(id);
  return found == tenants_.end() ? nullptr : found->second;
}

void TenantTable::publish(TenantSnapshotPtr snapshot) {
  const std::unique_lock lock(mutex_);
  tenants_[snapshot->view.id] = std::move(snapshot);
}

void TenantTable::erase(const TenantId& id) {
  const std::unique_lock lock(mutex_);
  tenants_.erase(id);
}

void TenantTable::clear() {
  const std::unique_lock lock(mutex_);
  tenants_.clear();
}

}  // namespace coffer::actors
