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
}

}  // namespace coffer::actors
