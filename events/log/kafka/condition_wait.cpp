// The threads of librdkafka wait until a moment of the wall clock (cnd_timedwait, which knows no
// other). When that clock is set back by an hour, a wait of milliseconds lasts an hour, and with it
// whoever asks the library for something: the node neither serves nor steps down. So this process
// brings its own cnd_timedwait, found before that of the C library: what is left of a wait when it
// begins is waited for on the monotonic clock. Whoever is woken and waits on has the same moment
// again, so each thread remembers the end of its last wait.
//
// In glibc a cnd_t is a pthread_cond_t and a mtx_t a pthread_mutex_t; the sizes are checked.
#include <pthread.h>
#include <threads.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <ctime>

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

std::int64_t nanoseconds(const timespec& time) {
  return std::int64_t{time.tv_sec} * kSecond + time.tv_nsec;
}

std::int64_t now(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return nanoseconds(time);
}

struct Wait {
  std::int64_t until = -1;  // on the wall clock, as the caller said
  std::int64_t end = 0;     // the same moment on the monotonic clock
};
thread_local Wait last_wait;

}  // namespace

static_assert(sizeof(cnd_t) == sizeof(pthread_cond_t) && sizeof(mtx_t) == sizeof(pthread_mutex_t));

extern "C" __attribute__((visibility("default"))) int cnd_timedwait(cnd_t* condition, mtx_t* mutex,
                                                                    const timespec* until) {
  const auto wanted = nanoseconds(*until);
  if (wanted != last_wait.until)
    last_wait = {wanted, now(CLOCK_MONOTONIC) + wanted - now(CLOCK_REALTIME)};
  const auto end = std::max<std::int64_t>(last_wait.end, 0);
  const timespec monotonic{end / kSecond, end % kSecond};
  const int result = pthread_cond_clockwait(reinterpret_cast<pthread_cond_t*>(condition),
                                            reinterpret_cast<pthread_mutex_t*>(mutex),
                                            CLOCK_MONOTONIC, &monotonic);
  if (result == ETIMEDOUT) return thrd_timedout;
  return result == 0 ? thrd_success : thrd_error;
}
