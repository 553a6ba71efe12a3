// A copy of a store for another node, made of hard links: all families but that of the wrapped
// keys.
#include <mutex>

#include <rocksdb/db.h>
#include <rocksdb/utilities/checkpoint.h>

#include "events/log/rocksdb_state.h"

namespace coffer::log {
namespace {

Result<void> checked(const rocksdb::Status& status, std::string_view what) {
  if (status.ok()) return {};
  return fail(ErrorCode::unavailable, fmt::format("{}: {}", what, status.ToString()));
}

// Opening replays the copied write-ahead log into table files and deletes it; dropping the family
// deletes its table files. What stays holds no blob.
Result<void> drop_family(const std::string& folder, const std::string& name) {
  rocksdb::DBOptions options;
  options.keep_log_file_num = 1;
  std::vector<std::string> names;
  COFFER_TRY(checked(rocksdb::DB::ListColumnFamilies(options, folder, &names),
                     "cannot read the families of a copy"));
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const auto& family : names) {
    families.emplace_back(family, rocksdb::ColumnFamilyOptions{});
    families.back().options.disable_auto_compactions = true;
  }
  rocksdb::DB* raw = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  COFFER_TRY(checked(rocksdb::DB::Open(options, folder, families, &handles, &raw),
                     "cannot open a copy of the store"));
  const std::unique_ptr<rocksdb::DB> db(raw);
  auto status = rocksdb::Status::NotFound("the family of keys");
  for (auto* handle : handles)
    if (handle->GetName() == name) status = db->DropColumnFamily(handle);
  for (auto* handle : handles) {
    const auto closed = db->DestroyColumnFamilyHandle(handle);
    if (status.ok()) status = closed;
  }
  const auto closed = db->Close();
  return checked(status.ok() ? closed : status, "cannot take the keys out of a copy of the store");
}

}  // namespace

Result<void> RocksDbState::copy_without_keys(const std::string& folder) {
  const std::lock_guard lock(files_mutex_);
  rocksdb::Checkpoint* raw = nullptr;
  COFFER_TRY(checked(rocksdb::Checkpoint::Create(db_.get(), &raw), "cannot copy the store"));
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(raw);
  COFFER_TRY(checked(checkpoint->CreateCheckpoint(folder, 0), "cannot copy the store"));
  return drop_family(folder, handle(Family::keys)->GetName());
}

}  // namespace coffer::log
