#include "net/cluster/response_parser.h"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <charconv>
#include <optional>
#include <utility>

namespace coffer::net {
namespace {

namespace http = boost::beast::http;
using ParserError = boost::beast::error_code;
using ParserText = boost::beast::string_view;  // converts to and from the standard one

// No more than this on the peer's word; a larger body grows as its bytes arrive.
constexpr std::uint64_t kReservedBytesMax = 64 * 1024;

std::optional<std::uint64_t> to_number(std::string_view digits) noexcept {
  std::uint64_t number = 0;
  const char* const end = digits.data() + digits.size();
  const auto [at, error] = std::from_chars(digits.data(), end, number);
  if (error != std::errc() || at != end || digits.empty()) return std::nullopt;
  return number;
}

}  // namespace

// The base class cannot be reused, so each answer has a new one.
class ResponseParser::OneAnswer final : public http::basic_parser<false> {
 public:
  OneAnswer(std::uint32_t header_bytes_max, std::uint64_t body_bytes_max, bool answers_head)
      : header_bytes_max_(header_bytes_max), answers_head_(answers_head) {
    eager(true);
    header_limit(header_bytes_max);
    body_limit(body_bytes_max);
    skip(answers_head);
    response_.content_type.clear();
  }

  [[nodiscard]] const std::optional<AnswerStatus>& refusal() const noexcept { return refusal_; }
  [[nodiscard]] HttpResponse take() noexcept { return std::move(response_); }

 private:
  void refuse(AnswerStatus status, ParserError& error) noexcept {
    refusal_ = status;
    error = http::error::bad_value;  // any error stops the base class
  }
  void count_header(std::size_t bytes, ParserError& error) noexcept {
    // The base class bounds a single line only: it forgets what it has consumed.
    header_bytes_ += bytes;
    if (header_bytes_ > header_bytes_max_) refuse(AnswerStatus::too_large, error);
  }

  void on_request_impl(http::verb, ParserText, ParserText, int, ParserError&) override {}
  void on_response_impl(int status, ParserText reason, int, ParserError& error) override {
    response_.status = status;
    count_header(reason.size() + 15, error);
    if (status < 200 || status > 599) refuse(AnswerStatus::malformed, error);
  }
  void on_field_impl(http::field field, ParserText name, ParserText value,
                     ParserError& error) override;
  void on_header_impl(ParserError& error) override {
    const bool bodiless = response_.status == 204 || response_.status == 304;
    if (!length_ && !bodiless) refuse(AnswerStatus::malformed, error);
    if (answers_head_) response_.head_body_bytes = length_.value_or(0);
  }
  void on_body_init_impl(const boost::optional<std::uint64_t>& size, ParserError&) override {
    if (size) response_.body.reserve(std::min(*size, kReservedBytesMax));
  }
  std::size_t on_body_impl(ParserText bytes, ParserError&) override {
    response_.body.append(std::string_view(bytes));
    return bytes.size();
  }
  std::size_t on_chunk_body_impl(std::uint64_t, ParserText, ParserError& error) override {
    refuse(AnswerStatus::malformed, error);
    return 0;
  }
  void on_chunk_header_impl(std::uint64_t, ParserText, ParserError&) override {}
  void on_finish_impl(ParserError&) override {}

  const std::uint32_t header_bytes_max_;
  const bool answers_head_;
  HttpResponse response_;
  std::optional<AnswerStatus> refusal_;
  std::optional<std::uint64_t> length_;
  std::size_t header_bytes_ = 0;
};

void ResponseParser::OneAnswer::on_field_impl(http::field field, ParserText name, ParserText value,
                                              ParserError& error) {
  count_header(name.size() + value.size() + 4, error);
  if (error) return;
  switch (field) {
    case http::field::transfer_encoding:
      return refuse(AnswerStatus::malformed, error);
    case http::field::content_length:
      if (length_ || !(length_ = to_number(value))) refuse(AnswerStatus::malformed, error);
      return;
    case http::field::content_type:
      response_.content_type = std::string_view(value);
      return;
    default:
      response_.headers.emplace_back(std::string_view(name), std::string_view(value));
  }
}

ResponseParser::ResponseParser(std::uint32_t header_bytes_max, std::uint64_t body_bytes_max)
    : header_bytes_max_(header_bytes_max), body_bytes_max_(body_bytes_max) {}

ResponseParser::~ResponseParser() = default;

void ResponseParser::reset(bool answers_head) {
  answer_ = std::make_unique<OneAnswer>(header_bytes_max_, body_bytes_max_, answers_head);
}

AnswerOutcome ResponseParser::put(std::string_view bytes) {
  ParserError error;
  const std::size_t consumed =
      answer_->put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
  if (answer_->refusal()) return {*answer_->refusal(), consumed};
  if (!error) {
    return {answer_->is_done() ? AnswerStatus::complete : AnswerStatus::need_more, consumed};
  }
  if (error == http::error::need_more) return {AnswerStatus::need_more, consumed};
  const bool too_large = error == http::error::header_limit || error == http::error::body_limit;
  return {too_large ? AnswerStatus::too_large : AnswerStatus::malformed, consumed};
}

HttpResponse ResponseParser::take() {
  return answer_->take();
}

bool ResponseParser::keep_alive() const noexcept {
  return answer_->keep_alive();
}

}  // namespace coffer::net
