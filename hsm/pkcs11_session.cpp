#include "hsm/pkcs11_session.h"

#include <cstring>
#include <utility>

#include "hsm/random_buffer.h"

namespace coffer::hsm {
namespace {

constexpr CK_ULONG kTagBits = 128;
constexpr std::size_t kTagBytes = kTagBits / 8;
constexpr std::size_t kNonceBytes = sizeof(GcmNonce);
// One key wrapped by RFC 3394 is 8 bytes longer than the key; ours have 32.
constexpr std::size_t kWrappedKeyBytesMax = 64;
// More keys of one name than this are not told apart.
constexpr std::size_t kFoundMax = 8;

// The C interface takes pointers to non-const for what it only reads.
CK_BYTE* in(BytesView bytes) noexcept {
  return const_cast<CK_BYTE*>(bytes.data());
}

// Parameters of one AES-GCM operation. Must stay where it is while `mechanism` is used.
struct GcmMechanism {
  GcmMechanism(BytesView nonce, BytesView aad) noexcept {
    params.iv_ptr = in(nonce);
    params.iv_len = nonce.size();
    params.iv_bits = nonce.size() * 8;
    // Some builds of SoftHSM dereference the pointer even when there is nothing to read.
    params.aad_ptr = aad.empty() ? &nothing : in(aad);
    params.aad_len = aad.size();
    params.tag_bits = kTagBits;
  }
  GcmMechanism(const GcmMechanism&) = delete;
  GcmMechanism& operator=(const GcmMechanism&) = delete;

  CK_BYTE nothing = 0;
  ck_gcm_params params{};
  CK_MECHANISM mechanism{CKM_AES_GCM, &params, sizeof params};
};

}  // namespace

Result<Pkcs11Session> Pkcs11Session::open(const Pkcs11Module& module, CK_SLOT_ID slot) {
  CK_SESSION_HANDLE handle = 0;
  const CK_RV rv = module.functions().C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION,
                                                    nullptr, nullptr, &handle);
  if (rv != CKR_OK) return module.error("C_OpenSession", rv);
  return Pkcs11Session(module, handle);
}

Pkcs11Session::Pkcs11Session(Pkcs11Session&& other) noexcept
    : module_(std::exchange(other.module_, nullptr)),
      handle_(other.handle_),
      last_rv_(other.last_rv_) {}

Pkcs11Session::~Pkcs11Session() {
  if (module_ != nullptr) functions().C_CloseSession(handle_);
}

bool Pkcs11Session::succeeded(CK_RV rv) noexcept {
  last_rv_ = rv;
  return rv == CKR_OK;
}

Result<void> Pkcs11Session::login(CK_USER_TYPE user, BytesView pin) {
  // No PIN would mean to a module that it asks at its own keypad.
  if (pin.empty()) return fail(ErrorCode::permission_denied, "the PIN is empty");
  auto attempt = [&] { return succeeded(functions().C_Login(handle_, user, in(pin), pin.size())); };
  if (attempt()) return {};
  if (last_rv_ == CKR_USER_ALREADY_LOGGED_IN || last_rv_ == CKR_USER_ANOTHER_ALREADY_LOGGED_IN) {
    logout();
    if (attempt()) return {};
  }
  return error("C_Login");
}

void Pkcs11Session::logout() noexcept {
  functions().C_Logout(handle_);
}

Result<void> Pkcs11Session::set_user_pin(BytesView pin) {
  if (!succeeded(functions().C_InitPIN(handle_, in(pin), pin.size()))) return error("C_InitPIN");
  return {};
}

Result<std::vector<CK_OBJECT_HANDLE>> Pkcs11Session::find(Pkcs11Template& attributes) {
  if (!succeeded(functions().C_FindObjectsInit(handle_, attributes.data(), attributes.size())))
    return error("C_FindObjectsInit");
  std::vector<CK_OBJECT_HANDLE> found(kFoundMax);
  CK_ULONG count = 0;
  const bool ok = succeeded(functions().C_FindObjects(handle_, found.data(), kFoundMax, &count));
  const CK_RV final_rv = functions().C_FindObjectsFinal(handle_);
  if (!ok) return error("C_FindObjects");
  if (!succeeded(final_rv)) return error("C_FindObjectsFinal");
  found.resize(count);
  return found;
}

Result<bool> Pkcs11Session::read_flag(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) {
  CK_BBOOL flag = CK_FALSE;
  CK_ATTRIBUTE attribute{type, &flag, sizeof flag};
  if (!succeeded(functions().C_GetAttributeValue(handle_, object, &attribute, 1)))
    return error("C_GetAttributeValue");
  return flag != CK_FALSE;
}

Result<CK_OBJECT_HANDLE> Pkcs11Session::generate_aes_key(Pkcs11Template& attributes) {
  CK_MECHANISM mechanism{CKM_AES_KEY_GEN, nullptr, 0};
  CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
  if (!succeeded(functions().C_GenerateKey(handle_, &mechanism, attributes.data(),
                                           attributes.size(), &key)))
    return error("C_GenerateKey");
  return key;
}

Result<void> Pkcs11Session::destroy(CK_OBJECT_HANDLE object) {
  if (!succeeded(functions().C_DestroyObject(handle_, object))) return error("C_DestroyObject");
  return {};
}

Result<Bytes> Pkcs11Session::wrap_key(CK_OBJECT_HANDLE wrapping, CK_OBJECT_HANDLE key) {
  CK_MECHANISM mechanism{CKM_AES_KEY_WRAP, nullptr, 0};
  Bytes blob(kWrappedKeyBytesMax);
  CK_ULONG size = blob.size();
  if (!succeeded(functions().C_WrapKey(handle_, &mechanism, wrapping, key, blob.data(), &size)))
    return error("C_WrapKey");
  blob.resize(size);
  return blob;
}

Result<CK_OBJECT_HANDLE> Pkcs11Session::unwrap_key(CK_OBJECT_HANDLE unwrapping, BytesView blob,
                                                   Pkcs11Template& attributes) {
  CK_MECHANISM mechanism{CKM_AES_KEY_WRAP, nullptr, 0};
  CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
  if (!succeeded(functions().C_UnwrapKey(handle_, &mechanism, unwrapping, in(blob), blob.size(),
                                         attributes.data(), attributes.size(), &key)))
    return error("C_UnwrapKey");
  return key;
}

Result<Bytes> Pkcs11Session::encrypt_gcm(CK_OBJECT_HANDLE key, BytesView aad, BytesView plaintext) {
  const GcmNonce nonce = fresh_gcm_nonce();
  GcmMechanism gcm(nonce, aad);
  if (!succeeded(functions().C_EncryptInit(handle_, &gcm.mechanism, key)))
    return error("C_EncryptInit");
  Bytes sealed(kNonceBytes + plaintext.size() + kTagBytes);
  std::memcpy(sealed.data(), nonce.data(), kNonceBytes);
  CK_ULONG size = sealed.size() - kNonceBytes;
  if (!succeeded(functions().C_Encrypt(handle_, in(plaintext), plaintext.size(),
                                       sealed.data() + kNonceBytes, &size)))
    return error("C_Encrypt");
  if (size != sealed.size() - kNonceBytes)
    return fail(ErrorCode::internal, module_->name() + ": C_Encrypt gave an unexpected length");
  return sealed;
}

Result<SecretBytes> Pkcs11Session::decrypt_gcm(CK_OBJECT_HANDLE key, BytesView aad,
                                               BytesView sealed) {
  if (sealed.size() < kNonceBytes + kTagBytes)
    return fail(ErrorCode::corrupt, "a wrapped key is shorter than its nonce and tag");
  GcmMechanism gcm(sealed.first(kNonceBytes), aad);
  if (!succeeded(functions().C_DecryptInit(handle_, &gcm.mechanism, key)))
    return error("C_DecryptInit");
  const auto body = sealed.subspan(kNonceBytes);
  // Room for the tag too: modules ask for the length of their input.
  SecretBytes plaintext(body.size());
  CK_ULONG size = plaintext.size();
  if (!succeeded(functions().C_Decrypt(handle_, in(body), body.size(), plaintext.writable().data(),
                                       &size)))
    return error("C_Decrypt");
  if (size != body.size() - kTagBytes)
    return fail(ErrorCode::internal, module_->name() + ": C_Decrypt gave an unexpected length");
  plaintext.truncate(size);
  return plaintext;
}

}  // namespace coffer::hsm
