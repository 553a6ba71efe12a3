// Checks the linkage of a namespace's records as they pass: dense numbers from 1, and each record
// names the hash of the one before. The hashes themselves are computed by the server from the
// stored bytes, which it does not give away.
#pragma once

#include <optional>
#include <string>

#include "tools/coffer/event_source.h"

namespace coffer::cli {

class ChainWalk {
 public:
  // False when this record does not follow; then `problem` says why and nothing more may be added.
  [[nodiscard]] bool add(const EventRecord& record);

  [[nodiscard]] std::uint64_t records() const noexcept { return records_; }
  [[nodiscard]] const std::string& head_hash() const noexcept { return head_hash_; }
  [[nodiscard]] const std::optional<std::string>& problem() const noexcept { return problem_; }

 private:
  std::uint64_t records_ = 0;
  std::string head_hash_;
  std::optional<std::string> problem_;
};

}  // namespace coffer::cli
