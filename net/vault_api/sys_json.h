// JSON that several sys/ handlers share: seal status, mounts with the built-in ones, auth methods.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "events/api/request_port.h"
#include "net/vault_api/envelope.h"
#include "net/vault_api/fields.h"

namespace coffer::net::vault {

[[nodiscard]] Answer seal_status_answer(const VaultApiOptions& options,
                                        const api::ServiceStatus& status);

// A mount as clients see it. Built-in ones (sys/, identity/, cubbyhole/, auth's token/) are made
// up from the tenant, with accessors that stay the same.
struct MountInfo {
  std::string path;
  std::string type;
  std::string description;
  std::string accessor;
  std::string uuid;
  tenant::TextMap options;
  Seconds default_lease_ttl{0};
  Seconds max_lease_ttl{0};
  std::string listing_visibility;
  bool force_no_cache = false;
  bool local = false;
  bool seal_wrap = false;
  bool is_auth = false;
};

[[nodiscard]] MountInfo to_info(const tenant::Mount& mount);
// sys/, identity/, cubbyhole/ and the tenant's own, sorted by path.
[[nodiscard]] std::vector<MountInfo> mounts_of(const api::TenantView& tenant);
[[nodiscard]] MountInfo token_auth_of(const api::TenantView& tenant);
// `path` with or without trailing '/'.
[[nodiscard]] std::optional<MountInfo> find_mount(const api::TenantView& tenant,
                                                  std::string_view path);
// The mount that `request_path` lies in, also auth/token/.
[[nodiscard]] std::optional<MountInfo> mount_above(const api::TenantView& tenant,
                                                   std::string_view request_path);

// The members of a mount, into an open object.
void write_mount_members(json::Writer& writer, const MountInfo& mount);
// What sys/mounts/:p/tune shows, into an open object.
void write_tuning_members(json::Writer& writer, const MountInfo& mount,
                          const VaultApiOptions& options);

[[nodiscard]] std::string with_slash(std::string_view path);

// An encoder's text that holds a secret: wiped once it was written.
void write_wiped(json::Writer& writer, std::string text);
// "keys" and "keys_base64", into an open object.
void write_key_lists(json::Writer& writer, const std::vector<SecretBytes>& shares);
// invalid_argument when one of the fields asks for PGP encryption.
[[nodiscard]] Result<void> refuse_pgp(const Fields& fields,
                                      std::initializer_list<std::string_view> names);
struct GivenShare {
  SecretBytes share;
  std::string nonce;
};
// The fields `key` (hexadecimal or base64) and `nonce`.
[[nodiscard]] Result<GivenShare> read_share(const Fields& fields);

}  // namespace coffer::net::vault
