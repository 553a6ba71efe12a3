// What a process that holds keys asks of the kernel once, before it starts threads and before it
// loads a PKCS#11 module: no core dumps, no reading of its memory by other processes of the same
// user, no privileges gained by programs it starts. Root can still read its memory. Errors: never
// fails; returns a text for each measure that the kernel refused.
#pragma once

#include <string>
#include <vector>

namespace coffer::hsm {

[[nodiscard]] std::vector<std::string> harden_process();

}  // namespace coffer::hsm
