// Owning handles of the OpenSSL objects of this folder. A null handle is "could not be made".
#pragma once

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>

#include "events/base/bytes.h"

namespace coffer::authn {

template <auto Free>
struct OpensslFree {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};

template <class T, auto Free>
using OpensslHandle = std::unique_ptr<T, OpensslFree<Free>>;

using KeyHandle = OpensslHandle<EVP_PKEY, EVP_PKEY_free>;
using KeyContext = OpensslHandle<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using DigestContext = OpensslHandle<EVP_MD_CTX, EVP_MD_CTX_free>;
using Number = OpensslHandle<BIGNUM, BN_free>;
using EcdsaSignature = OpensslHandle<ECDSA_SIG, ECDSA_SIG_free>;
using Certificate = OpensslHandle<X509, X509_free>;
using Source = OpensslHandle<BIO, BIO_free>;

// OpenSSL queues the reasons of what failed on its thread; drops those of this scope on leaving, so
// that a refused token leaves nothing for the next caller to find.
class DropErrors {
 public:
  DropErrors() noexcept { ERR_set_mark(); }
  DropErrors(const DropErrors&) = delete;
  DropErrors& operator=(const DropErrors&) = delete;
  ~DropErrors() { ERR_pop_to_mark(); }
};

}  // namespace coffer::authn
