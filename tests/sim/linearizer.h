// Judges the answers about one secret: they must be explained by some order of the operations that
// respects real time. Keeps every state the secret may be in; an answer removes those that cannot
// have given it. An operation whose answer got lost may take effect at any later moment, or never,
// until settle_lost(). Pure; the state is the naive KvModel.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/support/kv_model.h"

namespace coffer::sim {

// Everything a client can learn about the secret, as text.
[[nodiscard]] std::string describe(const testing::KvModel& state);

class Linearizer {
 public:
  // Changes the state and says what the client hears.
  using Apply = std::function<std::string(testing::KvModel&, std::int64_t now_ns)>;

  explicit Linearizer(const secret::MountSettings& mount);

  int invoke(Apply apply, std::int64_t now_ns);
  // The clock reads differently from here on: what is under way may have seen either.
  void note_time(std::int64_t now_ns);
  // False: no order explains the answer. The object is unusable then.
  [[nodiscard]] bool respond(int id, const std::string& answer);
  void lose(int id);
  void withdraw(int id);  // it was refused before it could take effect
  // Nothing is under way any more: lost operations have happened or never will.
  void settle_lost();
  void set_mount(const secret::MountSettings& mount);

  // True when the secret exists, false when not, nothing when both is possible.
  [[nodiscard]] std::optional<bool> exists() const;
  [[nodiscard]] VersionNumber last_guess() const;  // of one of the possible states
  [[nodiscard]] std::size_t under_way() const;     // lost ones do not count
  [[nodiscard]] std::size_t lost() const;
  [[nodiscard]] std::string possible() const;  // for messages
  // Too many possibilities to follow: answers are taken as they come.
  [[nodiscard]] bool gave_up() const noexcept { return gave_up_; }

 private:
  struct Pending {
    Apply apply;
    std::vector<std::int64_t> times;
    bool lost = false;
  };
  // A possible state, and what it already made of operations that are still under way.
  struct Candidate {
    testing::KvModel state;
    std::map<int, std::string> answers;
  };
  using Candidates = std::map<std::string, Candidate>;
  struct Search;

  static std::string key_of(const Candidate& candidate);
  static void add(Candidates& set, Candidate candidate);
  void forget(int id);

  Candidates candidates_;
  std::map<int, Pending> pending_;
  int next_ = 1;
  bool gave_up_ = false;
  secret::MountSettings mount_;
};

}  // namespace coffer::sim
