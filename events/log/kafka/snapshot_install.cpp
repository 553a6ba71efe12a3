#include "events/log/kafka/snapshot_install.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>

namespace coffer::log {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kKeyRowBytesMax = 1'024;

Error io_error(std::string_view what, const std::string& path) {
  return fail(ErrorCode::unavailable,
              fmt::format("cannot {} {}: {}", what, path, std::strerror(errno)));
}

std::chrono::milliseconds since(Clock::time_point begin) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin);
}

class Installer {
 public:
  Installer(const InstallOptions& options, SnapshotPeer& peer, const GoOn& go_on)
      : options_(options), peer_(peer), go_on_(go_on) {}
  ~Installer() {
    if (fetched_from_) peer_.end();
    std::error_code ignored;
    fs::remove_all(options_.folder, ignored);  // after success it has another name
  }
  Installer(const Installer&) = delete;
  Installer& operator=(const Installer&) = delete;

  Result<InstallReport> run() {
    if (options_.log.partitions.size() != 1)
      return fail(ErrorCode::unsupported, "a snapshot holds one partition");
    auto begin = Clock::now();
    COFFER_TRY(make_folder());
    COFFER_ASSIGN(const auto manifest, ask_manifest());
    for (const auto& file : manifest.files) COFFER_TRY(fetch(file));
    COFFER_TRY(sync_path(options_.folder));
    report_.fetching = since(begin);
    begin = Clock::now();
    COFFER_TRY(check(manifest));
    report_.checking = since(begin);
    COFFER_TRY(put_in_place());
    return report_;
  }

 private:
  Result<void> make_folder();
  Result<SnapshotManifest> ask_manifest();
  Result<void> check_manifest(const SnapshotManifest& manifest) const;
  Result<void> fetch(const SnapshotFile& file);
  Result<void> fetch_into(int descriptor, const SnapshotFile& file);
  Result<void> check(const SnapshotManifest& manifest);
  Result<void> take_key_names(RocksDbState& state);
  Result<void> put_in_place() const;

  const InstallOptions& options_;
  SnapshotPeer& peer_;
  const GoOn& go_on_;
  bool fetched_from_ = false;
  InstallReport report_;
};

Result<void> Installer::make_folder() {
  std::error_code error;
  fs::remove_all(options_.folder, error);
  if (error || ::mkdir(options_.folder.c_str(), 0700) != 0)
    return io_error("make folder", options_.folder);
  return {};
}

Result<SnapshotManifest> Installer::ask_manifest() {
  fetched_from_ = true;
  COFFER_ASSIGN(auto manifest, peer_.begin());
  COFFER_TRY(check_manifest(manifest));
  return manifest;
}

Result<void> Installer::check_manifest(const SnapshotManifest& manifest) const {
  if (manifest.topic_prefix != options_.log.topics.prefix)
    return fail(ErrorCode::corrupt, "the snapshot is of another cluster's topics");
  if (manifest.files.size() > kSnapshotFilesMax)
    return fail(ErrorCode::corrupt, "the snapshot has too many files");
  std::set<std::string_view> names;
  std::uint64_t total = 0;
  for (const auto& file : manifest.files) {
    if (!is_snapshot_file(file.name) || !names.insert(file.name).second)
      return fail(ErrorCode::corrupt, "the snapshot names a file that does not belong into one");
    if (file.size > ~std::uint64_t{0} - total)
      return fail(ErrorCode::corrupt, "the snapshot has an impossible size");
    total += file.size;
  }
  if (!names.contains("CURRENT")) return fail(ErrorCode::corrupt, "the snapshot is no store");
  struct statvfs space {};
  if (::statvfs(options_.folder.c_str(), &space) != 0) return io_error("measure", options_.folder);
  const auto free = std::uint64_t{space.f_bavail} * space.f_frsize;
  if (free < options_.log.store.free_bytes_min || total > free - options_.log.store.free_bytes_min)
    return fail(ErrorCode::unavailable,
                fmt::format("the snapshot has {} bytes, the disk has {} free", total, free));
  return {};
}

// ---------------------------------------------------------------- fetching
Result<void> Installer::fetch(const SnapshotFile& file) {
  const auto path = options_.folder + "/" + file.name;
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor < 0) return io_error("write", path);
  auto fetched = fetch_into(descriptor, file);
  if (fetched && ::fsync(descriptor) != 0) fetched = io_error("sync", path);
  ::close(descriptor);
  COFFER_TRY(std::move(fetched));
  COFFER_ASSIGN(const auto digest, digest_of_file(path));
  if (digest != file.digest)
    return fail(ErrorCode::corrupt, fmt::format("{} of the snapshot is damaged", file.name));
  ++report_.files;
  return {};
}

Result<void> Installer::fetch_into(int descriptor, const SnapshotFile& file) {
  std::uint64_t offset = 0;
  while (offset < file.size) {
    if (!go_on_()) return fail(ErrorCode::unavailable, "stopped");
    const auto length =
        static_cast<std::size_t>(std::min<std::uint64_t>(kSnapshotReadMax, file.size - offset));
    COFFER_ASSIGN(const auto bytes, peer_.read(file, offset, length));
    if (bytes.size() != length)
      return fail(ErrorCode::corrupt, fmt::format("{} of the snapshot is cut off", file.name));
    std::size_t done = 0;
    while (done < length) {
      const auto written = ::write(descriptor, bytes.data() + done, length - done);
      if (written <= 0) return io_error("write", file.name);
      done += static_cast<std::size_t>(written);
    }
    offset += length;
    report_.bytes += length;
  }
  return {};
}

// ---------------------------------------------------------------- checking
Result<void> Installer::check(const SnapshotManifest& manifest) {
  const auto partition = options_.log.partitions.front();
  auto store = options_.log.store;
  store.directory = options_.folder;
  RocksDbState state(store);
  COFFER_TRY(state.open());
  COFFER_ASSIGN(const auto keys, state.scan(Family::keys, {}, {}, 1));
  if (!keys.empty())
    return fail(ErrorCode::corrupt, "the snapshot holds wrapped keys, which none may");
  COFFER_ASSIGN(const auto checked, check_chains(state, partition, go_on_));
  if (checked.place.events_next != manifest.events_next)
    return fail(ErrorCode::corrupt, "the snapshot is of another place than it says");
  COFFER_ASSIGN(const auto reader, KafkaReader::create(options_.log.client));
  COFFER_TRY(check_against_topic(*reader, topic_names(options_.log.topics.prefix), partition,
                                 checked, options_.log.stall_max));
  report_.events = checked.events;
  report_.access = checked.access;
  report_.tenants = checked.tenants;
  report_.events_next = checked.place.events_next;
  return take_key_names(state);
}

// They wait, as rows whose blob was not found: KafkaReplica installs the blobs when it is at the
// end of the events.
Result<void> Installer::take_key_names(RocksDbState& state) {
  const auto partition = options_.log.partitions.front();
  Bytes after;
  while (true) {
    if (!go_on_()) return fail(ErrorCode::unavailable, "stopped");
    COFFER_ASSIGN(const auto names, peer_.key_names(after));
    StateBatch batch(state);
    for (const auto& name : names) {
      if (name.row <= after || name.row.size() > kKeyRowBytesMax)
        return fail(ErrorCode::corrupt, "the snapshot's key names are out of order");
      batch.put(Family::meta, missing_row(partition, name.row), name.hash);
      after = name.row;
    }
    report_.keys += names.size();
    COFFER_TRY(state.write(std::move(batch), true));
    if (names.empty()) return {};
  }
}

Result<void> Installer::put_in_place() const {
  const auto& target = options_.log.store.directory;
  std::error_code error;
  // A crash behind this leaves no store, as on a new node: the next start begins anew.
  fs::remove_all(target, error);
  if (error || ::rename(options_.folder.c_str(), target.c_str()) != 0)
    return io_error("put a snapshot into", target);
  return sync_path(fs::path(target).parent_path().string());
}

}  // namespace

Result<InstallReport> install_snapshot(const InstallOptions& options, SnapshotPeer& peer,
                                       const GoOn& go_on) {
  return Installer(options, peer, go_on).run();
}

bool is_store_empty(const std::string& directory) {
  std::error_code ignored;
  return !fs::exists(fs::path(directory) / "CURRENT", ignored);
}

}  // namespace coffer::log
