#include "hsm/process_hardening.h"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstring>

namespace coffer::hsm {

std::vector<std::string> harden_process() {
  std::vector<std::string> warnings;
  auto demand = [&warnings](bool done, const char* what) {
    if (!done) warnings.push_back(fmt::format("{}: {}", what, std::strerror(errno)));
  };
  const rlimit no_core{0, 0};
  demand(setrlimit(RLIMIT_CORE, &no_core) == 0, "core dumps could not be turned off");
  demand(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0,
         "other processes of this user could not be kept from reading our memory");
  demand(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0,
         "programs started by us could not be kept from gaining privileges");
  return warnings;
}

}  // namespace coffer::hsm
