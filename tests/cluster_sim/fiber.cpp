#include "tests/cluster_sim/fiber.h"

#include <sys/mman.h>
#include <ucontext.h>

#include <cstdint>
#include <vector>

#include "events/base/check.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace coffer::sim {
namespace {

constexpr std::size_t kStackBytes = 256u << 10;

struct Killed {};

// Stacks are used again: mapping one costs more than what runs on it.
std::vector<void*>& free_stacks() {
  static std::vector<void*> stacks;
  return stacks;
}

void* take_stack() {
  auto& stacks = free_stacks();
  if (!stacks.empty()) {
    auto* stack = stacks.back();
    stacks.pop_back();
    return stack;
  }
  auto* stack = mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  COFFER_CHECK(stack != MAP_FAILED);
  // Running out of it must not run into somebody else's memory.
  COFFER_CHECK(mprotect(stack, 4096, PROT_NONE) == 0);
  return stack;
}

}  // namespace

struct Fiber::Context {
  std::function<void()> body;
  void* stack = nullptr;
  ucontext_t own{};
  ucontext_t caller{};
  bool started = false;
  bool done = false;
  bool killed = false;
#if defined(__SANITIZE_ADDRESS__)
  void* caller_fake = nullptr;
  const void* caller_bottom = nullptr;
  std::size_t caller_size = 0;
  void* own_fake = nullptr;
#endif

  static Context*& current() {
    static Context* context = nullptr;
    return context;
  }

  void switch_in() {
    current() = this;
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(&caller_fake, stack, kStackBytes);
#endif
    swapcontext(&caller, &own);
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(caller_fake, nullptr, nullptr);
#endif
    current() = nullptr;
  }

  void switch_out() {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(done ? nullptr : &own_fake, caller_bottom, caller_size);
#endif
    swapcontext(&own, &caller);
    arrived();
  }

  void arrived() {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(own_fake, &caller_bottom, &caller_size);
#endif
  }
};

Fiber::Fiber(std::function<void()> body) : context_(std::make_unique<Context>()) {
  context_->body = std::move(body);
}

Fiber::~Fiber() {
  kill();
  if (context_->stack != nullptr) free_stacks().push_back(context_->stack);
}

bool Fiber::done() const noexcept {
  return context_->done;
}

bool Fiber::inside() noexcept {
  return Context::current() != nullptr;
}

void Fiber::enter(unsigned low, unsigned high) {
  auto* context =
      reinterpret_cast<Context*>((static_cast<std::uintptr_t>(high) << 32) | std::uintptr_t{low});
  context->arrived();
  try {
    context->body();
  } catch (const Killed&) {
  }
  context->body = nullptr;
  context->done = true;
  context->switch_out();
}

void Fiber::resume() {
  COFFER_CHECK(!inside() && !context_->done);
  if (!context_->started) {
    context_->started = true;
    context_->stack = take_stack();
    getcontext(&context_->own);
    context_->own.uc_stack.ss_sp = context_->stack;
    context_->own.uc_stack.ss_size = kStackBytes;
    context_->own.uc_link = nullptr;
    const auto address = reinterpret_cast<std::uintptr_t>(context_.get());
    makecontext(&context_->own, reinterpret_cast<void (*)()>(&Fiber::enter), 2,
                static_cast<unsigned>(address), static_cast<unsigned>(address >> 32));
  }
  context_->switch_in();
}

void Fiber::kill() {
  if (!context_->started) context_->done = true;
  if (context_->done) return;
  context_->killed = true;
  resume();
  COFFER_CHECK(context_->done);
}

void Fiber::suspend() {
  auto* context = Context::current();
  COFFER_CHECK(context != nullptr);
  COFFER_CHECK(!context->killed);  // a destructor tried to wait
  context->switch_out();
  if (context->killed) throw Killed{};
}

}  // namespace coffer::sim
