// A naive model of one secret of KV version 2, written from what clients see and not from the
// decider: a list of versions with their values. `now` is in nanoseconds.
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "events/secret/secret_state.h"

namespace coffer::testing {

// One version as a client sees it. `value` is the serial number of the write, 0 once it is gone.
struct KvModelVersion {
  VersionNumber number = 0;
  std::int64_t created_ns = 0;
  std::int64_t deleted_ns = 0;  // 0: never
  bool destroyed = false;
  std::uint64_t value = 0;
  friend auto operator<=>(const KvModelVersion&, const KvModelVersion&) = default;
};

// What a KV version 2 server does to one secret, in the words of the interface.
class KvModel {
 public:
  explicit KvModel(const secret::MountSettings& mount) : mount_(mount) {}

  // Null when refused, otherwise the new version's number.
  std::optional<VersionNumber> write(std::optional<std::uint64_t> cas, bool patched,
                                     std::uint64_t value, std::int64_t now) {
    if (cas.has_value() ? *cas != last_ : (mount_.cas_required || cas_required)) return {};
    if (patched && !readable(last_, now)) return {};
    if (!exists) created_ns = now;
    exists = true;
    updated_ns = now;
    ++last_;
    versions.push_back({last_, now, expiry(now), false, value});
    std::uint64_t keep = 10;
    if (mount_.max_versions != 0 || max_versions != 0) {
      keep = std::max(mount_.max_versions, max_versions);
    }
    while (last_ - versions.front().number >= keep) {
      versions.erase(versions.begin());
      oldest = last_ - keep + 1;
    }
    return last_;
  }
  void remove(VersionNumber number, std::int64_t now) {
    if (auto* version = find(number); version != nullptr && readable(number, now)) {
      version->deleted_ns = now;
    }
  }
  void restore(VersionNumber number, std::int64_t now) {
    auto* version = find(number);
    if (version != nullptr && !version->destroyed) version->deleted_ns = expiry(now);
  }
  void destroy(VersionNumber number) {
    if (auto* version = find(number)) {
      version->destroyed = true;
      version->value = 0;
    }
  }
  void touch(std::int64_t now) {
    if (exists) return;
    exists = true;
    created_ns = updated_ns = now;
  }
  void forget() { *this = KvModel(mount_); }

  // Whether a read of that version gives its value.
  bool readable(VersionNumber number, std::int64_t now) {
    const auto* version = find(number);
    return version != nullptr && !version->destroyed &&
           (version->deleted_ns == 0 || version->deleted_ns > now);
  }
  VersionNumber last() const { return last_; }
  // The mount was tuned.
  void set_mount(const secret::MountSettings& mount) { mount_ = mount; }

  bool exists = false;
  std::int64_t created_ns = 0;
  std::int64_t updated_ns = 0;
  VersionNumber oldest = 0;
  std::uint32_t max_versions = 0;
  bool cas_required = false;
  std::int64_t delete_after = 0;
  secret::CustomMetadata custom;
  std::vector<KvModelVersion> versions;

 private:
  KvModelVersion* find(VersionNumber number) {
    for (auto& version : versions) {
      if (version.number == number) return &version;
    }
    return nullptr;
  }
  std::int64_t expiry(std::int64_t now) const {
    std::vector<std::int64_t> spans;
    if (mount_.delete_version_after.count > 0) spans.push_back(mount_.delete_version_after.count);
    if (delete_after > 0) spans.push_back(delete_after);
    if (spans.empty() || mount_.delete_version_after.count < 0) return 0;
    return now + *std::min_element(spans.begin(), spans.end()) * 1'000'000'000;
  }

  secret::MountSettings mount_;
  VersionNumber last_ = 0;
};

}  // namespace coffer::testing
