#include "tests/cluster_sim/sim_world.h"

#include <algorithm>
#include <exception>

#include <fmt/format.h>

namespace coffer::sim {
namespace {

constexpr std::size_t kHistoryMax = 400;

}  // namespace

// ---------------------------------------------------------------- time
void World::at(Nanos when, std::function<void()> action) {
  actions_.push_back({std::max(when, now_), ages_++, std::move(action)});
  std::push_heap(actions_.begin(), actions_.end());
}

bool World::step() {
  if (actions_.empty()) return false;
  std::pop_heap(actions_.begin(), actions_.end());
  auto action = std::move(actions_.back());
  actions_.pop_back();
  now_ = action.when;
  action.run();
  return true;
}

Nanos World::delay(Nanos bound) {
  const auto part = bound >> below(8);
  return static_cast<Nanos>(below(static_cast<std::uint64_t>(std::max<Nanos>(part, 1)))) + 1;
}

void World::note(std::string what) {
  auto line = fmt::format("{:>10.4f} {}", static_cast<double>(now_) / kSecond, what);
  for (const char c : line) trace_ = (trace_ ^ static_cast<unsigned char>(c)) * 1099511628211ull;
  history_.push_back(std::move(line));
  if (history_.size() > 2 * kHistoryMax)
    history_.erase(history_.begin(), history_.begin() + kHistoryMax);
}

std::string World::history() const {
  std::string text;
  for (const auto& line : history_) text += line + "\n";
  return text;
}

// ---------------------------------------------------------------- processes
void Signal::notify() {
  auto waiting = std::exchange(waiting_, {});
  for (const auto& [task, wait] : waiting) process_.wake(task, wait, process_.world_.now());
}

Process::Task* Process::find(std::uint64_t id) {
  const auto found =
      std::find_if(tasks_.begin(), tasks_.end(), [&](const auto& task) { return task->id == id; });
  return found == tasks_.end() ? nullptr : found->get();
}

void Process::start(std::function<void()> body) {
  if (!alive_) return;
  auto task = std::make_unique<Task>();
  task->id = next_task_++;
  task->fiber = std::make_unique<Fiber>(std::move(body));
  const auto id = task->id;
  tasks_.push_back(std::move(task));
  wake(id, 0, world_.now());
}

void Process::wake(std::uint64_t task, std::uint64_t wait, Nanos when) {
  world_.at(when, [self = weak_from_this(), task, wait] {
    if (const auto process = self.lock()) process->run(task, wait);
  });
}

void Process::run(std::uint64_t id, std::uint64_t wait) {
  if (!alive_) return;
  auto* task = find(id);
  if (task == nullptr || task->wait != wait) return;
  if (stopped()) return wake(id, wait, stopped_until_);
  ++task->wait;
  running_ = task;
  task->fiber->resume();
  running_ = nullptr;
  if (!task->fiber->done()) return;
  std::erase_if(tasks_, [&](const auto& other) { return other->id == id; });
}

void Process::stop_for(Nanos length) {
  stopped_until_ = std::max(stopped_until_, world_.now() + length);
}

void Process::die() {
  if (!alive_) return;
  alive_ = false;
  while (!tasks_.empty()) {
    tasks_.back()->fiber->kill();
    tasks_.pop_back();
  }
}

void Process::wait(Signal* signal, Nanos until) {
  auto* task = running_;
  if (signal != nullptr) signal->waiting_.emplace_back(task->id, task->wait);
  wake(task->id, task->wait, until);
  Fiber::suspend();
}

void Process::point() {
  if (!Fiber::inside() || !alive_ || std::uncaught_exceptions() > 0) return;
  if (options_.stop_per_million > 0 && world_.below(1'000'000) < options_.stop_per_million) {
    const auto length = world_.delay(options_.stop_max);
    world_.note(fmt::format("{} stands still for {} ms", name_, length / kMillisecond));
    stop_for(length);
    return sleep(0);
  }
  if (world_.chance(options_.preempt_permille)) sleep(world_.delay(5 * kMillisecond));
}

// A wrong clock is wrong by a constant factor, which the log's margins have to bear.
Process::Time Process::clock() {
  point();
  const auto local = world_.now() + world_.now() / 1'000'000 * options_.drift_ppm;
  const Time time{std::chrono::nanoseconds(1'000 * kSecond + local)};
  point();
  return time;
}

Nanos Process::true_length(Nanos local) const noexcept {
  return local * 1'000'000 / (1'000'000 + options_.drift_ppm) + 1;
}

void Process::sleep_until(Time time) {
  for (;;) {
    const auto left = std::chrono::nanoseconds(time - clock()).count();
    if (left <= 0) return;
    sleep(true_length(left));
  }
}

}  // namespace coffer::sim
