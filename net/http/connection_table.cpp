#include "net/http/connection_table.h"

#include "events/base/check.h"

namespace coffer::net {

ConnectionPlace::~ConnectionPlace() {
  if (table_ != nullptr) table_->leave(address_);
}

std::optional<ConnectionPlace> ConnectionTable::enter(const std::string& address) {
  const std::lock_guard lock(mutex_);
  const auto known = per_address_.find(address);
  const std::uint32_t count = known == per_address_.end() ? 0 : known->second;
  if (open_ >= total_max_ || count >= per_address_max_) {
    ++refused_;
    return std::nullopt;
  }
  ConnectionPlace place(*this, address);
  per_address_[address] = count + 1;
  ++open_;
  return place;
}

void ConnectionTable::leave(const std::string& address) noexcept {
  const std::lock_guard lock(mutex_);
  const auto entry = per_address_.find(address);
  COFFER_CHECK(entry != per_address_.end() && open_ != 0);
  // Addresses are forgotten at zero: a peer with many addresses must not fill the memory.
  if (--entry->second == 0) per_address_.erase(entry);
  if (--open_ == 0) emptied_.notify_all();
}

std::uint64_t ConnectionTable::open() const {
  const std::lock_guard lock(mutex_);
  return open_;
}

std::uint64_t ConnectionTable::refused() const {
  const std::lock_guard lock(mutex_);
  return refused_;
}

bool ConnectionTable::wait_until_empty(std::chrono::steady_clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  return emptied_.wait_until(lock, deadline, [this] { return open_ == 0; });
}

}  // namespace coffer::net
