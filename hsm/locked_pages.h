// A run of memory pages for secrets: kept out of swap (mlock) and of core dumps (MADV_DONTDUMP),
// empty in a forked child (MADV_WIPEONFORK), with an inaccessible page on either side. Wiped before
// it is given back. Ownership: RAII, move-only. Not synchronised. Errors: the process aborts when
// the kernel has no memory; a refused lock is a warning, since running without it is the operator's
// choice (RLIMIT_MEMLOCK).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace coffer::hsm {

class LockedPages {
 public:
  LockedPages() noexcept = default;
  // At least `size` zero bytes. Appends to `warning` what the kernel refused.
  LockedPages(std::size_t size, std::string& warning);
  LockedPages(LockedPages&& other) noexcept;
  LockedPages& operator=(LockedPages&& other) noexcept;
  LockedPages(const LockedPages&) = delete;
  LockedPages& operator=(const LockedPages&) = delete;
  ~LockedPages();

  [[nodiscard]] std::span<std::uint8_t> bytes() const noexcept { return {data_, size_}; }

 private:
  void release() noexcept;

  std::uint8_t* data_ = nullptr;  // between the guard pages
  std::size_t size_ = 0;          // a multiple of the page size
};

}  // namespace coffer::hsm
