// Counts open connections, in total and per peer address, and refuses those beyond the limits.
// Threads: any; touched twice per connection, so one mutex is enough.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

namespace coffer::net {

class ConnectionTable;

// A connection's place in the table, given back when it dies. The table outlives it.
class ConnectionPlace {
 public:
  ConnectionPlace(ConnectionTable& table, std::string address) noexcept
      : table_(&table), address_(std::move(address)) {}
  ConnectionPlace(ConnectionPlace&& other) noexcept
      : table_(std::exchange(other.table_, nullptr)), address_(std::move(other.address_)) {}
  ConnectionPlace& operator=(ConnectionPlace&&) = delete;
  ~ConnectionPlace();

  [[nodiscard]] const std::string& address() const noexcept { return address_; }

 private:
  ConnectionTable* table_;
  std::string address_;
};

class ConnectionTable {
 public:
  ConnectionTable(std::uint32_t total_max, std::uint32_t per_address_max) noexcept
      : total_max_(total_max), per_address_max_(per_address_max) {}

  // Empty when refused.
  [[nodiscard]] std::optional<ConnectionPlace> enter(const std::string& address);
  [[nodiscard]] std::uint64_t open() const;
  [[nodiscard]] std::uint64_t refused() const;
  // False when connections are left at the deadline.
  bool wait_until_empty(std::chrono::steady_clock::time_point deadline);

 private:
  friend class ConnectionPlace;
  void leave(const std::string& address) noexcept;

  const std::uint32_t total_max_;
  const std::uint32_t per_address_max_;
  mutable std::mutex mutex_;
  std::condition_variable emptied_;
  std::unordered_map<std::string, std::uint32_t> per_address_;
  std::uint64_t open_ = 0;
  std::uint64_t refused_ = 0;
};

}  // namespace coffer::net
