// Strict reader of the vector files in tests/golden/aead: any line that is not a comment, an empty
// line between cases, or the next expected field with valid hex fails the test.
#pragma once

#include <string>
#include <vector>

#include "events/base/bytes.h"

namespace coffer::testing {

struct AeadVector {
  std::string name;
  Bytes key;
  Bytes nonce;
  Bytes plaintext;
  Bytes aad;
  Bytes ciphertext;
  Bytes tag;
};

// `file` is relative to tests/golden/aead.
[[nodiscard]] std::vector<AeadVector> read_aead_vectors(const std::string& file);

}  // namespace coffer::testing
