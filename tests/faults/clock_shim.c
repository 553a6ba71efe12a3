/* Preloaded into a node: its wall clock is the system's plus an offset that the test may change at
 * any moment, its monotonic clock is the system's. (libfaketime would do, but has to be told to
 * leave the monotonic clock alone, reads its offset from a file once a second, and is one more
 * package.)
 *
 * The offset, nanoseconds as int64, is in the file CLOCK_SHIM_OFFSET, which is mapped. A wait until
 * a moment of the wall clock has to follow a jump as the kernel's does: such a wait is cut into
 * slices, each of which may end as a spurious wake-up. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000ll
#define SLICE 100000000ll
/* Waits carry no name of their clock: what is below is of the monotonic one. */
#define WALL_MIN (1000000000ll * SECOND)

static const volatile int64_t *shared_offset;

__attribute__((constructor)) static void attach(void) {
  const char *path = getenv("CLOCK_SHIM_OFFSET");
  const int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  void *map = file < 0 ? MAP_FAILED : mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
  if (map == MAP_FAILED) abort(); /* a test without its clock would prove nothing */
  close(file);
  shared_offset = map;
}

static int64_t offset(void) { return shared_offset ? *shared_offset : 0; }
static int64_t from(const struct timespec *t) { return t->tv_sec * SECOND + t->tv_nsec; }
static struct timespec to(int64_t ns) {
  struct timespec t = {ns / SECOND, ns % SECOND};
  return t;
}
static int64_t system_wall(void) {
  struct timespec t;
  syscall(SYS_clock_gettime, CLOCK_REALTIME, &t);
  return from(&t);
}

/* ---- reading */
int clock_gettime(clockid_t clock, struct timespec *out) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
  const int result = real(clock, out);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
    *out = to(from(out) + offset());
  return result;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone) {
  (void)zone;
  const struct timespec now = to(system_wall() + offset());
  out->tv_sec = now.tv_sec;
  out->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *out) {
  const time_t now = (system_wall() + offset()) / SECOND;
  if (out) *out = now;
  return now;
}

int timespec_get(struct timespec *out, int base) {
  if (base != TIME_UTC) return 0;
  *out = to(system_wall() + offset());
  return base;
}

/* ---- waiting */
/* Until when the system is asked to wait; `until` is of the wall clock that the node sees. */
static struct timespec slice_until(const struct timespec *until) {
  const int64_t slice = system_wall() + SLICE, end = from(until) - offset();
  return to(end < 0 ? 0 : end < slice ? end : slice);
}
static int is_over(const struct timespec *until) { return system_wall() + offset() >= from(until); }

int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex,
                           const struct timespec *restrict until) {
  static int (*real)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
  /* By its version: there is an older one of this name. */
  if (!real) *(void **)&real = dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
  if (!real) *(void **)&real = dlsym(RTLD_NEXT, "pthread_cond_timedwait");
  if (from(until) < WALL_MIN) return real(condition, mutex, until);
  const struct timespec slice = slice_until(until);
  const int result = real(condition, mutex, &slice);
  return result == ETIMEDOUT && !is_over(until) ? 0 : result;
}

/* The library of Kafka waits with this one. */
int cnd_timedwait(cnd_t *restrict condition, mtx_t *restrict mutex,
                  const struct timespec *restrict until) {
  static int (*real)(cnd_t *, mtx_t *, const struct timespec *);
  if (!real) *(void **)&real = dlsym(RTLD_NEXT, "cnd_timedwait");
  const struct timespec slice = slice_until(until);
  const int result = real(condition, mutex, &slice);
  return result == thrd_timedout && !is_over(until) ? thrd_success : result;
}
