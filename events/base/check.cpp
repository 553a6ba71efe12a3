#include "events/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace coffer::detail {

void check_failed(const char* expression, const char* file, int line) noexcept {
  std::fprintf(stderr, "invariant broken: %s at %s:%d\n", expression, file, line);
  std::abort();
}

}  // namespace coffer::detail
