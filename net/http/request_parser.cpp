#include "net/http/request_parser.h"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <optional>
#include <utility>

namespace coffer::net {
namespace {

namespace http = boost::beast::http;
using ParserError = boost::beast::error_code;
using ParserText = boost::beast::string_view;  // converts to and from the standard one

void wipe(std::string& text) noexcept {
  wipe_memory(text.data(), text.size());
}

// Header values and the target may hold tokens; std::string does not wipe, so this does.
struct WipedRequest : HttpRequest {
  explicit WipedRequest(std::shared_ptr<BodyBudget> budget) : lease(std::move(budget)) {}
  WipedRequest(const WipedRequest&) = delete;
  WipedRequest& operator=(const WipedRequest&) = delete;
  ~WipedRequest() {
    for (auto& [name, value] : headers) wipe(value);
    wipe(target);
  }

  BodyLease lease;
};

char to_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), to_lower);
  return lower;
}

bool equals_ignoring_case(std::string_view text, std::string_view lower) noexcept {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(),
                    [](char a, char b) { return to_lower(a) == b; });
}

bool is_digits(std::string_view text) noexcept {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// One request. The base class cannot be reused, so each request has a new one.
class OneRequest final : public http::basic_parser<true> {
 public:
  OneRequest(const HttpLimits& limits, std::shared_ptr<BodyBudget> budget)
      : limits_(limits), request_(std::make_shared<WipedRequest>(std::move(budget))) {
    eager(true);
    header_limit(limits.header_bytes_max);
    body_limit(limits.body_bytes_max);
    // Growing would leave copies of moved short strings behind in freed memory.
    request_->headers.reserve(kUsualHeaders);
  }

  [[nodiscard]] const std::optional<ParseStatus>& refusal() const noexcept { return refusal_; }
  [[nodiscard]] bool header_seen() const noexcept { return header_seen_; }
  [[nodiscard]] bool expects_continue() const noexcept { return expects_continue_; }
  [[nodiscard]] bool is_http10() const noexcept { return is_http10_; }
  [[nodiscard]] const std::string& method() const noexcept { return request_->method; }
  [[nodiscard]] std::shared_ptr<HttpRequest> take() noexcept { return std::move(request_); }

 private:
  // 16 pairs of strings are 1,024 bytes, the largest block that the allocator's fast path holds.
  static constexpr std::size_t kUsualHeaders = 16;

  void refuse(ParseStatus status, ParserError& error) noexcept {
    refusal_ = status;
    error = http::error::bad_value;  // any error stops the base class
  }
  void count_header(std::size_t bytes, ParserError& error) noexcept {
    // The base class bounds a single line only: it forgets what it has consumed.
    header_bytes_ += bytes;
    if (header_bytes_ > limits_.header_bytes_max) refuse(ParseStatus::header_too_large, error);
  }

  void on_request_impl(http::verb, ParserText method, ParserText target, int version,
                       ParserError& error) override {
    request_->method = std::string_view(method);
    request_->target = std::string_view(target);
    is_http10_ = version == 10;
    count_header(method.size() + target.size() + 12, error);
  }
  void on_response_impl(int, ParserText, int, ParserError&) override {}
  void on_field_impl(http::field field, ParserText name, ParserText value,
                     ParserError& error) override;
  void on_header_impl(ParserError& error) override;
  void on_body_init_impl(const boost::optional<std::uint64_t>& size, ParserError& error) override;
  std::size_t on_body_impl(ParserText bytes, ParserError& error) override;
  std::size_t on_chunk_body_impl(std::uint64_t, ParserText bytes, ParserError& error) override {
    return on_body_impl(bytes, error);
  }
  void on_chunk_header_impl(std::uint64_t, ParserText, ParserError&) override {}
  void on_finish_impl(ParserError&) override {}

  const HttpLimits& limits_;
  std::shared_ptr<WipedRequest> request_;
  std::optional<ParseStatus> refusal_;
  std::size_t header_bytes_ = 0;
  unsigned hosts_ = 0;
  unsigned lengths_ = 0;
  bool has_coding_ = false;
  bool is_http10_ = false;
  bool header_seen_ = false;
  bool expects_continue_ = false;
};

void OneRequest::on_field_impl(http::field field, ParserText name, ParserText value,
                               ParserError& error) {
  count_header(name.size() + value.size() + 4, error);
  if (error || header_seen_) return;  // fields after the header are trailers
  switch (field) {
    case http::field::host:
      if (++hosts_ > 1) return refuse(ParseStatus::bad_request, error);
      break;
    case http::field::content_length:
      // Lists such as "5, 5" are read differently by different proxies.
      if (++lengths_ > 1 || !is_digits(value)) return refuse(ParseStatus::bad_request, error);
      break;
    case http::field::transfer_encoding:
      if (!equals_ignoring_case(value, "chunked")) return refuse(ParseStatus::bad_request, error);
      has_coding_ = true;
      break;
    case http::field::expect:
      if (!equals_ignoring_case(value, "100-continue")) {
        return refuse(ParseStatus::expectation_failed, error);
      }
      expects_continue_ = true;
      break;
    default:
      break;
  }
  request_->headers.emplace_back(lower_case(name), std::string_view(value));
}

void OneRequest::on_header_impl(ParserError& error) {
  header_seen_ = true;
  if (is_http10_) {
    expects_continue_ = false;  // 1.0 clients do not know it
    if (has_coding_) refuse(ParseStatus::bad_request, error);
  } else if (hosts_ == 0) {
    refuse(ParseStatus::bad_request, error);
  }
}

void OneRequest::on_body_init_impl(const boost::optional<std::uint64_t>& size, ParserError&) {
  // No more than this on the peer's word; a larger body grows as its bytes arrive.
  if (size) request_->body.reserve(std::min<std::uint64_t>(*size, BodyLease::kFreeBytes));
}

std::size_t OneRequest::on_body_impl(ParserText bytes, ParserError& error) {
  if (!request_->lease.cover(request_->body.size() + bytes.size())) {
    refuse(ParseStatus::overloaded, error);
    return 0;
  }
  request_->body.append(std::string_view(bytes));
  return bytes.size();
}

ParseStatus status_of(const ParserError& error) noexcept {
  if (error == http::error::header_limit) return ParseStatus::header_too_large;
  if (error == http::error::body_limit) return ParseStatus::body_too_large;
  return ParseStatus::bad_request;
}

}  // namespace

class RequestParser::Impl {
 public:
  std::optional<OneRequest> request;
};

RequestParser::RequestParser(const HttpLimits& limits, std::shared_ptr<BodyBudget> budget)
    : limits_(limits), budget_(std::move(budget)), impl_(std::make_unique<Impl>()) {}

RequestParser::~RequestParser() = default;

void RequestParser::reset() {
  impl_->request.emplace(limits_, budget_);
}

ParseOutcome RequestParser::put(std::string_view bytes) {
  OneRequest& request = *impl_->request;
  ParserError error;
  const std::size_t consumed =
      request.put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
  if (request.refusal()) return {*request.refusal(), consumed};
  if (!error) return {request.is_done() ? ParseStatus::complete : ParseStatus::need_more, consumed};
  if (error == http::error::need_more) return {ParseStatus::need_more, consumed};
  return {status_of(error), consumed};
}

bool RequestParser::header_done() const noexcept {
  return impl_->request->header_seen();
}
bool RequestParser::expects_continue() const noexcept {
  return impl_->request->expects_continue();
}
bool RequestParser::is_http10() const noexcept {
  return impl_->request->is_http10();
}
bool RequestParser::keep_alive() const noexcept {
  return impl_->request->header_seen() && impl_->request->keep_alive();
}
bool RequestParser::is_head() const noexcept {
  return impl_->request->method() == "HEAD";
}
std::shared_ptr<HttpRequest> RequestParser::take() {
  return impl_->request->take();
}

}  // namespace coffer::net
