// All choices of a simulation run, drawn from its seed.
#pragma once

#include <cstdint>
#include <string>

#include "actors/vault_runtime.h"

namespace coffer::sim {

// A violation that a twin is told to commit, so that the checker proves that it would notice.
enum class Planted : std::uint8_t { none, forgotten_append, stale_snapshot, skipped_record };

struct SimOptions {
  std::uint64_t seed = 0;
  unsigned clients = 0;
  unsigned requests = 0;      // in the whole run
  unsigned paths = 0;         // secrets of one mount: few make them contend
  unsigned step_percent = 0;  // of the moves that let an actor run instead of a client
  // Per thousand moves or appends; 0 switches the fault off for the run.
  unsigned crash_permille = 0;
  unsigned refused_append_permille = 0;
  unsigned unknown_append_permille = 0;
  unsigned hsm_permille = 0;
  unsigned clock_permille = 0;
  unsigned actor_crash_permille = 0;
  unsigned seal_permille = 0;
  unsigned structure_percent = 0;  // of the requests that change namespaces, mounts, policies
  unsigned token_percent = 0;
  unsigned rotation_permille = 0;  // of the requests that rotate a namespace's key
  actors::RuntimeOptions runtime;
  Planted planted = Planted::none;

  static SimOptions draw(std::uint64_t seed);
  [[nodiscard]] std::string to_string() const;
};

}  // namespace coffer::sim
