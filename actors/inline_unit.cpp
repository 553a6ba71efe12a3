#include "actors/inline_unit.h"

namespace coffer::actors {
namespace {

constexpr std::size_t kMessagesMax = 8;

}  // namespace

InlineUnit& InlineUnit::of_thread(caf::actor_system& system) {
  thread_local InlineUnit unit;
  if (!unit.running_) unit.system_ = &system;
  return unit;
}

void InlineUnit::run() {
  if (running_) return;
  running_ = true;
  while (!runnable_.empty()) {
    auto* job = runnable_.front();
    runnable_.pop_front();
    switch (job->resume(this, kMessagesMax)) {
      case caf::resumable::resume_later:
        system().scheduler().enqueue(job);  // takes the reference over
        break;
      case caf::resumable::done:
      case caf::resumable::awaiting_message:
      case caf::resumable::shutdown_execution_unit:
        caf::intrusive_ptr_release(job);
        break;
    }
  }
  running_ = false;
  // An actor that was started here has bound this thread to the system through the library's
  // thread-local logger, and a system does not end while a thread is bound. This one may outlive
  // it.
  caf::logger::set_current_actor_system(nullptr);
}

}  // namespace coffer::actors
