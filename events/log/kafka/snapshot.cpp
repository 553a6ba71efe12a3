#include "events/log/kafka/snapshot.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "hsm/envelope_cipher.h"

namespace coffer::log {
namespace {

Error io_error(std::string_view what, const std::string& path) {
  return fail(ErrorCode::unavailable,
              fmt::format("cannot {} {}: {}", what, path, std::strerror(errno)));
}

struct Descriptor {
  explicit Descriptor(const std::string& path)
      : number(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  const int number;
};

bool is_number(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 20 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

bool is_snapshot_file(std::string_view name) noexcept {
  if (name == "CURRENT") return true;
  constexpr std::string_view kManifest = "MANIFEST-";
  if (name.starts_with(kManifest)) return is_number(name.substr(kManifest.size()));
  const auto dot = name.find('.');
  if (dot == std::string_view::npos || !is_number(name.substr(0, dot))) return false;
  return name.substr(dot) == ".sst" || name.substr(dot) == ".log";
}

Result<Sha256> digest_of_file(const std::string& path) {
  const Descriptor file(path);
  struct stat status {};
  if (file.number < 0 || ::fstat(file.number, &status) != 0) return io_error("read", path);
  if (status.st_size == 0) return hsm::sha256({});
  const auto size = static_cast<std::size_t>(status.st_size);
  void* mapped = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.number, 0);
  if (mapped == MAP_FAILED) return io_error("map", path);
  ::madvise(mapped, size, MADV_SEQUENTIAL);
  const auto digest = hsm::sha256({static_cast<const std::uint8_t*>(mapped), size});
  ::munmap(mapped, size);
  return digest;
}

Result<void> sync_path(const std::string& path) {
  const Descriptor file(path);
  if (file.number < 0 || ::fsync(file.number) != 0) return io_error("sync", path);
  return {};
}

}  // namespace coffer::log
