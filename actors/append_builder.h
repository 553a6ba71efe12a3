// Turns decided events and snapshots into what the log appends: encoded, sealed with the tenant's
// keys, bound to their place. Pure but for the nonces of sealing; thread-safe.
#pragma once

#include <string>
#include <vector>

#include "actors/tenant_keys.h"
#include "actors/views.h"
#include "events/audit/access_record.h"
#include "events/codec/event_codec.h"
#include "events/log/event_log.h"

namespace coffer::actors {

// `stream` is the 16-byte id of the aggregate; zero for the tenant's own aggregates.
[[nodiscard]] Result<log::EventAppend> seal_events(const TenantKeys& keys, BytesView stream,
                                                   const std::vector<codec::AnyEvent>& events,
                                                   Timestamp now,
                                                   const Id128<codec::CommandTag>& command_id);
// The bodies of a stored record, opened.
[[nodiscard]] Result<codec::Batch> open_events(const TenantKeys& keys, const codec::Record& record);

// A row sealed under its own key.
[[nodiscard]] Result<log::StateChange> sealed_row(const TenantKeys& keys, log::Family family,
                                                  Bytes key, BytesView plaintext, bool stamped);
[[nodiscard]] log::StateChange plain_row(log::Family family, Bytes key, Bytes value);
[[nodiscard]] log::StateChange deleted_row(log::Family family, Bytes key);

// Reads and opens a stamped sealed snapshot; nothing when there is no row.
template <class State>
[[nodiscard]] Result<std::optional<codec::Snapshot<State>>> load_snapshot(
    const log::StateReader& store, const TenantKeys& keys, log::Family family, BytesView key);

[[nodiscard]] Result<log::AccessAppend> seal_access(const TenantKeys& keys,
                                                    const audit::AccessRecord& record);

// Listing rows of a secret's path: the leaf's first, then each folder's up to the top.
struct ListingEntry {
  Bytes row;
  std::string name;  // "db" or "app/"
};
[[nodiscard]] std::vector<ListingEntry> listing_entries(const TenantKeys& keys,
                                                        const MountId& mount,
                                                        std::string_view path);
[[nodiscard]] Bytes listing_folder(const TenantKeys& keys, const MountId& mount,
                                   std::string_view folder);

}  // namespace coffer::actors
