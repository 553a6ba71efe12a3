// COFFER_CHECK: an invariant of ours that aborts in release builds too. Untrusted input never
// reaches one; a broken invariant must not go on to serve or store anything.
#pragma once

namespace coffer::detail {
[[noreturn]] void check_failed(const char* expression, const char* file, int line) noexcept;
}

#define COFFER_CHECK(expression)       \
  ((expression) ? static_cast<void>(0) \
                : ::coffer::detail::check_failed(#expression, __FILE__, __LINE__))
