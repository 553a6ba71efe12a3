// Where the server is and who asks: options, then the variables that Vault's own tools read.
#pragma once

#include <memory>
#include <string>

#include "events/base/result.h"
#include "events/base/secret_bytes.h"

namespace coffer::cli {

struct ConnectionOptions {
  std::string address = "https://127.0.0.1:8200";
  std::string ca_file;     // empty: the system's CAs
  std::string name_space;  // empty: the root namespace
  double timeout_s = 60;
};

// Checked. Lives as long as the clients made of it.
struct Connection {
  std::string address;  // without a '/' at its end
  std::string ca_file;
  std::string name_space;
  double timeout_s = 60;
  bool verify_server = true;
  SecretBytes token;  // empty: none was found
};

// Takes the value of --token off the command line: afterwards neither the option parser nor a list
// of processes shows it.
[[nodiscard]] SecretBytes take_token_argument(int argc, char** argv);

// `token` empty: VAULT_TOKEN, then ~/.vault-token. Warns when VAULT_SKIP_VERIFY turns the check of
// the certificate off. Errors: invalid_argument.
[[nodiscard]] Result<std::unique_ptr<const Connection>> connect(const ConnectionOptions& options,
                                                                SecretBytes token);

// Errors: invalid_argument when this is no https address, or one that holds a user's name.
[[nodiscard]] Result<std::string> check_address(const std::string& address);

}  // namespace coffer::cli
