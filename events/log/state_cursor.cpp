#include "events/log/state_cursor.h"

#include <rocksdb/iterator.h>

namespace coffer::log {

std::string_view table_name(Table table) noexcept {
  constexpr std::string_view kNames[kTableCount] = {
      "meta",   "tenants",   "aggregates", "values",       "keys",  "listing",
      "tokens", "accessors", "events",     "tenant_index", "access"};
  return kNames[static_cast<std::size_t>(table)];
}

StateCursor::StateCursor(std::unique_ptr<rocksdb::Iterator> iterator)
    : iterator_(std::move(iterator)) {}
StateCursor::StateCursor(StateCursor&&) noexcept = default;
StateCursor& StateCursor::operator=(StateCursor&&) noexcept = default;
StateCursor::~StateCursor() = default;

bool StateCursor::valid() const {
  return iterator_->Valid();
}

BytesView StateCursor::key() const {
  const auto key = iterator_->key();
  return {reinterpret_cast<const std::uint8_t*>(key.data()), key.size()};
}

BytesView StateCursor::value() const {
  const auto value = iterator_->value();
  return {reinterpret_cast<const std::uint8_t*>(value.data()), value.size()};
}

void StateCursor::next() {
  iterator_->Next();
}

Result<void> StateCursor::status() const {
  const auto status = iterator_->status();
  if (status.ok()) return {};
  return fail(status.IsCorruption() ? ErrorCode::corrupt : ErrorCode::unavailable,
              "cannot read the store: " + status.ToString());
}

}  // namespace coffer::log
