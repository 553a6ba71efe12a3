// Writes protobuf's wire format by hand, so that tests can store what our encoders never would.
#pragma once

#include <string_view>

#include "events/base/bytes.h"

namespace coffer::codec {

class Wire {
 public:
  Wire& number(std::uint32_t field, std::uint64_t value) {
    varint(field << 3);
    return varint(value);
  }
  Wire& bytes(std::uint32_t field, BytesView content) {
    varint(field << 3 | 2);
    varint(content.size());
    append(out_, content);
    return *this;
  }
  Wire& text(std::uint32_t field, std::string_view content) {
    return bytes(field, as_bytes(content));
  }
  Wire& message(std::uint32_t field, const Wire& content) { return bytes(field, content.out_); }
  Wire& zeros(std::uint32_t field, std::size_t size) { return bytes(field, Bytes(size)); }

  operator BytesView() const { return out_; }  // NOLINT: implicit on purpose

 private:
  Wire& varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) out_.push_back(static_cast<std::uint8_t>(value | 0x80));
    out_.push_back(static_cast<std::uint8_t>(value));
    return *this;
  }

  Bytes out_;
};

}  // namespace coffer::codec
