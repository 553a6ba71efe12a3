// The actors that may block, each on a thread of its own (or on the test scheduler, where time and
// order are the test's):
//   log writer  group commit: what arrives during a sync becomes the next batch; no added delay
//              with a local log, a short gathering with one that takes milliseconds
//   HSM worker  the only caller of the PKCS#11 module
//   reader      scans that may take long
//   shredder    one flush and compaction for all destroys that queued up meanwhile
#pragma once

#include <caf/all.hpp>
#include <memory>

#include "actors/services.h"

namespace coffer::actors {

[[nodiscard]] LogWriterRef spawn_log_writer(caf::actor_system& system, Services& services,
                                            std::uint64_t parent);
[[nodiscard]] HsmWorkerRef spawn_hsm_worker(caf::actor_system& system, Services& services,
                                            std::shared_ptr<hsm::KeyService> keys,
                                            std::uint64_t parent);
[[nodiscard]] ReaderRef spawn_reader(caf::actor_system& system, Services& services,
                                     std::uint64_t parent);
[[nodiscard]] ShredderRef spawn_shredder(caf::actor_system& system, Services& services,
                                         std::uint64_t parent);

}  // namespace coffer::actors
