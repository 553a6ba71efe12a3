#include "hsm/shamir.h"

#include <fmt/format.h>

#include <array>
#include <memory>
#include <numeric>

#include "hsm/system_random.h"

extern "C" {  // the header does not say so itself
#include <libgfshare.h>
}

namespace coffer::hsm {
namespace {

constexpr unsigned kSharesMax = 255;
constexpr std::size_t kSecretBytesMax = 64 * 1024;

using ShareNumbers = std::vector<std::uint8_t>;

struct FreeContext {
  void operator()(gfshare_ctx* context) const noexcept { gfshare_ctx_free(context); }
};
using Context = std::unique_ptr<gfshare_ctx, FreeContext>;

// The library draws its coefficients, and what it overwrites its memory with, through one global
// function pointer without an argument. The source for the coefficients is therefore the thread's.
thread_local Random* coefficient_source = nullptr;

void fill_for_library(unsigned char* out, unsigned int size) noexcept {
  SystemRandom system;
  Random& source = coefficient_source != nullptr ? *coefficient_source : system;
  source.fill({out, size});
}

void prepare_library() noexcept {
  static const bool prepared = [] {
    gfshare_fill_rand = fill_for_library;
    return true;
  }();
  COFFER_CHECK(prepared);
}

void set_secret(gfshare_ctx* context, const SecretBytes& secret, Random& random) noexcept {
  coefficient_source = &random;
  gfshare_ctx_enc_setsecret(context, const_cast<std::uint8_t*>(secret.expose().data()));
  coefficient_source = nullptr;
}

std::vector<SecretBytes> single(const SecretBytes& secret) {
  std::vector<SecretBytes> shares;
  shares.push_back(secret.clone());
  return shares;
}

Result<ShareNumbers> numbers_of(const std::vector<SecretBytes>& shares) {
  auto refuse = [](const char* why) { return fail(ErrorCode::invalid_argument, why); };
  if (shares.size() > kSharesMax) return refuse("more than 255 shares");
  std::array<bool, kSharesMax + 1> seen{};
  ShareNumbers numbers;
  for (const auto& share : shares) {
    if (share.size() != shares.front().size()) return refuse("shares of different lengths");
    if (share.size() < 2) return refuse("a share has at least 2 bytes");
    const std::uint8_t number = share.expose().back();
    if (number == 0) return refuse("a share with number 0");
    if (seen[number]) return refuse("the same share twice");
    seen[number] = true;
    numbers.push_back(number);
  }
  return numbers;
}

}  // namespace

Result<std::vector<SecretBytes>> split_secret(const SecretBytes& secret, unsigned shares,
                                              unsigned threshold, Random& random) {
  if (secret.empty() || secret.size() > kSecretBytesMax)
    return fail(ErrorCode::invalid_argument, "only a secret of 1 to 65536 bytes is split");
  if (shares == 0 || shares > kSharesMax || threshold == 0 || threshold > shares)
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} of {} shares: 1 <= threshold <= shares <= 255", threshold, shares));
  if (shares == 1) return single(secret);
  if (threshold == 1)
    return fail(ErrorCode::invalid_argument,
                "a threshold of 1 with several shares would make each share the secret");

  prepare_library();
  ShareNumbers numbers(shares);
  std::iota(numbers.begin(), numbers.end(), std::uint8_t{1});
  const auto size = static_cast<unsigned>(secret.size());
  const Context context(
      gfshare_ctx_init_enc(numbers.data(), shares, static_cast<unsigned char>(threshold), size));
  if (context == nullptr) return fail(ErrorCode::internal, "no memory to split a secret");
  set_secret(context.get(), secret, random);
  std::vector<SecretBytes> out;
  for (unsigned i = 0; i < shares; ++i) {
    SecretBytes share(secret.size() + 1);
    gfshare_ctx_enc_getshare(context.get(), static_cast<unsigned char>(i), share.writable().data());
    share.writable().back() = numbers[i];
    out.push_back(std::move(share));
  }
  return out;
}

Result<SecretBytes> combine_shares(const std::vector<SecretBytes>& shares) {
  if (shares.empty()) return fail(ErrorCode::invalid_argument, "no shares");
  if (shares.size() == 1) return shares.front().clone();
  COFFER_ASSIGN(auto numbers, numbers_of(shares));
  prepare_library();
  const std::size_t size = shares.front().size() - 1;
  const Context context(gfshare_ctx_init_dec(numbers.data(), static_cast<unsigned>(shares.size()),
                                             static_cast<unsigned>(size)));
  if (context == nullptr) return fail(ErrorCode::internal, "no memory to combine shares");
  for (std::size_t i = 0; i < shares.size(); ++i)
    gfshare_ctx_dec_giveshare(context.get(), static_cast<unsigned char>(i),
                              const_cast<std::uint8_t*>(shares[i].expose().data()));
  SecretBytes secret(size);
  gfshare_ctx_dec_extract(context.get(), secret.writable().data());
  return secret;
}

}  // namespace coffer::hsm
