#include "hsm/pkcs11_module.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "hsm/pkcs11_error.h"
#include "hsm/pkcs11_session.h"

namespace coffer::hsm {
namespace {

// PKCS#11 2.40, 5.5: a label is 32 bytes, padded with blanks and not terminated.
using Label = std::array<std::uint8_t, 32>;

Result<Label> padded(std::string_view label) {
  Label out;
  if (label.empty() || label.size() > out.size())
    return fail(ErrorCode::invalid_argument,
                fmt::format("a token label has 1 to 32 bytes: '{}'", label));
  out.fill(' ');
  std::memcpy(out.data(), label.data(), label.size());
  return out;
}

Result<CK_FUNCTION_LIST*> function_list(const std::string& path, const std::string& name) {
  // RTLD_NODELETE: code that the module registered for the end of the process must stay mapped.
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (library == nullptr)
    return fail(ErrorCode::unavailable,
                fmt::format("the PKCS#11 module {} cannot be loaded: {}", path, dlerror()));
  auto* get = reinterpret_cast<CK_C_GetFunctionList>(dlsym(library, "C_GetFunctionList"));
  CK_FUNCTION_LIST* functions = nullptr;
  if (get == nullptr)
    return fail(ErrorCode::unavailable,
                fmt::format("{} is not a PKCS#11 module: it has no C_GetFunctionList", path));
  if (const CK_RV rv = get(&functions); rv != CKR_OK || functions == nullptr)
    return pkcs11_error(name, "C_GetFunctionList", rv);
  return functions;
}

}  // namespace

Result<std::unique_ptr<Pkcs11Module>> Pkcs11Module::load(const std::string& path) {
  auto name = path.substr(path.rfind('/') + 1);
  COFFER_ASSIGN(auto* functions, function_list(path, name));
  std::unique_ptr<Pkcs11Module> module(new Pkcs11Module(std::move(name), functions));
  COFFER_TRY(module->initialize());
  return module;
}

Pkcs11Module::~Pkcs11Module() {
  if (finalize_is_ours_) functions_->C_Finalize(nullptr);
}

Error Pkcs11Module::error(std::string_view call, CK_RV rv) const {
  return pkcs11_error(name_, call, rv);
}

Result<void> Pkcs11Module::initialize() {
  CK_C_INITIALIZE_ARGS arguments{};
  arguments.flags = CKF_OS_LOCKING_OK;
  const CK_RV rv = functions_->C_Initialize(&arguments);
  if (rv == CKR_CRYPTOKI_ALREADY_INITIALIZED) return {};
  if (rv == CKR_OK) {
    finalize_is_ours_ = true;
    return {};
  }
  auto failure = error("C_Initialize", rv);
  failure.message += "; is its configuration readable and its token storage there?";
  return failure;
}

Result<void> Pkcs11Module::restart() {
  if (!finalize_is_ours_)
    return fail(
        ErrorCode::unavailable,
        fmt::format("{}: not restarted, since another part of the process initialised it", name_));
  // Not initialised is what an earlier restart leaves behind when C_Initialize failed.
  if (const CK_RV rv = functions_->C_Finalize(nullptr);
      rv != CKR_OK && rv != CKR_CRYPTOKI_NOT_INITIALIZED)
    return error("C_Finalize", rv);
  return initialize();
}

Result<std::vector<CK_SLOT_ID>> Pkcs11Module::slots() const {
  CK_ULONG count = 0;
  if (const CK_RV rv = functions_->C_GetSlotList(CK_TRUE, nullptr, &count); rv != CKR_OK)
    return error("C_GetSlotList", rv);
  std::vector<CK_SLOT_ID> slots(count);
  if (const CK_RV rv = functions_->C_GetSlotList(CK_TRUE, slots.data(), &count); rv != CKR_OK)
    return error("C_GetSlotList", rv);
  slots.resize(std::min<std::size_t>(count, slots.size()));
  return slots;
}

Result<std::optional<CK_SLOT_ID>> Pkcs11Module::find_token(std::string_view label) const {
  COFFER_ASSIGN(const auto wanted, padded(label));
  COFFER_ASSIGN(const auto all, slots());
  for (const auto slot : all) {
    CK_TOKEN_INFO info{};
    // A slot that cannot describe its token does not hold ours, or not any more.
    if (functions_->C_GetTokenInfo(slot, &info) != CKR_OK) continue;
    if ((info.flags & CKF_TOKEN_INITIALIZED) != 0 &&
        std::memcmp(info.label, wanted.data(), wanted.size()) == 0)
      return std::optional<CK_SLOT_ID>(slot);
  }
  return std::optional<CK_SLOT_ID>();
}

Result<CK_SLOT_ID> Pkcs11Module::require_token(std::string_view label) const {
  COFFER_ASSIGN(const auto slot, find_token(label));
  if (!slot) return fail(ErrorCode::unavailable, fmt::format("{}: no token '{}'", name_, label));
  return *slot;
}

Result<CK_SLOT_ID> Pkcs11Module::free_slot() const {
  COFFER_ASSIGN(const auto all, slots());
  for (const auto slot : all) {
    CK_TOKEN_INFO info{};
    if (functions_->C_GetTokenInfo(slot, &info) == CKR_OK &&
        (info.flags & CKF_TOKEN_INITIALIZED) == 0)
      return slot;
  }
  return fail(ErrorCode::unavailable,
              fmt::format("{}: no slot with a token that is not initialised yet", name_));
}

Result<void> Pkcs11Module::initialize_token(std::string_view label, const SecretBytes& so_pin,
                                            const SecretBytes& user_pin) {
  if (so_pin.empty() || user_pin.empty())
    return fail(ErrorCode::invalid_argument,
                "a token needs a PIN of the security officer and one "
                "of the user");
  COFFER_ASSIGN(auto padded_label, padded(label));
  COFFER_ASSIGN(const auto present, find_token(label));
  if (present)
    return fail(ErrorCode::already_exists,
                fmt::format("{}: token '{}' is initialised already", name_, label));
  COFFER_ASSIGN(const auto slot, free_slot());
  const CK_RV rv = functions_->C_InitToken(slot, const_cast<CK_BYTE*>(so_pin.expose().data()),
                                           so_pin.size(), padded_label.data());
  if (rv != CKR_OK) return error("C_InitToken", rv);
  COFFER_ASSIGN(const auto initialized, require_token(label));
  return set_first_user_pin(initialized, so_pin, user_pin);
}

Result<void> Pkcs11Module::set_first_user_pin(CK_SLOT_ID slot, const SecretBytes& so_pin,
                                              const SecretBytes& user_pin) {
  COFFER_ASSIGN(auto session, Pkcs11Session::open(*this, slot));
  COFFER_TRY(session.login(CKU_SO, so_pin.expose()));
  auto done = session.set_user_pin(user_pin.expose());
  session.logout();
  return done;
}

}  // namespace coffer::hsm
