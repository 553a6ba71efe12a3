// `coffer migrate`: moves a vault between an embedded server and a cluster. Works on the stores and
// the topics themselves, with the configuration files of the servers, which are stopped.
#pragma once

#include <string>

#include "events/base/result.h"
#include "tools/coffer/output.h"

namespace coffer::cli {

struct MigrateOptions {
  std::string config;  // of where the vault is
  std::string to;      // of where it goes
  bool owner_is_dead = false;
};

// Errors: invalid_argument (a configuration does not fit), and those of events/log/migration.
[[nodiscard]] Result<Exit> migrate_to_kafka(const MigrateOptions& options, bool json);
[[nodiscard]] Result<Exit> migrate_to_embedded(const MigrateOptions& options, bool json);
[[nodiscard]] Result<Exit> reopen_cluster(const MigrateOptions& options, bool json);

}  // namespace coffer::cli
