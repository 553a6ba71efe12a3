#include "tools/cofferd/token_files.h"

#include <filesystem>
#include <fstream>

#include "events/base/secret_bytes.h"
#include "tools/cofferd/data_folder.h"

namespace coffer::server {
namespace {

namespace fs = std::filesystem;

Error io_error(std::string_view what, const fs::path& path, const std::error_code& error) {
  return fail(ErrorCode::unavailable,
              fmt::format("{} {}: {}", what, path.string(), error.message()));
}

// SoftHSM's own lock files change at any time and hold nothing.
bool is_token_file(const fs::directory_entry& entry) {
  return entry.is_regular_file() && entry.path().extension() == ".object";
}

Result<SecretBytes> read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  SecretBytes content;
  std::array<char, 4096> chunk{};
  while (in.read(chunk.data(), chunk.size()) || in.gcount() > 0)
    content.append(std::string_view(chunk.data(), static_cast<std::size_t>(in.gcount())));
  wipe_memory(chunk.data(), chunk.size());
  if (in.bad()) return fail(ErrorCode::unavailable, "cannot read " + path.string());
  return content;
}

Result<void> copy_token_file(const fs::path& from, const fs::path& to) {
  COFFER_TRY(make_folder(to.parent_path().string()));
  COFFER_ASSIGN(auto content, read_file(from));
  return write_private_file(to.string(), content.expose());
}

// Calls `visit(file, path relative to folder)` for each token file.
template <class Visit>
Result<void> for_each_file(const fs::path& folder, Visit visit) {
  std::error_code error;
  fs::recursive_directory_iterator files(folder, error);
  if (error == std::errc::no_such_file_or_directory) return {};
  for (; !error && files != fs::recursive_directory_iterator(); files.increment(error))
    if (is_token_file(*files))
      COFFER_TRY(visit(files->path(), fs::relative(files->path(), folder)));
  if (error) return io_error("cannot read", folder, error);
  return {};
}

bool same_content(const fs::path& a, const fs::path& b) {
  auto left = read_file(a);
  auto right = read_file(b);
  return left && right && left->equals(right->expose());
}

}  // namespace

Result<unsigned> TokenFiles::mend() const {
  unsigned mended = 0;
  if (folder_.empty()) return mended;
  COFFER_TRY(for_each_file(copy(), [&](const fs::path& kept, const fs::path& name) -> Result<void> {
    const auto live = fs::path(tokens()) / name;
    std::error_code missing;
    std::error_code error;
    const auto live_size = fs::file_size(live, missing);
    const auto kept_size = fs::file_size(kept, error);
    if (error) return io_error("cannot read", kept, error);
    // A file may change, but it never becomes shorter than it was when the token last worked.
    if (!missing && live_size >= kept_size) return {};
    ++mended;
    return copy_token_file(kept, live);
  }));
  return mended;
}

Result<bool> TokenFiles::set_aside_unfinished() const {
  if (folder_.empty()) return false;
  std::error_code error;
  if (!fs::exists(tokens()) || fs::is_empty(tokens(), error)) return false;
  for (unsigned number = 1; number < 1000; ++number) {
    const auto aside = fmt::format("{}.unfinished-{}", tokens(), number);
    if (fs::exists(aside)) continue;
    fs::rename(tokens(), aside, error);
    if (error) return io_error("cannot set aside", tokens(), error);
    COFFER_TRY(make_folder(tokens()));
    return true;
  }
  return fail(ErrorCode::unavailable, "too many unfinished tokens in " + folder_);
}

Result<void> TokenFiles::keep_copy() const {
  if (folder_.empty()) return {};
  COFFER_TRY(for_each_file(tokens(), [&](const fs::path& live, const fs::path& name) {
    const auto kept = fs::path(copy()) / name;
    return same_content(live, kept) ? Result<void>{} : copy_token_file(live, kept);
  }));
  // A key that was destroyed in the token must not come back from the copy.
  std::vector<fs::path> stale;
  COFFER_TRY(for_each_file(copy(), [&](const fs::path& kept, const fs::path& name) {
    if (!fs::exists(fs::path(tokens()) / name)) stale.push_back(kept);
    return Result<void>{};
  }));
  std::error_code error;
  for (const auto& path : stale)
    if (!fs::remove(path, error)) return io_error("cannot remove", path, error);
  return {};
}

}  // namespace coffer::server
