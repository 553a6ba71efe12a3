#include "tools/coffer/chain_walk.h"

#include <fmt/format.h>

#include "events/base/bytes.h"

namespace coffer::cli {
namespace {

bool is_hash(const std::string& hex) {
  return from_hex(hex).size() == sizeof(Sha256);
}

}  // namespace

bool ChainWalk::add(const EventRecord& record) {
  const auto expected = records_ + 1;
  if (record.sequence != expected)
    problem_ = fmt::format("record {} is missing: record {} follows record {}", expected,
                           record.sequence, records_);
  else if (!is_hash(record.hash))
    problem_ = fmt::format("record {}: its hash is no SHA-256", expected);
  else if (record.previous_hash != head_hash_)
    problem_ = fmt::format("record {}: previous hash does not match", expected);
  if (problem_) return false;
  records_ = expected;
  head_hash_ = record.hash;
  return true;
}

}  // namespace coffer::cli
