#include "events/base/result.h"

#include <doctest/doctest.h>

#include <memory>

using namespace coffer;

namespace {

Result<int> half(int number) {
  if (number % 2 != 0) return fail(ErrorCode::invalid_argument, "odd");
  return number / 2;
}

Result<void> even(int number) {
  COFFER_TRY(half(number));
  return {};
}

Result<std::string> quarter(int number) {
  COFFER_ASSIGN(const auto first, half(number));
  COFFER_ASSIGN(const auto second, half(first));
  return std::to_string(second);
}

Result<std::unique_ptr<int>> boxed(int number) {
  COFFER_TRY(even(number));
  return std::make_unique<int>(number);
}

}  // namespace

TEST_CASE("a result holds a value or an error") {
  auto good = half(4);
  REQUIRE(good.ok());
  CHECK(static_cast<bool>(good));
  CHECK(good.value() == 2);
  *good = 7;
  CHECK(*good == 7);
  const auto bad = half(3);
  REQUIRE_FALSE(bad.ok());
  CHECK(bad.error() == fail(ErrorCode::invalid_argument, "odd"));
  CHECK_FALSE(bad.error() == fail(ErrorCode::internal, "odd"));
}

TEST_CASE("a result without value") {
  CHECK(even(2).ok());
  CHECK(even(3).error().message == "odd");
}

TEST_CASE("the first error is passed on, whatever the types") {
  CHECK(*quarter(8) == "2");
  CHECK(quarter(6).error().message == "odd");
  CHECK(quarter(3).error().code == ErrorCode::invalid_argument);
  CHECK_FALSE(boxed(1).ok());
}

TEST_CASE("move-only values move out") {
  auto result = boxed(2);
  REQUIRE(result.ok());
  CHECK(*result.value() == 2);
  const auto taken = std::move(result).value();
  CHECK(*taken == 2);
  const auto direct = *boxed(4);
  CHECK(*direct == 4);
}

TEST_CASE("codes: the caller's mistakes stand apart and every code has a name") {
  CHECK(is_callers_mistake(ErrorCode::invalid_argument));
  CHECK(is_callers_mistake(ErrorCode::quota_exceeded));
  CHECK_FALSE(is_callers_mistake(ErrorCode::internal));
  CHECK_FALSE(is_callers_mistake(ErrorCode::unknown_outcome));
  for (int code = 0; code <= static_cast<int>(ErrorCode::unknown_outcome); ++code) {
    CHECK(to_string(static_cast<ErrorCode>(code)) != "unknown");
  }
}
