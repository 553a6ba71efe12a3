// The arena of data_key_cache.h: fixed slots of 32 bytes in locked pages and a list of free ones.
#include <cstring>
#include <mutex>
#include <vector>

#include "events/base/secret_bytes.h"
#include "hsm/data_key_cache.h"
#include "hsm/envelope_cipher.h"
#include "hsm/locked_pages.h"

namespace coffer::hsm {
namespace {

using SlotIndex = std::uint32_t;

class PageArena final : public LockedArena, public std::enable_shared_from_this<PageArena> {
 public:
  PageArena(std::size_t slots, std::string& warning) : pages_(slots * kDataKeyBytes, warning) {
    free_.reserve(slots);
    for (std::size_t i = slots; i > 0; --i) free_.push_back(static_cast<SlotIndex>(i - 1));
  }

  Result<KeyHandle> store(BytesView key32) override;

  [[nodiscard]] std::span<std::uint8_t> slot(SlotIndex index) const noexcept {
    return pages_.bytes().subspan(index * kDataKeyBytes, kDataKeyBytes);
  }

  // Wiped before the slot can be taken again.
  void release(SlotIndex index) noexcept {
    const auto bytes = slot(index);
    wipe_memory(bytes.data(), bytes.size());
    const std::lock_guard lock(mutex_);
    free_.push_back(index);  // never grows beyond what was reserved
  }

 private:
  LockedPages pages_;
  std::mutex mutex_;
  std::vector<SlotIndex> free_;
};

// Keeps the arena alive: a handle may outlive the cache that it came from.
class SlotKey final : public LockedKey {
 public:
  SlotKey(std::shared_ptr<PageArena> arena, SlotIndex index) noexcept
      : arena_(std::move(arena)), index_(index) {}
  SlotKey(const SlotKey&) = delete;
  SlotKey& operator=(const SlotKey&) = delete;
  ~SlotKey() override { arena_->release(index_); }
  [[nodiscard]] BytesView bytes() const noexcept override { return arena_->slot(index_); }

 private:
  std::shared_ptr<PageArena> arena_;
  SlotIndex index_;
};

Result<KeyHandle> PageArena::store(BytesView key32) {
  COFFER_CHECK(key32.size() == kDataKeyBytes);
  SlotIndex index;
  {
    const std::lock_guard lock(mutex_);
    if (free_.empty())
      return fail(ErrorCode::unavailable, "every slot of the locked key memory is in use");
    index = free_.back();
    free_.pop_back();
  }
  KeyHandle handle = std::make_shared<SlotKey>(shared_from_this(), index);
  std::memcpy(slot(index).data(), key32.data(), key32.size());
  return handle;
}

}  // namespace

std::shared_ptr<LockedArena> LockedArena::create(std::size_t slots, std::string& warning) {
  COFFER_CHECK(slots > 0 && slots <= std::size_t{1} << 24);
  warning.clear();
  return std::make_shared<PageArena>(slots, warning);
}

}  // namespace coffer::hsm
