// The vault's row while the vault is open: what a change of its key shares needs of the seal.
#include "actors/seal_service.h"
#include "hsm/envelope_cipher.h"

namespace coffer::actors {

Result<codec::VaultRow> SealService::row_when_active() const {
  if (!active()) return fail(ErrorCode::sealed, "Vault is sealed");
  return vault_row();
}

bool SealService::is_pin(const SecretBytes& pin) const {
  const auto digest = hsm::sha256(pin.expose());
  const std::lock_guard lock(mutex_);
  return pin_digest_ && equal_constant_time(digest, *pin_digest_);
}

void SealService::replace_row(const codec::VaultRow& row) {
  {
    const std::lock_guard lock(mutex_);
    row_ = row;
    shares_.reset();
  }
  if (options_.on_row_changed) options_.on_row_changed(row);
}

}  // namespace coffer::actors
