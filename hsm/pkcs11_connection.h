// The one session that the key service works in, and how it is established again when the token or
// the login was lost. All session objects live in it and die with it.
// The PIN is kept in locked memory while it may be needed for that; without it (see `keep_pin`) a
// lost session stays lost until somebody logs in. Threads: the HSM worker's only. Errors:
// unavailable (no module, token or session), permission_denied (wrong PIN).
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "hsm/locked_pages.h"
#include "hsm/pkcs11_module.h"
#include "hsm/pkcs11_session.h"

namespace coffer::hsm {

class Pkcs11Connection {
 public:
  Pkcs11Connection(std::unique_ptr<Pkcs11Module> module, std::string token_label, bool keep_pin);
  ~Pkcs11Connection();

  [[nodiscard]] Pkcs11Module& module() noexcept { return *module_; }
  [[nodiscard]] const std::string& token_label() const noexcept { return token_label_; }

  Result<void> login(const SecretBytes& pin);
  void logout() noexcept;  // also wipes the PIN
  // True while there is a session or the means to open one again.
  [[nodiscard]] bool logged_in() const noexcept { return session_.has_value() || has_pin(); }

  // Null while the connection is lost or logged out.
  [[nodiscard]] Pkcs11Session* session() noexcept { return session_ ? &*session_ : nullptr; }

  // Both log in again with the kept PIN; a PIN that is refused is wiped, since trying it again
  // could lock the token. restart_module() makes a module look for its tokens afresh.
  Result<void> renew_session();
  Result<void> restart_module();

 private:
  [[nodiscard]] bool has_pin() const noexcept { return pin_bytes_ != 0; }
  [[nodiscard]] BytesView pin() const noexcept { return pin_pages_.bytes().first(pin_bytes_); }
  void keep_pin(BytesView pin);
  void forget_pin() noexcept;
  Result<void> connect(BytesView pin);

  std::unique_ptr<Pkcs11Module> module_;
  std::string token_label_;
  bool keep_pin_;
  LockedPages pin_pages_;
  std::size_t pin_bytes_ = 0;  // 0: no PIN is kept
  std::optional<Pkcs11Session> session_;
};

}  // namespace coffer::hsm
