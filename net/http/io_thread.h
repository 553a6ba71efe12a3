// One io_context, its thread, and the connections that live on it for all their life: no strands
// and no locks between them. Deadlines are kept by one sweep a second over the connections; a timer
// per request costs more than the parser.
// Threads: constructor, begin_drain(), abort_all() and join() from the owner; post() of the mailbox
// from any; the rest on the thread itself.
#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <cstdint>
#include <list>
#include <memory>
#include <thread>

#include "net/http/asio_types.h"
#include "net/http/mailbox.h"
#include "net/http/server_context.h"

namespace coffer::net {

class HttpSession;

class IoThread {
 public:
  using Sessions = std::list<std::shared_ptr<HttpSession>>;

  IoThread(unsigned index, ServerContext& server);
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;
  ~IoThread();  // after join()

  void start();
  // Idle connections close, the others do after the answer they are working on.
  void begin_drain();
  // All connections close now; the thread ends when it has nothing left to do.
  void abort_all();
  void join();

  void adopt(TcpSocket socket, ConnectionPlace place);

  [[nodiscard]] unsigned index() const noexcept { return index_; }
  [[nodiscard]] asio::io_context& context() noexcept { return context_; }
  [[nodiscard]] const std::shared_ptr<Mailbox>& mailbox() const noexcept { return mailbox_; }
  [[nodiscard]] ServerContext& server() noexcept { return server_; }
  [[nodiscard]] bool draining() const noexcept { return draining_; }
  // Seconds since the start, as of the last sweep.
  [[nodiscard]] std::uint64_t now_seconds() const noexcept { return now_seconds_; }
  void forget(Sessions::iterator session) noexcept { sessions_.erase(session); }

  void count_request() noexcept {
    // One writer: no locked instruction needed.
    requests_.store(requests_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t requests() const noexcept {
    return requests_.load(std::memory_order_relaxed);
  }

 private:
  void run() noexcept;
  void arm_sweep();
  void sweep();
  template <class Visit>
  void for_each_session(Visit visit);

  const unsigned index_;
  ServerContext& server_;
  asio::io_context context_;
  asio::executor_work_guard<Executor> work_;
  SteadyTimer sweep_timer_;
  const std::shared_ptr<Mailbox> mailbox_;
  Sessions sessions_;
  const std::chrono::steady_clock::time_point started_;
  std::uint64_t now_seconds_ = 0;
  bool draining_ = false;
  bool ending_ = false;
  std::atomic<std::uint64_t> requests_{0};
  std::thread thread_;
};

}  // namespace coffer::net
