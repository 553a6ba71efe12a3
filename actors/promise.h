// A callback that runs exactly once. Held by reference count, so it can travel in actor messages
// (which are copied); when the last holder dies without an answer, as happens to the mailbox of a
// crashed actor, the caller gets an error instead of silence. Thread-safe to answer from anywhere.
#pragma once

#include <atomic>
#include <memory>

#include "events/api/request_port.h"

namespace coffer::actors {

template <class T>
class Promise {
 public:
  Promise() = default;
  explicit Promise(api::Callback<T> callback)
      : state_(std::make_shared<State>(std::move(callback))) {}

  void operator()(Result<T> result) const { state_->answer(std::move(result)); }
  void fail(ErrorCode code, std::string message) const {
    state_->answer(Error{code, std::move(message)});
  }
  void fail(Error error) const { state_->answer(std::move(error)); }

 private:
  struct State {
    explicit State(api::Callback<T> callback) : callback(std::move(callback)) {}
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() {
      if (callback) callback(Error{ErrorCode::unavailable, "the request was dropped"});
    }
    void answer(Result<T> result) {
      if (answered.exchange(true)) return;
      auto run = std::move(callback);
      callback = nullptr;
      run(std::move(result));
    }
    api::Callback<T> callback;
    std::atomic<bool> answered = false;
  };
  std::shared_ptr<State> state_;
};

}  // namespace coffer::actors
