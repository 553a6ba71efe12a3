// A function with a stack of its own, which runs until it suspends itself and goes on when it is
// resumed: what a thread of a simulated process is. So the product's blocking code runs as it is,
// on one thread, in an order that the simulation decides.
//
// kill() ends a suspended fiber as a crash ends a thread's view of the world: suspend() throws
// there, and what the stack holds is destroyed. Destructors therefore never suspend.
// Threads: all fibers of a simulation belong to one thread.
#pragma once

#include <functional>
#include <memory>

namespace coffer::sim {

class Fiber {
 public:
  explicit Fiber(std::function<void()> body);
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // Not from inside a fiber.
  void resume();
  // Not from inside a fiber; returns when its stack is unwound.
  void kill();
  [[nodiscard]] bool done() const noexcept;
  [[nodiscard]] static bool inside() noexcept;
  // Only from inside a fiber.
  static void suspend();

 private:
  struct Context;
  static void enter(unsigned low, unsigned high);

  std::unique_ptr<Context> context_;
};

}  // namespace coffer::sim
