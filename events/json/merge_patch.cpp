#include <algorithm>
#include <cstdint>
#include <vector>

#include "events/json/json_value.h"

namespace coffer::json {
namespace {

// Which member of a patch has a key, by binary search: a client may send tens of thousands.
class PatchIndex {
 public:
  explicit PatchIndex(std::span<const Member> members) : members_(members), order_(members.size()) {
    for (std::uint32_t i = 0; i < order_.size(); ++i) order_[i] = i;
    std::sort(order_.begin(), order_.end(),
              [&](std::uint32_t a, std::uint32_t b) { return members_[a].key < members_[b].key; });
  }

  // The position in the patch, or the number of its members.
  [[nodiscard]] std::size_t find(std::string_view key) const {
    const auto found = std::lower_bound(
        order_.begin(), order_.end(), key,
        [&](std::uint32_t i, std::string_view wanted) { return members_[i].key < wanted; });
    if (found == order_.end() || members_[*found].key != key) return members_.size();
    return *found;
  }

 private:
  std::span<const Member> members_;
  std::vector<std::uint32_t> order_;
};

}  // namespace

// Everything kept is copied into `document`, so that neither argument needs to outlive the result.
const Value* merge_patch(Document& document, const Value* target, const Value& patch) {
  if (!patch.is_object()) return document.adopt(patch);
  const PatchIndex index(patch.members());
  std::vector<bool> applied(patch.members().size());
  std::vector<Member> merged;
  if (target != nullptr) {
    for (const Member& member : target->members()) {
      const std::size_t position = index.find(member.key);
      if (position == applied.size()) {
        merged.push_back({member.key, document.adopt(*member.value)});
        continue;
      }
      applied[position] = true;
      const Value& change = *patch.members()[position].value;
      if (change.is_null()) continue;
      merged.push_back({member.key, merge_patch(document, member.value, change)});
    }
  }
  for (std::size_t i = 0; i < applied.size(); ++i) {
    const Member& added = patch.members()[i];
    if (applied[i] || added.value->is_null()) continue;
    merged.push_back({added.key, merge_patch(document, nullptr, *added.value)});
  }
  return document.make_object(merged);
}

}  // namespace coffer::json
