// Virtual time, what happens at which moment of it, and the seed's random choices. Everything of a
// run follows from the seed: one thread, one queue ordered by time and then by age.
//
// A Process is a simulated node's operating-system process: tasks (fibers), a clock of its own that
// runs too fast or too slow, and the two things that befall processes: it may be stopped for a
// while at any point() (every clock reading, every call to the log's surroundings), and it may die.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/cluster_sim/fiber.h"
#include "tests/support/seeded_random.h"

namespace coffer::sim {

using Nanos = std::int64_t;
inline constexpr Nanos kMillisecond = 1'000'000;
inline constexpr Nanos kSecond = 1'000 * kMillisecond;

class World {
 public:
  explicit World(std::uint64_t seed) : random_(seed) {}

  [[nodiscard]] Nanos now() const noexcept { return now_; }
  void at(Nanos when, std::function<void()> action);
  void after(Nanos delay, std::function<void()> action) { at(now_ + delay, std::move(action)); }
  // The next thing that happens; false: nothing will.
  bool step();

  std::uint64_t below(std::uint64_t bound) { return random_.below(bound); }
  bool chance(unsigned permille) { return permille > 0 && below(1000) < permille; }
  // A length below `bound` with many short ones and few long ones.
  Nanos delay(Nanos bound);
  [[nodiscard]] testing::SeededRandom& random() noexcept { return random_; }

  void note(std::string what);
  [[nodiscard]] std::string history() const;
  // Hash of everything that was noted: equal for equal seeds.
  [[nodiscard]] std::uint64_t trace() const noexcept { return trace_; }

 private:
  struct Action {
    Nanos when = 0;
    std::uint64_t age = 0;
    std::function<void()> run;
    // The heap's top is the greatest: the earliest.
    friend bool operator<(const Action& a, const Action& b) {
      return a.when != b.when ? a.when > b.when : a.age > b.age;
    }
  };

  testing::SeededRandom random_;
  Nanos now_ = 0;
  std::uint64_t ages_ = 0;
  std::vector<Action> actions_;  // a heap
  std::vector<std::string> history_;
  std::uint64_t trace_ = 14695981039346656037ull;
};

class Process;

// Where tasks of one process wait for something to happen.
class Signal {
 public:
  explicit Signal(Process& process) : process_(process) {}
  void notify();

 private:
  friend class Process;
  Process& process_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> waiting_;  // task, its wait
};

struct ProcessOptions {
  std::int64_t drift_ppm = 0;
  unsigned preempt_permille = 0;  // of the points: this task alone waits a moment
  unsigned stop_per_million = 0;  // of the points: the whole process stands still
  Nanos stop_max = 4 * kSecond;
};

class Process : public std::enable_shared_from_this<Process> {
 public:
  Process(World& world, std::string name, const ProcessOptions& options)
      : world_(world), name_(std::move(name)), options_(options) {}
  ~Process() { die(); }

  [[nodiscard]] World& world() const noexcept { return world_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] bool alive() const noexcept { return alive_; }
  [[nodiscard]] bool stopped() const noexcept { return stopped_until_ > world_.now(); }
  [[nodiscard]] Nanos stopped_until() const noexcept { return stopped_until_; }
  void start(std::function<void()> task);
  void stop_for(Nanos length);
  void resume_now() { stopped_until_ = 0; }
  void calm() { options_.preempt_permille = options_.stop_per_million = 0; }
  // kill -9: all tasks end where they are, the youngest first.
  void die();

  // From inside a task.
  void point();
  void sleep(Nanos length) { wait(nullptr, world_.now() + length); }
  // Until the signal or the time; the caller looks itself what has happened.
  void wait(Signal* signal, Nanos until);
  using Time = std::chrono::steady_clock::time_point;
  [[nodiscard]] Time clock();
  void sleep_until(Time time);
  // A length of this clock in true time.
  [[nodiscard]] Nanos true_length(Nanos local) const noexcept;

 private:
  friend class Signal;
  struct Task {
    std::uint64_t id = 0;
    std::uint64_t wait = 0;  // counts; a wake-up for an older one is late
    std::unique_ptr<Fiber> fiber;
  };
  void wake(std::uint64_t task, std::uint64_t wait, Nanos when);
  void run(std::uint64_t task, std::uint64_t wait);
  Task* find(std::uint64_t id);

  World& world_;
  std::string name_;
  ProcessOptions options_;
  bool alive_ = true;
  Nanos stopped_until_ = 0;
  std::uint64_t next_task_ = 1;
  std::vector<std::unique_ptr<Task>> tasks_;
  Task* running_ = nullptr;
};

}  // namespace coffer::sim
