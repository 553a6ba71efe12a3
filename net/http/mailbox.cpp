#include "net/http/mailbox.h"

#include <boost/asio/post.hpp>
#include <utility>

#include "net/http/http_session.h"
#include "net/http/response_writer.h"

namespace coffer::net {
namespace {

thread_local const Mailbox* this_threads_mailbox = nullptr;

// A burst's storage beyond this is given back instead of kept.
constexpr std::size_t kSpareItemsMax = 1024;

}  // namespace

void Mailbox::bind_to_this_thread() noexcept {
  this_threads_mailbox = this;
}

bool Mailbox::is_home() const noexcept {
  return this_threads_mailbox == this;
}

void Mailbox::reply(const std::weak_ptr<HttpSession>& session, std::uint64_t number,
                    HttpResponse response) {
  if (!is_home()) return push({session, number, std::move(response), {}});
  // The weak pointer is only ever locked at home, so a session always dies on its own thread.
  if (const auto alive = session.lock()) alive->reply(number, std::move(response));
}

void Mailbox::post(std::function<void()> task) {
  push({{}, 0, {}, std::move(task)});
}

void Mailbox::push(Item item) {
  const std::lock_guard lock(mutex_);
  if (context_ == nullptr) return;
  items_.push_back(std::move(item));
  if (items_.size() > 1) return;
  asio::post(*context_, [self = shared_from_this()] { self->drain(); });
}

void Mailbox::drain() {
  std::vector<Item> burst = std::move(spare_);
  {
    const std::lock_guard lock(mutex_);
    burst.swap(items_);
  }
  for (Item& item : burst) deliver(item);
  burst.clear();
  if (burst.capacity() <= kSpareItemsMax) spare_ = std::move(burst);
}

void Mailbox::deliver(Item& item) noexcept {
  // A task that throws ends alone: the thread serves other connections. A request it was to answer
  // gets its 500 from the dropped ticket.
  try {
    if (item.task) {
      item.task();
    } else if (const auto alive = item.session.lock()) {
      alive->reply(item.number, std::move(item.response));
    }
  } catch (...) {
  }
}

void Mailbox::close() {
  std::vector<Item> left;
  {
    const std::lock_guard lock(mutex_);
    context_ = nullptr;
    left.swap(items_);
  }
  // Destroyed without the lock: a task may hold tickets, and they call push().
}

ReplyTicket::ReplyTicket(std::shared_ptr<Mailbox> mailbox, std::weak_ptr<HttpSession> session,
                         std::uint64_t number) noexcept
    : mailbox_(std::move(mailbox)), session_(std::move(session)), number_(number) {}

ReplyTicket::~ReplyTicket() {
  // Without memory for the answer, the response deadline ends the connection.
  try {
    reply(internal_error_response());
  } catch (...) {
  }
}

void ReplyTicket::reply(HttpResponse response) {
  if (used_.exchange(true)) return;
  mailbox_->reply(session_, number_, std::move(response));
}

}  // namespace coffer::net
