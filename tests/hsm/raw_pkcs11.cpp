#include "tests/hsm/raw_pkcs11.h"

#include <dlfcn.h>

#include <cstring>

#include "hsm/pkcs11_key_templates.h"
#include "tests/support/softhsm_fixture.h"

namespace coffer::testing {

using hsm::Pkcs11Template;

RawPkcs11::RawPkcs11() {
  void* library = dlopen(SoftHsm::kModulePath, RTLD_NOW | RTLD_LOCAL);
  REQUIRE(library != nullptr);
  auto* get = reinterpret_cast<CK_C_GetFunctionList>(dlsym(library, "C_GetFunctionList"));
  REQUIRE(get(&functions_) == CKR_OK);
  CK_ULONG count = 16;
  std::vector<CK_SLOT_ID> slots(count);
  REQUIRE(functions_->C_GetSlotList(CK_TRUE, slots.data(), &count) == CKR_OK);
  bool found = false;
  for (CK_ULONG i = 0; i < count; ++i) {
    CK_TOKEN_INFO info{};
    if (functions_->C_GetTokenInfo(slots[i], &info) != CKR_OK) continue;
    if (std::memcmp(info.label, SoftHsm::kTokenLabel, std::strlen(SoftHsm::kTokenLabel)) != 0)
      continue;
    slot_ = slots[i];
    found = true;
  }
  REQUIRE(found);
  REQUIRE(functions_->C_OpenSession(slot_, CKF_SERIAL_SESSION | CKF_RW_SESSION, nullptr, nullptr,
                                    &session_) == CKR_OK);
}

RawPkcs11::~RawPkcs11() {
  functions_->C_CloseSession(session_);
}

std::vector<CK_OBJECT_HANDLE> RawPkcs11::keys() const {
  Pkcs11Template search;
  search.number(CKA_CLASS, CKO_SECRET_KEY);
  REQUIRE(functions_->C_FindObjectsInit(session_, search.data(), search.size()) == CKR_OK);
  std::vector<CK_OBJECT_HANDLE> found(1000);
  CK_ULONG count = 0;
  REQUIRE(functions_->C_FindObjects(session_, found.data(), found.size(), &count) == CKR_OK);
  REQUIRE(functions_->C_FindObjectsFinal(session_) == CKR_OK);
  found.resize(count);
  return found;
}

CK_OBJECT_HANDLE RawPkcs11::key_named(const std::string& label) const {
  for (const auto key : keys()) {
    char text[64] = {};
    CK_ATTRIBUTE attribute{CKA_LABEL, text, sizeof text};
    if (functions_->C_GetAttributeValue(session_, key, &attribute, 1) == CKR_OK &&
        std::string(text, attribute.ulValueLen) == label)
      return key;
  }
  return 0;
}

CK_RV RawPkcs11::unwrap_readable(CK_OBJECT_HANDLE root, BytesView blob,
                                 CK_OBJECT_HANDLE& key) const {
  auto attributes = hsm::readable_tenant_key();
  CK_MECHANISM mechanism{CKM_AES_KEY_WRAP, nullptr, 0};
  return functions_->C_UnwrapKey(session_, &mechanism, root, const_cast<CK_BYTE*>(blob.data()),
                                 blob.size(), attributes.data(), attributes.size(), &key);
}

CK_RV RawPkcs11::set_flag(CK_OBJECT_HANDLE key, CK_ATTRIBUTE_TYPE type, bool value) const {
  Pkcs11Template attributes;
  attributes.flag(type, value);
  return functions_->C_SetAttributeValue(session_, key, attributes.data(), attributes.size());
}

CK_RV RawPkcs11::make_root(unsigned epoch, const Locks& locks) const {
  auto attributes = hsm::root_key_search(epoch);
  attributes.flag(CKA_PRIVATE, true)
      .number(CKA_VALUE_LEN, 32)
      .flag(CKA_SENSITIVE, true)
      .flag(CKA_EXTRACTABLE, locks.extractable)
      .flag(CKA_MODIFIABLE, locks.modifiable)
      .flag(CKA_WRAP, true)
      .flag(CKA_UNWRAP, true)
      .flag(CKA_ENCRYPT, false)
      .flag(CKA_DECRYPT, locks.decrypt);
  if (locks.unwrap_template) {
    Pkcs11Template unwrapped;
    unwrapped.flag(CKA_EXTRACTABLE, false).flag(CKA_SENSITIVE, true);
    attributes.nested(CKA_UNWRAP_TEMPLATE, std::move(unwrapped));
  }
  CK_MECHANISM mechanism{CKM_AES_KEY_GEN, nullptr, 0};
  CK_OBJECT_HANDLE key = 0;
  return functions_->C_GenerateKey(session_, &mechanism, attributes.data(), attributes.size(),
                                   &key);
}

}  // namespace coffer::testing
