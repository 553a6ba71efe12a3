// Shamir secret sharing over GF(2^8); the arithmetic is libgfshare's.
// A share is the payload followed by one byte: the share number (1..255), as Vault lays it out.
#pragma once

#include <vector>

#include "events/base/ports.h"
#include "events/base/result.h"
#include "events/base/secret_bytes.h"

namespace coffer::hsm {

// 1 <= threshold <= shares <= 255, and threshold >= 2 unless shares == 1 (then the one share is the
// secret itself, as in Vault). invalid_argument otherwise.
Result<std::vector<SecretBytes>> split_secret(const SecretBytes& secret, unsigned shares,
                                              unsigned threshold, Random& random);
// invalid_argument: fewer than 2 shares (one share is returned as it is), unequal lengths,
// duplicate or zero share number. A wrong share gives a wrong secret: the caller must verify it.
Result<SecretBytes> combine_shares(const std::vector<SecretBytes>& shares);

}  // namespace coffer::hsm
