#include "actors/views.h"

#include <algorithm>

namespace coffer::actors {
namespace {

std::string key_of(const std::vector<std::string>& names) {
  std::string key;
  for (const auto& name : names) {
    key += name;
    key.push_back('\n');
  }
  return key;
}

}  // namespace

PolicyView::PolicyView(const policy::PolicySet& set) {
  for (const auto& [name, text] : set.texts)
    if (auto parsed = policy::parse_policy(text)) documents_.emplace(name, std::move(*parsed));
  if (auto wrapping = policy::parse_policy(policy::response_wrapping_policy_text()))
    documents_.insert_or_assign(std::string(token::kWrappingPolicy), std::move(*wrapping));
}

std::vector<const policy::PolicyDocument*> PolicyView::documents_of(
    const std::vector<std::string>& names) const {
  std::vector<const policy::PolicyDocument*> documents;
  for (const auto& name : names)
    if (const auto found = documents_.find(name); found != documents_.end())
      documents.push_back(&found->second);
  return documents;
}

PolicyView::Lists PolicyView::build_lists(const std::vector<std::string>& names) const {
  const auto documents = documents_of(names);
  Lists lists{policy::AccessList::build(documents), {}};
  for (const auto* document : documents)
    for (const auto& rule : document->rules)
      if (rule.path_template) lists.heads.push_back(rule.path_template->head());
  std::sort(lists.heads.begin(), lists.heads.end());
  lists.heads.erase(std::unique(lists.heads.begin(), lists.heads.end()), lists.heads.end());
  return lists;
}

std::shared_ptr<const PolicyView::Lists> PolicyView::lists_of(
    const std::vector<std::string>& names) const {
  auto key = key_of(names);
  {
    const std::shared_lock lock(mutex_);
    if (const auto found = lists_.find(key); found != lists_.end()) return found->second;
  }
  auto lists = std::make_shared<const Lists>(build_lists(names));
  // Combinations of policy names are few in practice; a tenant that makes thousands starts over.
  constexpr std::size_t kListsMax = 10'000;
  const std::unique_lock lock(mutex_);
  if (lists_.size() >= kListsMax) lists_.clear();
  return lists_.emplace(std::move(key), std::move(lists)).first->second;
}

PolicyView::ListPtr PolicyView::filled_list(const std::vector<std::string>& names,
                                            const IdentityViewPtr& identity) const {
  auto key = key_of(names);
  const auto* address = identity.get();
  key.append(reinterpret_cast<const char*>(&address), sizeof(address));
  {
    const std::shared_lock lock(mutex_);
    if (const auto found = filled_.find(key); found != filled_.end()) return found->second.list;
  }
  auto list = policy::AccessList::build(documents_of(names), &identity->subject);
  constexpr std::size_t kFilledMax = 2000;
  const std::unique_lock lock(mutex_);
  if (filled_.size() >= kFilledMax) filled_.clear();
  return filled_.emplace(std::move(key), Filled{identity, std::move(list)}).first->second.list;
}

std::shared_ptr<const policy::AccessList> PolicyView::access_list(
    const std::vector<std::string>& names) const {
  return access_list(names, nullptr, std::nullopt);
}

std::shared_ptr<const policy::AccessList> PolicyView::access_list(
    const std::vector<std::string>& token_names, const IdentityViewPtr& identity,
    std::optional<std::string_view> path) const {
  if (token_names.size() == 1 && token_names.front() == "root") return policy::AccessList::root();
  if (!identity) return lists_of(token_names)->plain;
  std::vector<std::string> all;
  if (!identity->policies.empty())
    std::set_union(token_names.begin(), token_names.end(), identity->policies.begin(),
                   identity->policies.end(), std::back_inserter(all));
  const auto& names = all.empty() ? token_names : all;
  const auto lists = lists_of(names);
  // A rule whose path begins otherwise has no say on this one.
  const bool may_match =
      std::any_of(lists->heads.begin(), lists->heads.end(),
                  [&](const std::string& head) { return !path || path->starts_with(head); });
  return may_match ? filled_list(names, identity) : lists->plain;
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
