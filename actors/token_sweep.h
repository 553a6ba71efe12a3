// Removes what is left of dead tokens: expired, revoked, used up, or below a dead one. The rows are
// read in slices on the reader's thread, and each removal is an event that the token's tenant
// decides (token::ForgetToken), so nothing is removed that was renewed meanwhile.
// A namespace that nobody has used since the start is left alone: its keys are not loaded, and it
// makes no new tokens either. Rows of deleted namespaces go without an event.
#pragma once

#include "actors/services.h"

namespace coffer::actors {

class TokenSweep {
 public:
  explicit TokenSweep(Services& services);
  // Once a second, from one thread: begins the next slice unless one is under way or all tokens
  // were looked at less than Limits::token_sweep_interval ago.
  void tick();

 private:
  struct Progress;
  Services& services_;
  std::shared_ptr<Progress> progress_;  // shared with the slice under way
};

}  // namespace coffer::actors
