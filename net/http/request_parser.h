// Parses one HTTP/1 request after another from the bytes of a connection into HttpRequests.
// Stricter than the underlying parser where leniency allows request smuggling: one Host, one plain
// Content-Length, and no transfer coding but `chunked`. Trailers are dropped. Not thread-safe.
// Source: RFC 9112.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "net/http/body_budget.h"
#include "net/http/http_server.h"

namespace coffer::net {

enum class ParseStatus {
  need_more,
  complete,
  // Refusals; the connection cannot be used for another request.
  bad_request,         // 400
  body_too_large,      // 413
  expectation_failed,  // 417
  header_too_large,    // 431
  overloaded,          // 503, the budget for bodies is used up
};

struct ParseOutcome {
  ParseStatus status;
  std::size_t consumed;
};

class RequestParser {
 public:
  RequestParser(const HttpLimits& limits, std::shared_ptr<BodyBudget> budget);
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;
  ~RequestParser();

  // Begins a new request, drops (and wipes) an unfinished one. Needed before everything below, and
  // best when the first byte arrives: an idle connection then holds no request.
  void reset();
  // Unconsumed bytes must be presented again, with more behind them.
  [[nodiscard]] ParseOutcome put(std::string_view bytes);

  // Valid from the moment the header is complete.
  [[nodiscard]] bool header_done() const noexcept;
  [[nodiscard]] bool expects_continue() const noexcept;
  [[nodiscard]] bool keep_alive() const noexcept;  // false before
  [[nodiscard]] bool is_http10() const noexcept;   // from the request line on
  [[nodiscard]] bool is_head() const noexcept;     // from the request line on

  // The complete request; wiped when its last owner lets go. Once, after ParseStatus::complete.
  [[nodiscard]] std::shared_ptr<HttpRequest> take();

 private:
  class Impl;

  const HttpLimits& limits_;
  std::shared_ptr<BodyBudget> budget_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace coffer::net
