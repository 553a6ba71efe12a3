// Parses one HTTP/1 answer after another from the bytes of a connection to a peer. Strict: exactly
// one Content-Length (none with 204, 304), no transfer coding, no interim answers; that is how our
// listener answers, and what ends with the connection cannot be told from what was cut off.
// Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "net/http/http_server.h"

namespace coffer::net {

enum class AnswerStatus { need_more, complete, malformed, too_large };

struct AnswerOutcome {
  AnswerStatus status;
  std::size_t consumed;
};

class ResponseParser {
 public:
  ResponseParser(std::uint32_t header_bytes_max, std::uint64_t body_bytes_max);
  ResponseParser(const ResponseParser&) = delete;
  ResponseParser& operator=(const ResponseParser&) = delete;
  ~ResponseParser();

  // Begins the answer to a new request, drops (and wipes) an unfinished one. Needed before put().
  void reset(bool answers_head);
  // Unconsumed bytes must be presented again, with more behind them.
  [[nodiscard]] AnswerOutcome put(std::string_view bytes);
  // The complete answer, with all headers but Content-Type and Content-Length, names as sent. Once.
  [[nodiscard]] HttpResponse take();
  [[nodiscard]] bool keep_alive() const noexcept;  // after AnswerStatus::complete

 private:
  class OneAnswer;

  const std::uint32_t header_bytes_max_;
  const std::uint64_t body_bytes_max_;
  std::unique_ptr<OneAnswer> answer_;
};

}  // namespace coffer::net
