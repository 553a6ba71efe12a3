// The files of the embedded SoftHSM token. SoftHSM rewrites some of them in place, so a crash at
// the wrong moment can leave one cut short, and with it no key would ever open again. A second copy
// of the token is kept beside it and mended from at the start. Only for the token folder below
// data_dir; a token that somebody else configured is never touched.
// Errors: unavailable, with the path.
#pragma once

#include <string>

#include "events/base/result.h"

namespace coffer::server {

class TokenFiles {
 public:
  // `folder`: data_dir/hsm. Empty: no embedded token, every call does nothing.
  explicit TokenFiles(std::string folder) : folder_(std::move(folder)) {}

  // Before the module is loaded: puts back files that are missing or shorter than their copy.
  // The number of mended files.
  [[nodiscard]] Result<unsigned> mend() const;
  // Before the module is loaded, when the store holds no vault: an initialisation was interrupted.
  // What it left is set aside (not deleted), so that the next one begins with a fresh token.
  [[nodiscard]] Result<bool> set_aside_unfinished() const;
  // After the token has proved to work: brings the copy up to date.
  [[nodiscard]] Result<void> keep_copy() const;

 private:
  [[nodiscard]] std::string tokens() const { return folder_ + "/tokens"; }
  [[nodiscard]] std::string copy() const { return folder_ + "/tokens.copy"; }

  std::string folder_;
};

}  // namespace coffer::server
