#include "events/log/migration/work_folder.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstring>

#include <fmt/format.h>

namespace coffer::log {
namespace {

namespace fs = std::filesystem;

Error io_error(std::string_view what, const std::string& path, const std::error_code& error) {
  return fail(ErrorCode::unavailable, fmt::format("{} {}: {}", what, path, error.message()));
}

Result<void> sync_folder(const std::string& path) {
  const int folder = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = folder >= 0 && ::fsync(folder) == 0;
  const std::error_code error(errno, std::generic_category());
  if (folder >= 0) ::close(folder);
  if (!synced) return io_error("cannot sync", path, error);
  return {};
}

}  // namespace

Result<WorkFolder> WorkFolder::make(const std::string& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (!error) fs::create_directories(path, error);
  if (!error) fs::permissions(path, fs::perms::owner_all, error);
  if (error) return io_error("cannot make", path, error);
  return WorkFolder(path);
}

WorkFolder::~WorkFolder() {
  std::error_code left_behind;  // removed by the next run
  if (!path_.empty()) fs::remove_all(path_, left_behind);
}

Result<void> WorkFolder::keep_as(const std::string& target) {
  std::error_code error;
  COFFER_TRY(sync_folder(path_));
  fs::rename(path_, target, error);
  if (error) return io_error("cannot rename to", target, error);
  path_.clear();
  return sync_folder(fs::path(target).parent_path().string());
}

}  // namespace coffer::log
