#include "tools/cofferd/data_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace coffer::server {
namespace {

Error io_error(std::string_view what, const std::string& path) {
  return fail(ErrorCode::unavailable, fmt::format("{} {}: {}", what, path, std::strerror(errno)));
}

Result<std::string> pin_path(const Config& config) {
  constexpr std::string_view kCredential = "credential:";
  if (config.pin_file.empty()) return config.data_dir + "/hsm/pin";
  if (!config.pin_file.starts_with(kCredential)) return config.pin_file;
  const auto* folder = std::getenv("CREDENTIALS_DIRECTORY");
  if (folder == nullptr)
    return fail(ErrorCode::unavailable,
                "seal.pin_file names a credential, but CREDENTIALS_DIRECTORY is not set");
  return std::string(folder) + "/" + config.pin_file.substr(kCredential.size());
}

}  // namespace

Result<void> make_folder(const std::string& path) {
  for (std::size_t at = 1; at <= path.size(); ++at) {
    if (at != path.size() && path[at] != '/') continue;
    const auto part = path.substr(0, at);
    if (mkdir(part.c_str(), 0700) != 0 && errno != EEXIST)
      return io_error("cannot make folder", part);
  }
  return {};
}

Result<void> write_private_file(const std::string& path, BytesView content) {
  // Written beside and renamed, so that a crash leaves the old file or the new one.
  const auto temporary = path + ".new";
  const int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return io_error("cannot write", temporary);
  std::size_t done = 0;
  while (done < content.size()) {
    const auto written = ::write(file, content.data() + done, content.size() - done);
    if (written <= 0) {
      auto error = io_error("cannot write", temporary);
      ::close(file);
      return error;
    }
    done += static_cast<std::size_t>(written);
  }
  const bool synced = fsync(file) == 0;
  if (::close(file) != 0 || !synced) return io_error("cannot sync", temporary);
  if (::rename(temporary.c_str(), path.c_str()) != 0) return io_error("cannot rename", temporary);
  return {};
}

Result<SecretBytes> read_secret_file(const std::string& path) {
  constexpr std::size_t kBytesMax = 4096;
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0 && errno == ENOENT) return fail(ErrorCode::not_found, "no such file: " + path);
  if (file < 0) return io_error("cannot read", path);
  SecretBytes content(kBytesMax + 1);
  std::size_t size = 0;
  ssize_t got;
  while (size < content.size() &&
         (got = ::read(file, content.writable().data() + size, content.size() - size)) > 0)
    size += static_cast<std::size_t>(got);
  ::close(file);
  if (size > kBytesMax)
    return fail(ErrorCode::invalid_argument, path + " is larger than 4096 bytes");
  content.truncate(size);
  if (content.expose_text().ends_with('\n')) content.truncate(size - 1);
  return content;
}

Result<std::string> prepare_softhsm(const Config& config) {
  if (config.hsm_module.find("softhsm") == std::string::npos) return std::string();
  if (std::getenv("SOFTHSM2_CONF") != nullptr) return std::string();
  const auto folder = config.data_dir + "/hsm";
  COFFER_TRY(make_folder(folder + "/tokens"));
  // The token folder is written anew at each start: the data folder may have been moved.
  const auto path = folder + "/softhsm2.conf";
  char* real = ::realpath(folder.c_str(), nullptr);
  if (real == nullptr) return io_error("cannot resolve", folder);
  const auto content = fmt::format(
      "directories.tokendir = {}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n"
      "slots.removable = false\n",
      real);
  ::free(real);
  COFFER_TRY(write_private_file(path, as_bytes(content)));
  ::setenv("SOFTHSM2_CONF", path.c_str(), 1);
  return folder;
}

Result<SecretBytes> load_pin(const Config& config, Random& random) {
  COFFER_ASSIGN(const auto path, pin_path(config));
  auto pin = read_secret_file(path);
  if (pin && pin->size() < 4)
    return fail(ErrorCode::invalid_argument, path + " holds no PIN of at least 4 characters");
  if (pin || pin.error().code != ErrorCode::not_found || !config.auto_init) return pin;
  SecretBytes entropy(32);
  random.fill(entropy.writable());
  auto hex = to_hex(entropy.expose());
  SecretBytes fresh{std::string_view(hex)};
  wipe_memory(hex.data(), hex.size());
  COFFER_TRY(make_folder(config.data_dir + "/hsm"));
  COFFER_TRY(write_private_file(path, fresh.expose()));
  return fresh;
}

}  // namespace coffer::server
