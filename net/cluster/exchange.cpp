#include "net/cluster/exchange.h"

#include <fmt/format.h>

#include <utility>

#include "net/cluster/request_writer.h"

namespace coffer::net {

Exchange::Exchange(std::shared_ptr<HttpRequest> request, Time deadline, PeerCallback done,
                   std::shared_ptr<Count> under_way)
    : request_(std::move(request)),
      deadline_(deadline),
      done_(std::move(done)),
      under_way_(std::move(under_way)),
      safe_(is_safe_method(request_->method)) {}

Exchange::~Exchange() {
  if (done_) fail_with("it was dropped");
}

bool Exchange::take_second_attempt() noexcept {
  return safe_ && !std::exchange(second_attempt_, true);
}

void Exchange::finish(Result<HttpResponse> result) noexcept {
  if (!done_) return;
  const PeerCallback done = std::exchange(done_, nullptr);
  request_.reset();
  under_way_->fetch_sub(1, std::memory_order_relaxed);
  // What a callback throws ends with it: the thread serves other requests.
  try {
    done(std::move(result));
  } catch (...) {
  }
}

void Exchange::fail_with(std::string_view why, ErrorCode code_when_safe) noexcept {
  ErrorCode code = ErrorCode::unavailable;
  if (written_) code = safe_ ? code_when_safe : ErrorCode::unknown_outcome;
  std::string message;
  try {
    message = fmt::format("forwarding failed: {}", why);
  } catch (...) {
    // No memory: the code says what matters.
  }
  finish(fail(code, std::move(message)));
}

}  // namespace coffer::net
