#include "hsm/message_digest.h"

#include <openssl/evp.h>

#include <array>

#include "events/base/check.h"

namespace coffer::hsm {
namespace {

struct Algorithm {
  std::string_view name;
  const EVP_MD* (*digest)();
};
constexpr std::array<Algorithm, 8> kAlgorithms = {{{"sha2-224", EVP_sha224},
                                                   {"sha2-256", EVP_sha256},
                                                   {"sha2-384", EVP_sha384},
                                                   {"sha2-512", EVP_sha512},
                                                   {"sha3-224", EVP_sha3_224},
                                                   {"sha3-256", EVP_sha3_256},
                                                   {"sha3-384", EVP_sha3_384},
                                                   {"sha3-512", EVP_sha3_512}}};

}  // namespace

std::optional<Bytes> message_digest(std::string_view algorithm, BytesView data) {
  for (const auto& [name, digest] : kAlgorithms) {
    if (name != algorithm) continue;
    Bytes out(EVP_MAX_MD_SIZE);
    unsigned size = 0;
    COFFER_CHECK(EVP_Digest(data.data(), data.size(), out.data(), &size, digest(), nullptr) == 1);
    out.resize(size);
    return out;
  }
  return std::nullopt;
}

}  // namespace coffer::hsm
