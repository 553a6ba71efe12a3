// The claim rule against an oracle that is written the slow way: it looks at the whole log for each
// record instead of carrying a state along. The same checker must find rules that are broken on
// purpose, so that its silence about the real one means something.
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <functional>
#include <vector>

#include "events/log/kafka/claim_rule.h"

using namespace coffer;
using namespace coffer::log;

namespace {

using Log = std::vector<ClaimedRecord>;
using Rule = std::function<bool(ClaimState&, const ClaimedRecord&)>;

constexpr std::size_t kNone = ~std::size_t{0};

bool is_claim(const ClaimedRecord& record) {
  return record.kind == RecordKind::claim;
}

// A claim that does not count has an epoch that an earlier one reached, so the highest epoch of all
// earlier claims is the highest of those that count.
bool oracle_claim_counts(const Log& log, std::size_t at) {
  for (std::size_t i = 0; i < at; ++i)
    if (is_claim(log[i]) && log[i].epoch >= log[at].epoch) return false;
  return log[at].epoch > 0;
}

bool oracle_counts(const Log& log, std::size_t at) {
  if (is_claim(log[at])) return oracle_claim_counts(log, at);
  std::size_t owner = kNone;
  for (std::size_t i = 0; i < at; ++i)
    if (is_claim(log[i]) && oracle_claim_counts(log, i)) owner = i;
  if (owner == kNone) return false;
  const auto same_claim = [&](std::size_t i) {
    return log[i].epoch == log[owner].epoch && log[i].nonce == log[owner].nonce;
  };
  if (!same_claim(at)) return false;
  for (std::size_t i = owner + 1; i < at; ++i)
    if (log[i].kind == RecordKind::release && same_claim(i)) return false;
  return true;
}

// The first record where the rule and the oracle differ; kNone: they agree.
std::size_t first_difference(const Rule& rule, const Log& log) {
  ClaimState state;
  for (std::size_t at = 0; at < log.size(); ++at)
    if (rule(state, log[at]) != oracle_counts(log, at)) return at;
  return kNone;
}

// Claimers and zombies in any order. Few epochs and nonces, so that they meet: equal epochs under
// different nonces, one nonce under different epochs, records before the first claim.
rc::Gen<ClaimedRecord> any_record() {
  return rc::gen::apply(
      [](int kind, std::uint64_t epoch, std::uint8_t nonce) {
        return ClaimedRecord{kind < 3   ? RecordKind::claim
                             : kind < 4 ? RecordKind::release
                             : kind < 5 ? RecordKind::barrier
                                        : RecordKind::append,
                             epoch, Nonce128{{nonce}}};
      },
      rc::gen::inRange(0, 12), rc::gen::inRange<std::uint64_t>(0, 5),
      rc::gen::inRange<std::uint8_t>(0, 3));
}

rc::Gen<Log> any_log() {
  // Ranges shrink with the size: at the nominal one every kind, epoch and nonce is drawn.
  return rc::gen::resize(40,
                         rc::gen::container<Log>(rc::gen::resize(rc::kNominalSize, any_record())));
}

// Owners as they behave: each claims above what it saw, which may be old, then writes under its
// claim for a while, also when it has lost it.
Log owners_and_zombies() {
  struct Owner {
    std::uint64_t epoch = 0;
    Nonce128 nonce;
  };
  Log log;
  std::vector<Owner> owners(3);
  std::uint8_t nonces = 0;
  const auto steps = *rc::gen::inRange(0, 60);
  for (int step = 0; step < steps; ++step) {
    auto& owner = owners[*rc::gen::inRange<std::size_t>(0, owners.size())];
    const auto action = *rc::gen::inRange(0, 10);
    if (action == 0) {
      std::uint64_t seen = 0;
      const auto until = *rc::gen::inRange<std::size_t>(0, log.size() + 1);
      for (std::size_t i = 0; i < until; ++i)
        if (is_claim(log[i])) seen = std::max(seen, log[i].epoch);
      owner = {seen + 1, Nonce128{{++nonces}}};
      log.push_back({RecordKind::claim, owner.epoch, owner.nonce});
    } else {
      const auto kind = action == 1   ? RecordKind::release
                        : action == 2 ? RecordKind::barrier
                                      : RecordKind::append;
      log.push_back({kind, owner.epoch, owner.nonce});
    }
  }
  return log;
}

// ---------------------------------------------------------------- broken on purpose
bool equal_epochs_take_over(ClaimState& state, const ClaimedRecord& record) {
  if (is_claim(record) && record.epoch == state.epoch && record.epoch > 0) {
    state = {record.epoch, record.nonce, false};
    return true;
  }
  return admit(state, record);
}
bool nonces_are_ignored(ClaimState& state, ClaimedRecord record) {
  if (!is_claim(record)) record.nonce = state.nonce;
  return admit(state, record);
}
bool epochs_are_ignored(ClaimState& state, ClaimedRecord record) {
  if (!is_claim(record)) record.epoch = state.epoch;
  return admit(state, record);
}
bool claims_may_go_back(ClaimState& state, const ClaimedRecord& record) {
  if (is_claim(record) && record.epoch > 0 && record.epoch < state.epoch) {
    state = {record.epoch, record.nonce, false};
    return true;
  }
  return admit(state, record);
}
bool release_ends_nothing(ClaimState& state, const ClaimedRecord& record) {
  const bool counts = admit(state, record);
  state.released = false;
  return counts;
}
bool anybody_may_release(ClaimState& state, const ClaimedRecord& record) {
  const bool counts = admit(state, record);
  if (record.kind == RecordKind::release) state.released = true;
  return counts;
}
bool unclaimed_writes_count(ClaimState& state, const ClaimedRecord& record) {
  if (state.epoch == 0 && record.kind == RecordKind::append) return true;
  return admit(state, record);
}

// Whether the checker finds the rule broken in one of many random logs.
bool is_found(const Rule& rule) {
  for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
    const auto log = any_log()(rc::Random(seed), 100).value();
    if (first_difference(rule, log) != kNone) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("claim rule: any interleaving of records is judged as the oracle judges it") {
  CHECK(rc::check([] { RC_ASSERT(first_difference(admit, *any_log()) == kNone); }));
}

TEST_CASE("claim rule: owners and zombies are judged as the oracle judges them") {
  CHECK(rc::check([] { RC_ASSERT(first_difference(admit, owners_and_zombies()) == kNone); }));
}

TEST_CASE("claim rule: no two owners' records count under one epoch") {
  CHECK(rc::check([] {
    ClaimState state;
    std::vector<std::pair<std::uint64_t, Nonce128>> counted;
    for (const auto& record : owners_and_zombies())
      if (admit(state, record)) counted.emplace_back(record.epoch, record.nonce);
    for (std::size_t i = 1; i < counted.size(); ++i) {
      RC_ASSERT(counted[i - 1].first <= counted[i].first);
      if (counted[i - 1].first == counted[i].first)
        RC_ASSERT(counted[i - 1].second == counted[i].second);
    }
  }));
}

TEST_CASE("claim rule: the checker finds each rule that is broken on purpose") {
  struct Broken {
    std::string name;
    Rule rule;
  };
  for (const auto& [name, rule] : std::vector<Broken>{
           {"equal epochs take over", equal_epochs_take_over},
           {"nonces are ignored", nonces_are_ignored},
           {"epochs are ignored", epochs_are_ignored},
           {"claims may go back", claims_may_go_back},
           {"release ends nothing", release_ends_nothing},
           {"anybody may release", anybody_may_release},
           {"unclaimed writes count", unclaimed_writes_count},
       }) {
    CAPTURE(name);
    CHECK(is_found(rule));
  }
  CHECK_FALSE(is_found(admit));
}

TEST_CASE("claim rule: a table of take-overs") {
  const Nonce128 a{{1}};
  const Nonce128 b{{2}};
  using enum RecordKind;
  struct Row {
    ClaimedRecord record;
    bool counts;
  };
  ClaimState state;
  std::size_t number = 0;
  for (const auto& [record, counts] : std::vector<Row>{
           {{append, 0, {}}, false},  // nobody owns the partition
           {{claim, 0, a}, false},    // epoch 0 is no claim
           {{claim, 1, a}, true},     //
           {{append, 1, a}, true},    //
           {{append, 1, b}, false},   // the nonce decides
           {{claim, 1, b}, false},    // the first of two equal ones won
           {{append, 1, b}, false},   //
           {{claim, 4, b}, true},     // epochs may leave gaps
           {{append, 1, a}, false},   // a zombie
           {{release, 1, a}, false},  // which can release nothing either
           {{barrier, 4, b}, true},   //
           {{append, 4, b}, true},    //
           {{release, 4, b}, true},   //
           {{append, 4, b}, false},   // promised to write no more
           {{release, 4, b}, false},  //
           {{claim, 4, a}, false},    //
           {{claim, 5, a}, true},     //
           {{append, 5, a}, true},    //
       }) {
    CAPTURE(number);
    CHECK(admit(state, record) == counts);
    ++number;
  }
  CHECK(state == ClaimState{5, a, false});
}
