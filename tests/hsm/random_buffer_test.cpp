#include "hsm/random_buffer.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace coffer::hsm {
namespace {

TEST_CASE("a forked child does not repeat the nonces of its parent") {
  (void)fresh_gcm_nonce();  // the buffer now holds nonces that both processes could hand out
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t child = fork();
  if (child == 0) {
    const auto nonce = fresh_gcm_nonce();
    const bool written = write(ends[1], nonce.data(), nonce.size()) == ssize_t{12};
    _exit(written ? 0 : 1);
  }
  GcmNonce of_child{};
  REQUIRE(read(ends[0], of_child.data(), of_child.size()) == ssize_t{12});
  int status = -1;
  waitpid(child, &status, 0);
  close(ends[0]);
  close(ends[1]);
  CHECK(status == 0);
  CHECK(fresh_gcm_nonce() != of_child);
}

}  // namespace
}  // namespace coffer::hsm
