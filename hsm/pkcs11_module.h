// A loaded PKCS#11 module: its function list, initialisation, slots and tokens.
// Threads: used by the HSM worker's thread only; the module itself is told that threads exist.
// Ownership: C_Finalize at the end, unless another part of the process initialised the module
// first. The library stays mapped until the process ends, because modules register exit handlers.
// Never fork after loading. Errors name the module's file and the code: unavailable for a module or
// token that is not there, invalid_argument for an unusable option.
// Spec: PKCS#11 2.40, 5.4 and 5.5.
#pragma once

#include <p11-kit/pkcs11.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "events/base/result.h"
#include "events/base/secret_bytes.h"

namespace coffer::hsm {

class Pkcs11Module {
 public:
  static Result<std::unique_ptr<Pkcs11Module>> load(const std::string& path);
  Pkcs11Module(const Pkcs11Module&) = delete;
  Pkcs11Module& operator=(const Pkcs11Module&) = delete;
  ~Pkcs11Module();

  [[nodiscard]] CK_FUNCTION_LIST& functions() const noexcept { return *functions_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] Error error(std::string_view call, CK_RV rv) const;

  // C_Finalize and C_Initialize: the only way in which some modules (SoftHSM) see a token again
  // that had gone. Every session and handle dies. unavailable when the module is not ours to
  // restart.
  Result<void> restart();
  [[nodiscard]] bool restartable() const noexcept { return finalize_is_ours_; }

  // Slot numbers may change at every start, so that a token is always looked up by its label.
  [[nodiscard]] Result<std::optional<CK_SLOT_ID>> find_token(std::string_view label) const;
  // As find_token; unavailable when it is not there.
  [[nodiscard]] Result<CK_SLOT_ID> require_token(std::string_view label) const;
  // Initialises a token in a free slot. already_exists, or unavailable without a free slot.
  Result<void> initialize_token(std::string_view label, const SecretBytes& so_pin,
                                const SecretBytes& user_pin);

 private:
  Pkcs11Module(std::string name, CK_FUNCTION_LIST* functions)
      : name_(std::move(name)), functions_(functions) {}

  Result<void> initialize();
  Result<std::vector<CK_SLOT_ID>> slots() const;
  Result<CK_SLOT_ID> free_slot() const;
  Result<void> set_first_user_pin(CK_SLOT_ID slot, const SecretBytes& so_pin,
                                  const SecretBytes& user_pin);

  std::string name_;  // file name without folders
  CK_FUNCTION_LIST* functions_;
  bool finalize_is_ours_ = false;
};

}  // namespace coffer::hsm
