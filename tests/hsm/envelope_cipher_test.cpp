#include "hsm/envelope_cipher.h"

#include <doctest/doctest.h>

#include <set>
#include <thread>

#include "tests/hsm/aead_vectors.h"

namespace coffer::hsm {
namespace {

Bytes test_key() {
  Bytes key(kDataKeyBytes);
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<std::uint8_t>(i * 7 + 1);
  return key;
}

ErrorCode open_error(BytesView key, BytesView aad, BytesView sealed) {
  const auto opened = open(key, aad, sealed);
  return opened.ok() ? ErrorCode::internal : opened.error().code;
}

TEST_CASE("open gives the plaintext of every published vector") {
  const auto vectors = testing::read_aead_vectors("aes_256_gcm.txt");
  CHECK(vectors.size() == 15);
  for (const auto& vector : vectors) {
    CAPTURE(vector.name);
    Bytes sealed = vector.nonce;
    append(sealed, vector.ciphertext);
    append(sealed, vector.tag);
    const auto opened = open(vector.key, vector.aad, sealed);
    REQUIRE(opened.ok());
    CHECK(opened->equals(vector.plaintext));
    // And under a fresh nonce, through our own seal.
    const auto again = seal(vector.key, vector.aad, vector.plaintext);
    CHECK(again.size() == vector.plaintext.size() + kSealOverheadBytes);
    CHECK(open(vector.key, vector.aad, again)->equals(vector.plaintext));
  }
}

TEST_CASE("values of every size around a block seal and open") {
  const auto key = test_key();
  for (std::size_t size : {0u, 1u, 15u, 16u, 17u, 31u, 32u, 33u, 1023u, 1024u, 65536u, 1048576u}) {
    CAPTURE(size);
    const Bytes plaintext(size, 0x5a);
    const auto opened = open(key, as_bytes("aad"), seal(key, as_bytes("aad"), plaintext));
    REQUIRE(opened.ok());
    CHECK(opened->equals(plaintext));
  }
}

TEST_CASE("a flipped bit in any byte of a sealed value is corrupt") {
  const auto key = test_key();
  const auto sealed = seal(key, as_bytes("place"), as_bytes("a value of some bytes"));
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    for (int bit : {0, 7}) {
      auto altered = sealed;
      altered[i] ^= static_cast<std::uint8_t>(1 << bit);
      CAPTURE(i);
      CHECK(open_error(key, as_bytes("place"), altered) == ErrorCode::corrupt);
    }
  }
}

TEST_CASE("a sealed value opens only whole, in its place and under its key") {
  const auto key = test_key();
  const auto sealed = seal(key, as_bytes("place"), as_bytes("value"));
  struct Row {
    const char* rule;
    Bytes key;
    std::string aad;
    Bytes sealed;
  };
  auto other_key = key;
  other_key[31] ^= 1;
  auto longer = sealed;
  longer.push_back(0);
  const Row rows[] = {
      {"another key", other_key, "place", sealed},
      {"another place", key, "place2", sealed},
      {"no place", key, "", sealed},
      {"one byte more", key, "place", longer},
      {"one byte less", key, "place", Bytes(sealed.begin(), sealed.end() - 1)},
      {"shorter than nonce and tag", key, "place", Bytes(sealed.begin(), sealed.begin() + 27)},
      {"empty", key, "place", {}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.rule);
    CHECK(open_error(row.key, as_bytes(row.aad), row.sealed) == ErrorCode::corrupt);
  }
  // A failure leaves nothing behind that hinders the next operation.
  CHECK(open(key, as_bytes("place"), sealed)->expose_text() == "value");
}

TEST_CASE("nonces differ, across threads too") {
  std::set<Bytes> nonces;
  std::mutex mutex;
  auto draw = [&] {
    const auto key = test_key();
    for (int i = 0; i < 1000; ++i) {
      const auto sealed = seal(key, {}, {});
      const std::lock_guard lock(mutex);
      nonces.emplace(sealed.begin(), sealed.begin() + 12);
    }
  };
  std::thread other(draw);
  draw();
  other.join();
  CHECK(nonces.size() == 2000);
}

}  // namespace
}  // namespace coffer::hsm
