// A client's call, as the parts of the simulation share it.
#pragma once

#include "tests/cluster_sim/cluster_simulation.h"

namespace coffer::sim {

struct ClusterSimulation::Call {
  Request request;
  unsigned client = 0;
  unsigned node = 0;
  int id = 0;            // of the linearizer
  bool arrived = false;  // at a process
  bool done = false;
  bool answered = false;
};

}  // namespace coffer::sim
