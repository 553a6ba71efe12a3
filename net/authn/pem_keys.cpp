#include "net/authn/pem_keys.h"

#include <openssl/decoder.h>
#include <openssl/pem.h>

#include <string>

#include "net/authn/jwk_set.h"

namespace coffer::authn {
namespace {

struct PemBlock {
  std::string name;
  Bytes content;
};

// The next block of the source; nothing at the end of it, an error for one that is broken or cut.
Result<std::optional<PemBlock>> next_block(BIO* source) {
  char* name = nullptr;
  char* header = nullptr;
  unsigned char* content = nullptr;
  long size = 0;
  if (PEM_read_bio(source, &name, &header, &content, &size) != 1) {
    if (ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE)
      return std::optional<PemBlock>();
    return fail(ErrorCode::invalid_argument, "a PEM block is broken");
  }
  PemBlock block{name, Bytes(content, content + size)};
  OPENSSL_free(name);
  OPENSSL_free(header);
  OPENSSL_clear_free(content, static_cast<std::size_t>(size));
  return std::optional(std::move(block));
}

KeyHandle key_of_certificate(const Bytes& der) {
  const unsigned char* at = der.data();
  const Certificate certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (certificate == nullptr || at != der.data() + der.size()) return nullptr;
  return KeyHandle(X509_get_pubkey(certificate.get()));
}

KeyHandle key_of_der(const Bytes& der, const char* structure) {
  EVP_PKEY* key = nullptr;
  using Decoder = OpensslHandle<OSSL_DECODER_CTX, OSSL_DECODER_CTX_free>;
  const Decoder decoder(OSSL_DECODER_CTX_new_for_pkey(&key, "DER", structure, nullptr,
                                                      EVP_PKEY_PUBLIC_KEY, nullptr, nullptr));
  const unsigned char* at = der.data();
  std::size_t left = der.size();
  if (decoder == nullptr || OSSL_DECODER_from_data(decoder.get(), &at, &left) != 1) return nullptr;
  KeyHandle owned(key);
  return left == 0 ? std::move(owned) : nullptr;
}

Result<VerificationKey> key_of(const PemBlock& block) {
  KeyHandle handle;
  if (block.name == PEM_STRING_X509 || block.name == PEM_STRING_X509_OLD) {
    handle = key_of_certificate(block.content);
  } else if (block.name == PEM_STRING_PUBLIC) {
    handle = key_of_der(block.content, "SubjectPublicKeyInfo");
  } else if (block.name == PEM_STRING_RSA_PUBLIC) {
    handle = key_of_der(block.content, "type-specific");
  } else {
    return fail(ErrorCode::invalid_argument,
                "the PEM text must hold public keys or certificates only");
  }
  return VerificationKey::make(std::move(handle));
}

}  // namespace

Result<std::vector<VerificationKey>> parse_pem_keys(std::string_view text) {
  if (text.size() > kPemBytesMax) return fail(ErrorCode::too_large, "the PEM text is too large");
  const DropErrors drop;
  const Source source(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  if (source == nullptr) return fail(ErrorCode::internal, "out of memory");
  std::vector<VerificationKey> keys;
  while (true) {
    COFFER_ASSIGN(const auto block, next_block(source.get()));
    if (!block) break;
    if (keys.size() == kKeysMax) return fail(ErrorCode::too_large, "too many PEM keys");
    COFFER_ASSIGN(VerificationKey key, key_of(*block));
    keys.push_back(std::move(key));
  }
  if (keys.empty()) return fail(ErrorCode::invalid_argument, "no PEM public key in the text");
  return keys;
}

}  // namespace coffer::authn
