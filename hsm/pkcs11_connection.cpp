#include "hsm/pkcs11_connection.h"

#include <fmt/format.h>

#include <cstring>

namespace coffer::hsm {
namespace {

// Tokens allow far less; SoftHSM takes up to 255.
constexpr std::size_t kPinBytesMax = 1024;

LockedPages pages_for_pin() {
  // A refused lock is reported where the arena of data keys is created: the cause is the same.
  std::string warning;
  return LockedPages(kPinBytesMax, warning);
}

}  // namespace

Pkcs11Connection::Pkcs11Connection(std::unique_ptr<Pkcs11Module> module, std::string token_label,
                                   bool keep_pin)
    : module_(std::move(module)),
      token_label_(std::move(token_label)),
      keep_pin_(keep_pin),
      pin_pages_(pages_for_pin()) {}

Pkcs11Connection::~Pkcs11Connection() {
  logout();
}

Result<void> Pkcs11Connection::login(const SecretBytes& pin) {
  if (pin.size() > kPinBytesMax)
    return fail(ErrorCode::permission_denied, "the PIN is longer than any token accepts");
  logout();
  auto connected = connect(pin.expose());
  // The token may have appeared after the module looked for tokens.
  if (!connected.ok() && connected.error().code == ErrorCode::unavailable &&
      module_->restart().ok())
    connected = connect(pin.expose());
  if (connected.ok() && keep_pin_) keep_pin(pin.expose());
  return connected;
}

void Pkcs11Connection::logout() noexcept {
  forget_pin();
  if (!session_) return;
  session_->logout();
  session_.reset();
}

Result<void> Pkcs11Connection::renew_session() {
  session_.reset();
  if (!has_pin())
    return fail(ErrorCode::unavailable,
                fmt::format("{}: not logged in to token '{}'", module_->name(), token_label_));
  auto connected = connect(pin());
  if (!connected.ok() && connected.error().code == ErrorCode::permission_denied) forget_pin();
  return connected;
}

Result<void> Pkcs11Connection::restart_module() {
  session_.reset();
  COFFER_TRY(module_->restart());
  return renew_session();
}

void Pkcs11Connection::keep_pin(BytesView pin) {
  std::memcpy(pin_pages_.bytes().data(), pin.data(), pin.size());
  pin_bytes_ = pin.size();
}

void Pkcs11Connection::forget_pin() noexcept {
  wipe_memory(pin_pages_.bytes().data(), pin_bytes_);
  pin_bytes_ = 0;
}

Result<void> Pkcs11Connection::connect(BytesView pin) {
  COFFER_ASSIGN(const auto slot, module_->require_token(token_label_));
  COFFER_ASSIGN(auto session, Pkcs11Session::open(*module_, slot));
  COFFER_TRY(session.login(CKU_USER, pin));
  session_.emplace(std::move(session));
  return {};
}

}  // namespace coffer::hsm
