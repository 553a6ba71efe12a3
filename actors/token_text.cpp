#include "actors/token_text.h"

#include <array>

namespace coffer::actors {
namespace {

constexpr std::string_view kBase62 =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

// Rejection sampling, so that every character is equally likely.
SecretBytes random_base62(Random& random, std::size_t length) {
  SecretBytes out;
  out.reserve(length);
  std::array<std::uint8_t, 64> pool{};
  while (out.size() < length) {
    random.fill(pool);
    for (const auto byte : pool) {
      if (byte >= 248 || out.size() == length) continue;  // 248 = 4 * 62
      out.append(kBase62[byte % 62]);
    }
  }
  wipe_memory(pool.data(), pool.size());
  return out;
}

}  // namespace

SecretBytes random_token_text(Random& random) {
  SecretBytes text(std::string_view("hvs."));
  text.append(random_base62(random, 32).expose());
  return text;
}

SecretBytes random_root_token_text(Random& random) {
  SecretBytes text(std::string_view("hvs."));
  text.append(random_base62(random, 24).expose());
  return text;
}

std::string random_accessor(Random& random) {
  return std::string(random_base62(random, 24).expose_text());
}

}  // namespace coffer::actors
