#include "actors/append_builder.h"

#include "events/log/state_keys.h"

namespace coffer::actors {

Result<log::EventAppend> seal_events(const TenantKeys& keys, BytesView stream,
                                     const std::vector<codec::AnyEvent>& events, Timestamp now,
                                     const Id128<codec::CommandTag>& command_id) {
  codec::Batch batch;
  batch.stream.assign(stream.begin(), stream.end());
  log::EventAppend out{.tenant = keys.tenant(),
                       .time = now,
                       .log_key = keys.log_key_id(),
                       .heads = {},
                       .payload = {},
                       .command_id = command_id};
  for (const auto& event : events) {
    auto encoded = codec::encode_event(event);
    out.heads.push_back(encoded.head);
    batch.bodies.push_back(std::move(encoded.body));
  }
  COFFER_ASSIGN(out.payload, keys.seal(keys.tenant().view(), codec::encode_batch(batch)));
  return out;
}

Result<codec::Batch> open_events(const TenantKeys& keys, const codec::Record& record) {
  COFFER_ASSIGN(auto opened, keys.open(record.tenant.view(), record.payload));
  COFFER_ASSIGN(auto batch, codec::decode_batch(opened.expose()));
  if (batch.bodies.size() != record.heads.size())
    return fail(ErrorCode::corrupt, "a record's heads and bodies differ in number");
  return batch;
}

Result<log::StateChange> sealed_row(const TenantKeys& keys, log::Family family, Bytes key,
                                    BytesView plaintext, bool stamped) {
  COFFER_ASSIGN(auto sealed, keys.seal(key, plaintext));
  return log::StateChange{family, std::move(key), std::move(sealed), stamped};
}

log::StateChange plain_row(log::Family family, Bytes key, Bytes value) {
  return {family, std::move(key), std::move(value), false};
}

log::StateChange deleted_row(log::Family family, Bytes key) {
  return {family, std::move(key), std::nullopt, false};
}

template <class State>
Result<std::optional<codec::Snapshot<State>>> load_snapshot(const log::StateReader& store,
                                                            const TenantKeys& keys,
                                                            log::Family family, BytesView key) {
  COFFER_ASSIGN(auto row, store.get(family, key));
  if (!row) return std::optional<codec::Snapshot<State>>{};
  const auto stamped = log::unstamp(*row);
  COFFER_ASSIGN(auto opened, keys.open(key, stamped.value));
  COFFER_ASSIGN(auto snapshot, codec::decode_snapshot<State>(opened.expose()));
  snapshot.sequence = stamped.sequence;
  return std::optional<codec::Snapshot<State>>{std::move(snapshot)};
}

template Result<std::optional<codec::Snapshot<secret::SecretState>>> load_snapshot(
    const log::StateReader&, const TenantKeys&, log::Family, BytesView);
template Result<std::optional<codec::Snapshot<tenant::TenantState>>> load_snapshot(
    const log::StateReader&, const TenantKeys&, log::Family, BytesView);
template Result<std::optional<codec::Snapshot<policy::PolicySet>>> load_snapshot(
    const log::StateReader&, const TenantKeys&, log::Family, BytesView);

Result<log::AccessAppend> seal_access(const TenantKeys& keys, const audit::AccessRecord& record) {
  COFFER_ASSIGN(auto sealed, keys.seal(keys.tenant().view(), codec::encode_access_record(record)));
  return log::AccessAppend{keys.tenant(), record.time, keys.log_key_id(), std::move(sealed)};
}

Bytes listing_folder(const TenantKeys& keys, const MountId& mount, std::string_view folder) {
  return log::listing_folder_prefix(keys.tenant(), mount,
                                    keys.name_hash("folder", mount, folder).view());
}

std::vector<ListingEntry> listing_entries(const TenantKeys& keys, const MountId& mount,
                                          std::string_view path) {
  std::vector<ListingEntry> entries;
  auto rest = path;
  while (!rest.empty()) {
    // The parent folder ends at the last slash before the entry's own trailing one.
    const auto body = rest.ends_with('/') ? rest.substr(0, rest.size() - 1) : rest;
    const auto slash = body.rfind('/');
    const auto folder =
        slash == std::string_view::npos ? std::string_view{} : rest.substr(0, slash + 1);
    const auto name = rest.substr(folder.size());
    entries.push_back(
        {log::listing_row(keys.tenant(), mount, keys.name_hash("folder", mount, folder).view(),
                          keys.name_hash("entry", mount, rest).view()),
         std::string(name)});
    rest = folder;
  }
  return entries;
}

}  // namespace coffer::actors
