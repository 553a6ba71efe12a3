#include "events/log/listing_removal.h"

#include <algorithm>

#include "events/log/state_keys.h"

namespace coffer::log {

Result<bool> ListingOverlay::folder_is_empty(const StateReader& store,
                                             BytesView folder_prefix) const {
  const auto in_folder = [&](BytesView key) {
    return key.size() >= folder_prefix.size() &&
           std::equal(folder_prefix.begin(), folder_prefix.end(), key.begin());
  };
  const Bytes first(folder_prefix.begin(), folder_prefix.end());
  for (auto it = rows_.lower_bound(first); it != rows_.end() && in_folder(it->first); ++it)
    if (it->second) return false;
  // Stored rows count unless this batch deleted them. Pages, since a batch may delete many.
  Bytes after;
  while (true) {
    COFFER_ASSIGN(auto page, store.scan(Family::listing, folder_prefix, after, 64));
    for (const auto& row : page) {
      const auto noted = rows_.find(row.key);
      if (noted == rows_.end() || noted->second) return false;
    }
    if (page.size() < 64) return true;
    after = page.back().key;
  }
}

Result<std::vector<Bytes>> ListingOverlay::rows_to_delete(const StateReader& store,
                                                          const ListingRemoval& removal) {
  std::vector<Bytes> out;
  for (std::size_t i = 0; i < removal.rows.size(); ++i) {
    if (i > 0) {
      const BytesView below(removal.rows[i - 1]);
      COFFER_ASSIGN(const bool empty,
                    folder_is_empty(store, below.first(kListingFolderPrefixBytes)));
      if (!empty) break;
    }
    out.push_back(removal.rows[i]);
    rows_[removal.rows[i]] = false;
  }
  return out;
}

}  // namespace coffer::log
