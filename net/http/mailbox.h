// Brings answers and tasks of other threads home to an io thread. Completions arrive in bursts (one
// commit of the log answers many requests), so only the first of a burst wakes the thread.
// Threads: reply() and post() from any; the rest as noted. Shared: a Responder may outlive the
// server, its answers are then dropped.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "net/http/asio_types.h"
#include "net/http/http_server.h"

namespace coffer::net {

class HttpSession;

class Mailbox : public std::enable_shared_from_this<Mailbox> {
 public:
  explicit Mailbox(asio::io_context& context) noexcept : context_(&context) {}

  // Called once by the thread that runs the context.
  void bind_to_this_thread() noexcept;
  [[nodiscard]] bool is_home() const noexcept;

  // Answers request `number` of the session, if both still exist: at once when called at home.
  void reply(const std::weak_ptr<HttpSession>& session, std::uint64_t number,
             HttpResponse response);
  void post(std::function<void()> task);
  // After the thread has ended: drops what is left and all that comes later.
  void close();

 private:
  struct Item {
    std::weak_ptr<HttpSession> session;
    std::uint64_t number = 0;
    HttpResponse response;
    std::function<void()> task;  // instead of an answer
  };

  void push(Item item);
  void drain();
  static void deliver(Item& item) noexcept;

  std::mutex mutex_;
  asio::io_context* context_;  // nullptr once closed
  std::vector<Item> items_;
  std::vector<Item> spare_;  // the previous burst's storage; used at home only
};

// The one right to answer a request. Dropped unused, it answers 500: a client never hangs because a
// handler forgot it.
class ReplyTicket {
 public:
  ReplyTicket(std::shared_ptr<Mailbox> mailbox, std::weak_ptr<HttpSession> session,
              std::uint64_t number) noexcept;
  ReplyTicket(const ReplyTicket&) = delete;
  ReplyTicket& operator=(const ReplyTicket&) = delete;
  ~ReplyTicket();

  // The first call counts, later ones are dropped.
  void reply(HttpResponse response);

 private:
  std::shared_ptr<Mailbox> mailbox_;
  std::weak_ptr<HttpSession> session_;
  std::uint64_t number_;
  std::atomic<bool> used_{false};
};

}  // namespace coffer::net
