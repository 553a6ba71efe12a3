#include "hsm/locked_pages.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "events/base/check.h"
#include "events/base/secret_bytes.h"

namespace coffer::hsm {
namespace {

std::size_t page_bytes() noexcept {
  static const auto bytes = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

void warn(std::string& warning, std::string_view text) {
  if (!warning.empty()) warning += "; ";
  warning += text;
}

void protect(std::uint8_t* data, std::size_t size, std::string& warning) {
  if (mlock(data, size) != 0)
    warn(warning, fmt::format("{} bytes for keys could not be locked in memory ({}): raise "
                              "RLIMIT_MEMLOCK or disable swap",
                              size, std::strerror(errno)));
  if (madvise(data, size, MADV_DONTDUMP) != 0)
    warn(warning,
         fmt::format("key memory could not be kept out of core dumps ({})", std::strerror(errno)));
  if (madvise(data, size, MADV_WIPEONFORK) != 0)
    warn(warning, fmt::format("key memory could not be hidden from child processes ({})",
                              std::strerror(errno)));
}

}  // namespace

LockedPages::LockedPages(std::size_t size, std::string& warning) {
  const std::size_t page = page_bytes();
  size_ = (size + page - 1) / page * page;
  COFFER_CHECK(size_ >= size && size_ != 0);
  void* mapping = mmap(nullptr, size_ + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  COFFER_CHECK(mapping != MAP_FAILED);
  data_ = static_cast<std::uint8_t*>(mapping) + page;
  COFFER_CHECK(mprotect(data_, size_, PROT_READ | PROT_WRITE) == 0);
  protect(data_, size_, warning);
}

LockedPages::LockedPages(LockedPages&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

LockedPages& LockedPages::operator=(LockedPages&& other) noexcept {
  if (this != &other) {
    release();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

LockedPages::~LockedPages() {
  release();
}

void LockedPages::release() noexcept {
  if (data_ == nullptr) return;
  wipe_memory(data_, size_);
  munmap(data_ - page_bytes(), size_ + 2 * page_bytes());
  data_ = nullptr;
  size_ = 0;
}

}  // namespace coffer::hsm
