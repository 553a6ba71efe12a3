#include "hsm/process_hardening.h"

#include <doctest/doctest.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace coffer::hsm {
namespace {

// In a child: what is given up cannot be taken back, and sanitizers need a process that can be
// traced.
TEST_CASE("a hardened process has no core dump, cannot be dumped and gains no privileges") {
  const pid_t child = fork();
  if (child == 0) {
    const auto warnings = harden_process();
    rlimit core{1, 1};
    getrlimit(RLIMIT_CORE, &core);
    const bool hardened = warnings.empty() && core.rlim_cur == 0 && core.rlim_max == 0 &&
                          prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 &&
                          prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
    _exit(hardened ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  CHECK(status == 0);
}

}  // namespace
}  // namespace coffer::hsm
