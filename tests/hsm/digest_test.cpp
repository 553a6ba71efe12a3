#include <doctest/doctest.h>

#include <chrono>

#include "hsm/envelope_cipher.h"

namespace coffer::hsm {
namespace {

TEST_CASE("sha256 gives the published digests") {
  struct Row {
    std::string data;
    const char* digest;
  };
  // FIPS 180-4 examples and the empty message.
  const Row rows[] = {
      {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
      {std::string(1'000'000, 'a'),
       "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
  };
  for (const auto& row : rows) {
    CHECK(to_hex(sha256(as_bytes(row.data))) == row.digest);
    // The chain of two parts is the digest of both in a row, wherever the cut is.
    const auto half = row.data.size() / 3;
    const std::string_view all = row.data;
    CHECK(sha256_chain(as_bytes(all.substr(0, half)), as_bytes(all.substr(half))) ==
          sha256(as_bytes(all)));
  }
}

TEST_CASE("hmac_sha256 gives the digests of RFC 4231") {
  struct Row {
    int test_case;
    Bytes key;
    Bytes data;
    const char* mac;
  };
  auto bytes = [](std::string_view text) { return Bytes(text.begin(), text.end()); };
  const Row rows[] = {
      {1, Bytes(20, 0x0b), bytes("Hi There"),
       "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
      {2, bytes("Jefe"), bytes("what do ya want for nothing?"),
       "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {3, Bytes(20, 0xaa), Bytes(50, 0xdd),
       "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
      {4, from_hex("0102030405060708090a0b0c0d0e0f10111213141516171819"), Bytes(50, 0xcd),
       "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
      {6, Bytes(131, 0xaa), bytes("Test Using Larger Than Block-Size Key - Hash Key First"),
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
      {7, Bytes(131, 0xaa),
       bytes("This is a test using a larger than block-size key and a larger than block-size "
             "data. The key needs to be hashed before being used by the HMAC algorithm."),
       "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.test_case);
    CHECK(to_hex(hmac_sha256(row.key, row.data)) == row.mac);
  }
  CHECK(to_hex(hmac_sha256({}, {})) ==
        "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST_CASE("hmac_sha256 of 40 bytes stays far below a microsecond and a half") {
  const Bytes key(32, 1);
  const Bytes data(40, 2);
  constexpr int kRounds = 20'000;
  auto best = std::chrono::nanoseconds::max();
  for (int round = 0; round < 5; ++round) {
    const auto start = std::chrono::steady_clock::now();
    std::uint8_t used = 0;
    for (int i = 0; i < kRounds; ++i) used ^= hmac_sha256(key, data)[0];
    best = std::min<std::chrono::nanoseconds>(best, std::chrono::steady_clock::now() - start);
    CHECK(used == 0);  // an even number of equal values
  }
  MESSAGE("hmac_sha256: ", best.count() / kRounds, " ns");
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  WARN(best.count() / kRounds < 1500);
#endif
}

}  // namespace
}  // namespace coffer::hsm
