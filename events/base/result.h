// Result<T>: a value or an Error. Errors are values on the request path; exceptions stay inside the
// adapter of the library that throws them.
#pragma once

#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "events/base/check.h"
#include "events/base/error_code.h"

namespace coffer {

// `message` may be shown to the caller: it never holds a secret, key, token, PIN or another
// tenant's name.
struct [[nodiscard]] Error {
  ErrorCode code;
  std::string message;

  friend bool operator==(const Error&, const Error&) = default;
};

template <class T>
class [[nodiscard]] Result {
 public:
  using value_type = T;

  Result(T value)
      : content_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit on purpose
  Result(Error error) : content_(std::in_place_index<1>, std::move(error)) {}  // NOLINT

  [[nodiscard]] bool ok() const noexcept { return content_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }

  // Preconditions: ok() for value access, !ok() for error().
  [[nodiscard]] T& value() & {
    COFFER_CHECK(ok());
    return *std::get_if<0>(&content_);
  }
  [[nodiscard]] const T& value() const& {
    COFFER_CHECK(ok());
    return *std::get_if<0>(&content_);
  }
  [[nodiscard]] T&& value() && {
    COFFER_CHECK(ok());
    return std::move(*std::get_if<0>(&content_));
  }
  [[nodiscard]] T& operator*() & { return value(); }
  [[nodiscard]] const T& operator*() const& { return value(); }
  [[nodiscard]] T&& operator*() && { return std::move(*this).value(); }
  [[nodiscard]] T* operator->() { return &value(); }
  [[nodiscard]] const T* operator->() const { return &value(); }
  [[nodiscard]] const Error& error() const& {
    COFFER_CHECK(!ok());
    return *std::get_if<1>(&content_);
  }
  [[nodiscard]] Error&& error() && {
    COFFER_CHECK(!ok());
    return std::move(*std::get_if<1>(&content_));
  }

 private:
  std::variant<T, Error> content_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit on purpose

  [[nodiscard]] bool ok() const noexcept { return !error_.has_value(); }
  explicit operator bool() const noexcept { return ok(); }
  [[nodiscard]] const Error& error() const& {
    COFFER_CHECK(!ok());
    return *error_;
  }
  [[nodiscard]] Error&& error() && {
    COFFER_CHECK(!ok());
    return std::move(*error_);
  }

 private:
  std::optional<Error> error_;
};

[[nodiscard]] inline Error fail(ErrorCode code, std::string message) {
  return Error{code, std::move(message)};
}

// Drops a result on purpose; searchable, unlike a cast to void.
template <class T>
void ignore_result(const Result<T>&) noexcept {}

}  // namespace coffer

// Returns the error of `expr` from the enclosing function, otherwise goes on.
#define COFFER_TRY(expr)                                          \
  do {                                                            \
    if (auto coffer_try_result = (expr); !coffer_try_result.ok()) \
      return std::move(coffer_try_result).error();                \
  } while (false)

// COFFER_ASSIGN(auto x, f()); binds the value or returns the error.
#define COFFER_CONCAT_INNER(a, b) a##b
#define COFFER_CONCAT(a, b) COFFER_CONCAT_INNER(a, b)
#define COFFER_ASSIGN(decl, expr) \
  COFFER_ASSIGN_INNER(COFFER_CONCAT(coffer_result_, __LINE__), decl, expr)
#define COFFER_ASSIGN_INNER(tmp, decl, expr)    \
  auto tmp = (expr);                            \
  if (!tmp.ok()) return std::move(tmp).error(); \
  decl = std::move(tmp).value()
