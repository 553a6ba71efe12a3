// A folder that exists as long as this object, unless it is kept. Everything below it is removed.
#pragma once

#include <filesystem>
#include <string>

#include "events/base/result.h"

namespace coffer::log {

class WorkFolder {
 public:
  // Removes what is there and makes it, with mode 0700. Errors: unavailable.
  [[nodiscard]] static Result<WorkFolder> make(const std::string& path);
  WorkFolder(WorkFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  WorkFolder& operator=(WorkFolder&&) = delete;
  ~WorkFolder();

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  // Renames it, durably; it stays.
  [[nodiscard]] Result<void> keep_as(const std::string& target);

 private:
  explicit WorkFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;  // empty: not ours any more
};

}  // namespace coffer::log
