// Runs actors on the thread that has a message for them. A message to an idle actor usually costs
// the wake-up of a scheduler thread, several times what handling it takes; delivered through this
// unit, the sender's thread runs the actor's handler instead. The actor library's own guarantee
// stays: one thread at a time runs an actor, and a message to a busy one is left in its mailbox.
//
// For senders whose next step would be to wait, and for actors whose handlers do not block. After
// a few messages an actor with more of them goes to the scheduler.
//
// One unit a thread; not thread-safe, and not needed to be.
#pragma once

#include <caf/all.hpp>
#include <deque>

namespace coffer::actors {

class InlineUnit final : public caf::execution_unit {
 public:
  // The calling thread's unit, bound to `system` until the next call.
  static InlineUnit& of_thread(caf::actor_system& system);

  // An actor has become runnable. Called by the actor library.
  void exec_later(caf::resumable* job) override { runnable_.push_back(job); }
  // Runs what is runnable. Within one of these actors it returns at once: the outer call goes on.
  void run();

 private:
  InlineUnit() = default;

  std::deque<caf::resumable*> runnable_;  // each holds a reference
  bool running_ = false;
};

}  // namespace coffer::actors
