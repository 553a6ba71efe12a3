#include "tests/hsm/aead_vectors.h"

#include <doctest/doctest.h>

#include <fstream>

namespace coffer::testing {
namespace {

constexpr std::string_view kFields[] = {"NAME", "KEY", "NONCE", "IN", "AD", "CT", "TAG"};
constexpr std::size_t kFieldCount = std::size(kFields);

Bytes* bytes_field(AeadVector& vector, std::size_t field) {
  Bytes* const fields[] = {nullptr,     &vector.key,        &vector.nonce, &vector.plaintext,
                           &vector.aad, &vector.ciphertext, &vector.tag};
  return fields[field];
}

void read_field(const std::string& line, std::size_t field, AeadVector& vector) {
  INFO("line: ", line);
  const auto prefix = std::string(kFields[field]) + ":";
  REQUIRE(line.starts_with(prefix));
  auto value = line.substr(prefix.size());
  REQUIRE((value.empty() || value.front() == ' '));
  if (!value.empty()) value.erase(0, 1);
  if (field == 0) {
    REQUIRE_FALSE(value.empty());
    vector.name = value;
    return;
  }
  *bytes_field(vector, field) = from_hex(value);
  REQUIRE(to_hex(*bytes_field(vector, field)) == value);
}

}  // namespace

std::vector<AeadVector> read_aead_vectors(const std::string& file) {
  const std::string path = std::string(COFFER_SOURCE_DIR) + "/tests/golden/aead/" + file;
  INFO("file: ", path);
  std::ifstream in(path);
  REQUIRE(in.is_open());
  std::vector<AeadVector> vectors;
  std::size_t field = 0;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with('#')) continue;
    if (line.empty()) {
      REQUIRE(field == 0);  // a case is complete
      continue;
    }
    if (field == 0) vectors.emplace_back();
    read_field(line, field, vectors.back());
    field = (field + 1) % kFieldCount;
  }
  REQUIRE(field == 0);
  return vectors;
}

}  // namespace coffer::testing
