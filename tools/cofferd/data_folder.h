// What the embedded vault keeps in its data folder besides the store: the SoftHSM token, the PIN
// file, the server's own CA and certificate, the root token of the first start. All files are 0600,
// folders 0700. Errors: unavailable, with the path.
#pragma once

#include <string>

#include "events/base/ports.h"
#include "events/base/result.h"
#include "events/base/secret_bytes.h"
#include "tools/cofferd/config.h"

namespace coffer::server {

[[nodiscard]] Result<void> make_folder(const std::string& path);
[[nodiscard]] Result<void> write_private_file(const std::string& path, BytesView content);
// At most 4096 bytes; one trailing newline is dropped. not_found when absent.
[[nodiscard]] Result<SecretBytes> read_secret_file(const std::string& path);

// Points SoftHSM at a token folder below the data folder, unless SOFTHSM2_CONF is set already. The
// folder (data_dir/hsm) if it is the server's own, else empty.
[[nodiscard]] Result<std::string> prepare_softhsm(const Config& config);

// The PIN of the automatic seal. With auto_init a missing PIN file is made.
[[nodiscard]] Result<SecretBytes> load_pin(const Config& config, Random& random);

// Fills in certificate and key of the listener from the server's own CA when none is configured;
// makes CA and certificate when they are missing, and the certificate again 30 days before its end.
[[nodiscard]] Result<void> prepare_certificate(Config& config);

}  // namespace coffer::server
