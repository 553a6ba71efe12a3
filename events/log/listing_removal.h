// Removing a leaf from the listing also removes the folders that become empty. Whether a folder is
// empty depends on rows written earlier in the same batch, which the store does not show yet.
#pragma once

#include <map>
#include <vector>

#include "events/log/event_log.h"

namespace coffer::log {

class ListingOverlay {
 public:
  // Remembers a row put (or deleted) earlier in the batch.
  void note(const Bytes& row, bool present) { rows_[row] = present; }
  // Rows to delete for `removal`, noted as deleted.
  Result<std::vector<Bytes>> rows_to_delete(const StateReader& store,
                                            const ListingRemoval& removal);

 private:
  Result<bool> folder_is_empty(const StateReader& store, BytesView folder_prefix) const;

  std::map<Bytes, bool> rows_;
};

}  // namespace coffer::log
