#include "hsm/pkcs11_key_templates.h"

#include <fmt/format.h>

#include <cstring>

#include "hsm/envelope_cipher.h"

namespace coffer::hsm {
namespace {

Pkcs11Template aes_key() {
  Pkcs11Template key;
  key.number(CKA_CLASS, CKO_SECRET_KEY).number(CKA_KEY_TYPE, CKK_AES);
  return key;
}

// CKA_MODIFIABLE comes last everywhere: SoftHSM sets attributes in this order and refuses what
// follows.
Pkcs11Template session_key(bool readable) {
  auto key = aes_key();
  key.flag(CKA_TOKEN, false)
      .flag(CKA_PRIVATE, true)
      .flag(CKA_SENSITIVE, !readable)
      .flag(CKA_EXTRACTABLE, readable)
      .flag(CKA_ENCRYPT, true)
      .flag(CKA_DECRYPT, true)
      .flag(CKA_WRAP, false)
      .flag(CKA_UNWRAP, false)
      .flag(CKA_MODIFIABLE, false);
  return key;
}

Bytes root_key_id(RootEpoch epoch) {
  Bytes id;
  append_u32(id, epoch);
  return id;
}

}  // namespace

Pkcs11Template& Pkcs11Template::bytes(CK_ATTRIBUTE_TYPE type, BytesView value) {
  auto& kept = values_.emplace_back(value.begin(), value.end());
  attributes_.push_back({type, kept.data(), kept.size()});
  return *this;
}

Pkcs11Template& Pkcs11Template::flag(CK_ATTRIBUTE_TYPE type, bool value) {
  const CK_BBOOL flag = value ? CK_TRUE : CK_FALSE;
  return bytes(type, {&flag, 1});
}

Pkcs11Template& Pkcs11Template::number(CK_ATTRIBUTE_TYPE type, CK_ULONG value) {
  std::uint8_t raw[sizeof value];
  std::memcpy(raw, &value, sizeof value);
  return bytes(type, raw);
}

Pkcs11Template& Pkcs11Template::nested(CK_ATTRIBUTE_TYPE type, Pkcs11Template value) {
  auto& kept = nested_.emplace_back(std::move(value));
  attributes_.push_back({type, kept.data(), kept.size() * sizeof(CK_ATTRIBUTE)});
  return *this;
}

std::string root_key_label(RootEpoch epoch) {
  return fmt::format("coffer-root-{}", epoch);
}

Pkcs11Template root_key_search(RootEpoch epoch) {
  auto search = aes_key();
  search.flag(CKA_TOKEN, true)
      .bytes(CKA_LABEL, as_bytes(root_key_label(epoch)))
      .bytes(CKA_ID, root_key_id(epoch));
  return search;
}

Pkcs11Template root_key(RootEpoch epoch) {
  Pkcs11Template unwrapped;
  unwrapped.flag(CKA_EXTRACTABLE, false).flag(CKA_SENSITIVE, true);
  auto key = aes_key();
  key.flag(CKA_TOKEN, true)
      .flag(CKA_PRIVATE, true)
      .bytes(CKA_LABEL, as_bytes(root_key_label(epoch)))
      .bytes(CKA_ID, root_key_id(epoch))
      .number(CKA_VALUE_LEN, kDataKeyBytes)
      .flag(CKA_SENSITIVE, true)
      .flag(CKA_EXTRACTABLE, false)
      .flag(CKA_WRAP, true)
      .flag(CKA_UNWRAP, true)
      .flag(CKA_ENCRYPT, false)
      .flag(CKA_DECRYPT, false)
      .nested(CKA_UNWRAP_TEMPLATE, std::move(unwrapped))
      .flag(CKA_MODIFIABLE, false);
  return key;
}

Pkcs11Template new_tenant_key() {
  auto key = aes_key();
  key.flag(CKA_TOKEN, false)
      .flag(CKA_PRIVATE, true)
      .number(CKA_VALUE_LEN, kDataKeyBytes)
      .flag(CKA_SENSITIVE, true)
      .flag(CKA_EXTRACTABLE, true)
      .flag(CKA_ENCRYPT, false)
      .flag(CKA_DECRYPT, false)
      .flag(CKA_WRAP, false)
      .flag(CKA_UNWRAP, false)
      .flag(CKA_MODIFIABLE, false);
  return key;
}

Pkcs11Template loaded_tenant_key() {
  return session_key(false);
}
Pkcs11Template readable_tenant_key() {
  return session_key(true);
}

}  // namespace coffer::hsm
