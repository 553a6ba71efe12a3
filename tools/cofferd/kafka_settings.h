// From the configuration to the options of the replicated log. Reads the files that it names.
#pragma once

#include "events/log/kafka/kafka_options.h"
#include "tools/cofferd/config.h"

namespace coffer::server {

// The store is data_dir/store, which is not made. Errors: not_found, unavailable (the password).
[[nodiscard]] Result<log::KafkaLogOptions> kafka_log_options(const Config& config);

}  // namespace coffer::server
