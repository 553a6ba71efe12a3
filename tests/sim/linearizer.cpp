#include "tests/sim/linearizer.h"

#include <fmt/format.h>

namespace coffer::sim {
namespace {

constexpr std::size_t kCandidatesMax = 5000;

}  // namespace

std::string describe(const testing::KvModel& state) {
  auto text =
      fmt::format("exists={} created={} updated={} last={} oldest={} max={} cas={} after={}",
                  state.exists, state.created_ns, state.updated_ns, state.last(), state.oldest,
                  state.max_versions, state.cas_required, state.delete_after);
  for (const auto& [name, value] : state.custom) text += fmt::format(" {}={}", name, value);
  for (const auto& version : state.versions)
    text += fmt::format(" v{}[{} {} {}]", version.number, version.created_ns, version.deleted_ns,
                        version.destroyed);
  return text;
}

Linearizer::Linearizer(const secret::MountSettings& mount) : mount_(mount) {
  add(candidates_, {testing::KvModel(mount), {}});
}

std::string Linearizer::key_of(const Candidate& candidate) {
  auto key = describe(candidate.state);
  for (const auto& version : candidate.state.versions) key += fmt::format(",{}", version.value);
  for (const auto& [id, answer] : candidate.answers) key += fmt::format("|{}:{}", id, answer);
  return key;
}

void Linearizer::add(Candidates& set, Candidate candidate) {
  auto key = key_of(candidate);
  set.emplace(std::move(key), std::move(candidate));
}

int Linearizer::invoke(Apply apply, std::int64_t now_ns) {
  pending_.emplace(next_, Pending{std::move(apply), {now_ns}, false});
  return next_++;
}

void Linearizer::note_time(std::int64_t now_ns) {
  for (auto& [id, pending] : pending_)
    if (pending.times.back() != now_ns) pending.times.push_back(now_ns);
}

// Explores what operations under way may have done before `wanted` answered.
struct Linearizer::Search {
  const std::map<int, Pending>& pending;
  int wanted;  // 0: every outcome counts
  const std::string& answer;
  Candidates found;
  Candidates seen;

  void visit(const Candidate& from) {
    if (seen.size() > kCandidatesMax) return;
    const auto key = key_of(from);
    if (!seen.emplace(key, from).second) return;
    if (wanted == 0) add(found, from);
    if (const auto done = from.answers.find(wanted); done != from.answers.end()) {
      if (done->second != answer) return;
      auto matched = from;
      matched.answers.erase(wanted);
      return add(found, std::move(matched));
    }
    for (const auto& [id, operation] : pending) {
      if (from.answers.contains(id)) continue;
      for (const auto now : operation.times) {
        auto next = from;
        auto said = operation.apply(next.state, now);
        next.answers[id] = operation.lost ? std::string() : std::move(said);
        visit(next);
      }
    }
  }
};

bool Linearizer::respond(int id, const std::string& answer) {
  if (gave_up_) {
    forget(id);
    return true;
  }
  Search search{pending_, id, answer, {}, {}};
  for (const auto& [key, candidate] : candidates_) search.visit(candidate);
  if (search.seen.size() > kCandidatesMax) {
    gave_up_ = true;
    forget(id);
    return true;
  }
  if (search.found.empty()) return false;
  candidates_ = std::move(search.found);
  pending_.erase(id);
  return true;
}

void Linearizer::lose(int id) {
  auto& pending = pending_.at(id);
  pending.lost = true;
  Candidates renamed;
  for (auto& [key, candidate] : candidates_) {
    if (const auto done = candidate.answers.find(id); done != candidate.answers.end())
      done->second.clear();
    add(renamed, std::move(candidate));
  }
  candidates_ = std::move(renamed);
}

void Linearizer::withdraw(int id) {
  std::erase_if(candidates_, [id](const auto& item) { return item.second.answers.contains(id); });
  pending_.erase(id);
}

void Linearizer::forget(int id) {
  pending_.erase(id);
  Candidates rest;
  for (auto& [key, candidate] : candidates_) {
    candidate.answers.erase(id);
    add(rest, std::move(candidate));
  }
  candidates_ = std::move(rest);
}

void Linearizer::settle_lost() {
  if (!gave_up_ && !pending_.empty()) {
    const std::string none;
    Search search{pending_, 0, none, {}, {}};
    for (const auto& [key, candidate] : candidates_) search.visit(candidate);
    gave_up_ = search.seen.size() > kCandidatesMax;
    candidates_ = std::move(search.found);
  }
  while (!pending_.empty()) forget(pending_.begin()->first);
}

void Linearizer::set_mount(const secret::MountSettings& mount) {
  mount_ = mount;
  for (auto& [key, candidate] : candidates_) candidate.state.set_mount(mount);
}

std::optional<bool> Linearizer::exists() const {
  if (gave_up_) return std::nullopt;
  std::optional<bool> answer;
  for (const auto& [key, candidate] : candidates_) {
    if (answer && *answer != candidate.state.exists) return std::nullopt;
    answer = candidate.state.exists;
  }
  return answer;
}

VersionNumber Linearizer::last_guess() const {
  return candidates_.empty() ? 0 : candidates_.begin()->second.state.last();
}

std::size_t Linearizer::under_way() const {
  return static_cast<std::size_t>(std::count_if(
      pending_.begin(), pending_.end(), [](const auto& item) { return !item.second.lost; }));
}

std::size_t Linearizer::lost() const {
  return pending_.size() - under_way();
}

std::string Linearizer::possible() const {
  std::string text;
  for (const auto& [key, candidate] : candidates_) text += "\n    " + key;
  return text;
}

}  // namespace coffer::sim
