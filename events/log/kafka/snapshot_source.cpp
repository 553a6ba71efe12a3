#include "events/log/kafka/snapshot_source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "events/log/kafka/record_applier.h"

namespace coffer::log {
namespace {

namespace fs = std::filesystem;

void remove_folder(const std::string& folder) {
  std::error_code ignored;
  fs::remove_all(folder, ignored);
}

// The place that the files hold, whatever has happened to the store since they were made.
Result<ReplicaPlace> place_in(const std::string& folder, PartitionId partition) {
  RocksDbOptions options;
  options.directory = folder;
  options.block_cache_bytes = 1u << 20;
  RocksDbState copy(options);
  COFFER_TRY(copy.open());
  return load_place(copy, partition);
}

}  // namespace

SnapshotSource::SnapshotSource(SnapshotSourceOptions options) : options_(std::move(options)) {
  remove_folder(options_.folder);
}

SnapshotSource::~SnapshotSource() {
  drop();
}

void SnapshotSource::set_store(std::weak_ptr<RocksDbState> store) {
  const std::lock_guard lock(mutex_);
  store_ = std::move(store);
}

std::shared_ptr<RocksDbState> SnapshotSource::store() const {
  const std::lock_guard lock(mutex_);
  return store_.lock();
}

bool SnapshotSource::busy() const {
  const std::lock_guard lock(mutex_);
  return copy_.has_value();
}

// ---------------------------------------------------------------- life of a copy
Result<void> SnapshotSource::begin(const std::string& id, const std::string& peer, Time now) {
  const std::unique_lock making(making_, std::try_to_lock);
  if (!making) return fail(ErrorCode::overloaded, "a snapshot is being made");
  const std::lock_guard lock(mutex_);
  if (store_.expired()) return fail(ErrorCode::unavailable, "this node has no store open");
  if (copy_ && copy_->peer != peer)
    return fail(ErrorCode::overloaded, "another node takes a snapshot");
  remove_folder(options_.folder);
  copy_ = Copy{id, peer, now, now, false, std::nullopt, {}};
  return {};
}

Result<void> SnapshotSource::prepare() {
  const std::lock_guard making(making_);
  std::string id;
  {
    const std::lock_guard lock(mutex_);
    if (!copy_ || copy_->ready || copy_->failure) return {};
    id = copy_->id;
  }
  auto made = make_copy();
  if (!made) remove_folder(options_.folder);
  const std::lock_guard lock(mutex_);
  if (!copy_ || copy_->id != id) return {};
  if (!made) {
    copy_->failure = made.error();
    return made.error();
  }
  copy_->manifest = std::move(*made);
  copy_->ready = true;
  return {};
}

Result<SnapshotManifest> SnapshotSource::make_copy() {
  {
    const auto state = store();
    if (!state) return fail(ErrorCode::unavailable, "this node has no store open");
    COFFER_TRY(state->copy_without_keys(options_.folder));
  }
  SnapshotManifest manifest;
  manifest.topic_prefix = options_.topic_prefix;
  COFFER_ASSIGN(const auto place, place_in(options_.folder, options_.partition));
  manifest.events_next = place.events_next;
  COFFER_TRY(list_files(manifest));
  return manifest;
}

Result<void> SnapshotSource::list_files(SnapshotManifest& manifest) const {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(options_.folder, error)) {
    const auto name = entry.path().filename().string();
    if (!is_snapshot_file(name)) continue;
    SnapshotFile file{name, entry.file_size(error), {}};
    if (error) break;
    COFFER_ASSIGN(file.digest, digest_of_file(entry.path().string()));
    manifest.files.push_back(std::move(file));
  }
  if (error)
    return fail(ErrorCode::unavailable, "cannot list a copy of the store: " + error.message());
  if (manifest.files.size() > kSnapshotFilesMax)
    return fail(ErrorCode::too_large, "the store has too many files for a snapshot");
  std::sort(manifest.files.begin(), manifest.files.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return {};
}

void SnapshotSource::drop() {
  const std::lock_guard making(making_);
  const std::lock_guard lock(mutex_);
  copy_.reset();
  remove_folder(options_.folder);
}

void SnapshotSource::end(const std::string& id, const std::string& peer) {
  {
    const std::lock_guard lock(mutex_);
    if (!copy_ || copy_->id != id || copy_->peer != peer) return;
  }
  drop();
}

void SnapshotSource::expire(Time now) {
  {
    const std::lock_guard lock(mutex_);
    if (!copy_) return;
    const bool idle = (copy_->ready || copy_->failure) && now - copy_->used > options_.idle_max;
    if (!idle && now - copy_->begun <= options_.age_max) return;
  }
  drop();
}

// ---------------------------------------------------------------- what the peer asks for
Result<SnapshotSource::Copy*> SnapshotSource::find(const std::string& id, const std::string& peer,
                                                   Time now) {
  if (!copy_ || copy_->id != id || copy_->peer != peer)
    return fail(ErrorCode::not_found, "there is no such snapshot any more");
  if (copy_->failure) return *copy_->failure;
  copy_->used = now;
  return &*copy_;
}

Result<std::optional<SnapshotManifest>> SnapshotSource::manifest(const std::string& id,
                                                                 const std::string& peer,
                                                                 Time now) {
  const std::lock_guard lock(mutex_);
  COFFER_ASSIGN(const auto* copy, find(id, peer, now));
  if (!copy->ready) return std::optional<SnapshotManifest>{};
  return std::optional<SnapshotManifest>{copy->manifest};
}

Result<Bytes> SnapshotSource::read(const std::string& id, const std::string& peer,
                                   const std::string& file, std::uint64_t offset,
                                   std::uint64_t length, Time now) {
  {
    const std::lock_guard lock(mutex_);
    COFFER_ASSIGN(const auto* copy, find(id, peer, now));
    const auto& files = copy->manifest.files;
    const auto found = std::find_if(files.begin(), files.end(),
                                    [&](const auto& listed) { return listed.name == file; });
    if (found == files.end()) return fail(ErrorCode::not_found, "the snapshot has no such file");
    if (length > kSnapshotReadMax || offset > found->size || length > found->size - offset)
      return fail(ErrorCode::invalid_argument, "beyond the end of the file, or too much at once");
  }
  // Without a lock: a file that is deleted meanwhile cannot be opened or is read to its end.
  Bytes bytes(length);
  const int descriptor = ::open((options_.folder + "/" + file).c_str(), O_RDONLY | O_CLOEXEC);
  std::size_t done = 0;
  while (descriptor >= 0 && done < length) {
    const auto got =
        ::pread(descriptor, bytes.data() + done, length - done, static_cast<off_t>(offset + done));
    if (got <= 0) break;
    done += static_cast<std::size_t>(got);
  }
  if (descriptor >= 0) ::close(descriptor);
  if (descriptor < 0 || done < length)
    return fail(ErrorCode::unavailable, "a file of the snapshot cannot be read");
  return bytes;
}

Result<std::vector<KeyName>> SnapshotSource::key_names(const std::string& id,
                                                       const std::string& peer, const Bytes& after,
                                                       Time now) {
  {
    const std::lock_guard lock(mutex_);
    COFFER_ASSIGN([[maybe_unused]] const auto* copy, find(id, peer, now));
  }
  const auto state = store();
  if (!state) return fail(ErrorCode::unavailable, "this node has no store open");
  // An iterator keeps files alive: a short one, so that shredding is not undermined.
  COFFER_ASSIGN(const auto rows, state->scan(Family::keys, {}, after, kKeyNamesMax));
  // Looked at behind the scan: a row that begins to wait does so until its destruction is applied,
  // and that lies behind the copy. So no name of the copy's time is left out.
  COFFER_ASSIGN(const auto waiting,
                state->scan(Family::meta, missing_row(options_.partition, {}), {}, 1));
  if (!waiting.empty()) return fail(ErrorCode::unavailable, "this node waits for keys itself");
  std::vector<KeyName> names;
  names.reserve(rows.size());
  for (const auto& row : rows) names.push_back({row.key, record_hash(row.value)});
  return names;
}

}  // namespace coffer::log
