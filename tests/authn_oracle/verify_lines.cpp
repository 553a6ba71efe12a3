// Judges tokens for oracle.py. Reads a key set (JWKS) as the first line, then one token a line;
// answers each token with "ok" or the name of the fault.
#include <iostream>
#include <string>

#include "net/authn/jwk_set.h"
#include "net/authn/jwt_verifier.h"

int main() {
  using namespace coffer::authn;
  std::string line;
  std::getline(std::cin, line);
  const auto keys = parse_jwks(line);
  if (!keys) {
    std::cerr << keys.error().message << '\n';
    return 1;
  }
  while (std::getline(std::cin, line)) {
    const auto judged = verify_token(line, keys->keys);
    std::cout << (judged ? "ok" : to_string(judged.refusal().fault)) << '\n';
  }
  return 0;
}
