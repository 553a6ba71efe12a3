// The key service over the real SoftHSM: tokens, PINs, root keys, tenant keys, tampering.
#include "hsm/pkcs11_key_service.h"

#include <doctest/doctest.h>

#include <array>

#include "tests/hsm/raw_pkcs11.h"
#include "tests/support/softhsm_fixture.h"

namespace coffer::hsm {
namespace {

using testing::RawPkcs11;
using testing::SoftHsm;

KeyId id_of(std::uint8_t value) {
  KeyId id;
  id.bytes[0] = value;
  return id;
}

const Bytes kDataKey(32, 0x42);
const BytesView kAad = as_bytes("tenant, mount, path, version");

WrappedTenantKey tenant_key(KeyService& service, std::uint8_t id = 1) {
  auto key = service.create_tenant_key(id_of(id), 1);
  REQUIRE_MESSAGE(key.ok(), (key.ok() ? "" : key.error().message));
  return std::move(key).value();
}

template <class T>
void check_error(const Result<T>& result, ErrorCode code, const std::string& part_of_message) {
  REQUIRE_FALSE(result.ok());
  CHECK(to_string(result.error().code) == to_string(code));
  INFO(result.error().message);
  CHECK(result.error().message.find(part_of_message) != std::string::npos);
}

TEST_CASE("a module that cannot be used is unavailable and named") {
  const SoftHsm softhsm;
  auto options = SoftHsm::options();
  options.module_path = "/nowhere/libabsent.so";
  check_error(Pkcs11KeyService::open(options), ErrorCode::unavailable, "/nowhere/libabsent.so");
  options.module_path = "libm.so.6";
  check_error(Pkcs11KeyService::open(options), ErrorCode::unavailable,
              "libm.so.6 is not a PKCS#11 module");
}

TEST_CASE("a module without its configuration or storage is unavailable and says so") {
  const SoftHsm softhsm;
  const char* expected = "libsofthsm2.so: C_Initialize failed with CKR_GENERAL_ERROR (0x5)";
  SUBCASE("configuration") {
    std::filesystem::remove(softhsm.configuration());
  }
  SUBCASE("storage") {
    std::filesystem::remove(softhsm.storage());
  }
  check_error(Pkcs11KeyService::open(SoftHsm::options()), ErrorCode::unavailable, expected);
}

TEST_CASE("options that no token can meet are refused") {
  const SoftHsm softhsm;
  auto options = SoftHsm::options();
  SUBCASE("empty label") {
    options.token_label = "";
  }
  SUBCASE("long label") {
    options.token_label = std::string(33, 'x');
  }
  SUBCASE("no tenant key") {
    options.tenant_keys_max = 0;
  }
  check_error(Pkcs11KeyService::open(options), ErrorCode::invalid_argument, "");
}

TEST_CASE("a token is initialised once and found again") {
  const SoftHsm softhsm;
  {
    auto service = SoftHsm::open();
    CHECK_FALSE(*service->token_present());
    check_error(service->login(SoftHsm::user_pin()), ErrorCode::unavailable,
                "libsofthsm2.so: no token 'coffer-test'");
    REQUIRE(service->initialize_token(SoftHsm::officer_pin(), SoftHsm::user_pin()).ok());
    CHECK(*service->token_present());
    check_error(service->initialize_token(SoftHsm::officer_pin(), SoftHsm::user_pin()),
                ErrorCode::already_exists, "token 'coffer-test' is initialised already");
    CHECK(service->login(SoftHsm::user_pin()).ok());
  }
  auto service = SoftHsm::open();
  CHECK(*service->token_present());
  CHECK(service->login(SoftHsm::user_pin()).ok());
}

TEST_CASE("a PIN that the token cannot take is refused at initialisation") {
  const SoftHsm softhsm;
  auto service = SoftHsm::open();
  check_error(service->initialize_token(SecretBytes(), SoftHsm::user_pin()),
              ErrorCode::invalid_argument, "PIN");
  check_error(service->initialize_token(SoftHsm::officer_pin(), SecretBytes()),
              ErrorCode::invalid_argument, "PIN");
  check_error(service->initialize_token(SoftHsm::officer_pin(), SecretBytes(std::string_view("1"))),
              ErrorCode::invalid_argument, "C_InitPIN failed with CKR_PIN_LEN_RANGE (0xa2)");
}

TEST_CASE("a wrong PIN is refused, never shown, and leaves nothing logged in") {
  const SoftHsm softhsm;
  auto service = SoftHsm::ready();
  for (const std::string wrong : {"", "0", "wrong-pin-4711", "user-pin-4711 "}) {
    CAPTURE(wrong);
    const auto refused = service->login(SecretBytes(std::string_view(wrong)));
    check_error(refused, ErrorCode::permission_denied, "PIN");
    CHECK((wrong.size() < 2 || refused.error().message.find(wrong) == std::string::npos));
    CHECK_FALSE(service->logged_in());
    check_error(service->check_root_key(1), ErrorCode::unavailable, "not logged in");
  }
  check_error(service->login(SecretBytes(2000)), ErrorCode::permission_denied, "longer");
  CHECK(service->login(SoftHsm::user_pin()).ok());
  CHECK(service->check_root_key(1).ok());
}

TEST_CASE("a login that somebody else holds does not let a wrong PIN pass") {
  const SoftHsm softhsm;
  auto service = SoftHsm::ready();
  service->logout();
  const RawPkcs11 other;
  auto* pin = reinterpret_cast<CK_BYTE*>(const_cast<char*>(SoftHsm::kUserPin));
  REQUIRE(other.call().C_Login(other.session(), CKU_USER, pin, std::strlen(SoftHsm::kUserPin)) ==
          CKR_OK);
  check_error(service->login(SecretBytes(std::string_view("wrong-pin"))),
              ErrorCode::permission_denied, "CKR_PIN_INCORRECT");
  CHECK(service->login(SoftHsm::user_pin()).ok());
}

TEST_CASE("a root key is created once an epoch") {
  const SoftHsm softhsm;
  auto service = SoftHsm::logged_in();
  check_error(service->check_root_key(1), ErrorCode::not_found,
              "token 'coffer-test' holds no coffer-root-1");
  CHECK(service->create_root_key(1).ok());
  check_error(service->create_root_key(1), ErrorCode::already_exists, "coffer-root-1");
  CHECK(service->check_root_key(1).ok());
  CHECK(service->create_root_key(2).ok());
  CHECK(service->check_root_key(2).ok());
  check_error(service->check_root_key(3), ErrorCode::not_found, "coffer-root-3");
  CHECK(RawPkcs11().keys().size() == 2);  // the keys of the self-tests are gone
}

TEST_CASE("a root key is locked: its blobs cannot be read through the token") {
  const SoftHsm softhsm;
  auto service = SoftHsm::ready();
  const auto tenant = tenant_key(*service);
  const RawPkcs11 attacker;
  const auto root = attacker.key_named("coffer-root-1");
  REQUIRE(root != 0);
  CK_OBJECT_HANDLE key = 0;
  CHECK(attacker.unwrap_readable(root, tenant.blob, key) == CKR_TEMPLATE_INCONSISTENT);
  for (const auto flag : {CKA_DECRYPT, CKA_ENCRYPT, CKA_EXTRACTABLE, CKA_MODIFIABLE}) {
    CAPTURE(flag);
    CHECK(attacker.set_flag(root, flag, true) != CKR_OK);
  }
  CHECK(attacker.set_flag(root, CKA_SENSITIVE, false) != CKR_OK);
  std::array<CK_BYTE, 64> value{};
  CK_ATTRIBUTE attribute{CKA_VALUE, value.data(), value.size()};
  for (const auto object : attacker.keys())
    CHECK(attacker.call().C_GetAttributeValue(attacker.session(), object, &attribute, 1) ==
          CKR_ATTRIBUTE_SENSITIVE);
  // And the loaded tenant key does not leave under the root key.
  CK_MECHANISM mechanism{CKM_AES_KEY_WRAP, nullptr, 0};
  CK_ULONG size = value.size();
  for (const auto object : attacker.keys())
    CHECK(attacker.call().C_WrapKey(attacker.session(), &mechanism, root, object, value.data(),
                                    &size) == CKR_KEY_UNEXTRACTABLE);
}

TEST_CASE("a root key of others that lacks a lock is not used") {
  const SoftHsm softhsm;
  auto service = SoftHsm::logged_in();
  const RawPkcs11 other;
  RawPkcs11::Locks locks;
  const char* expected = nullptr;
  SUBCASE("extractable") {
    locks.extractable = true;
    expected = "CKA_EXTRACTABLE is true";
  }
  SUBCASE("modifiable") {
    locks.modifiable = true;
    expected = "CKA_MODIFIABLE is true";
  }
  SUBCASE("can decrypt") {
    locks.decrypt = true;
    expected = "CKA_DECRYPT is true";
  }
  SUBCASE("no unwrap template") {
    locks.unwrap_template = false;
    expected = "unwraps keys as extractable";
  }
  REQUIRE(other.make_root(1, locks) == CKR_OK);
  check_error(service->check_root_key(1), ErrorCode::corrupt, expected);
  check_error(service->create_tenant_key(id_of(1), 1), ErrorCode::corrupt, expected);
  CHECK(other.keys().size() == 1);
}

TEST_CASE("two root keys of one epoch are not chosen from") {
  const SoftHsm softhsm;
  auto service = SoftHsm::ready();
  REQUIRE(RawPkcs11().make_root(1, {}) == CKR_OK);
  check_error(service->check_root_key(1), ErrorCode::corrupt, "holds 2 keys named coffer-root-1");
}

TEST_CASE("a data key survives wrap and unwrap, also in another process life") {
  const SoftHsm softhsm;
  WrappedTenantKey tenant;
  Bytes blob;
  {
    auto service = SoftHsm::ready();
    tenant = tenant_key(*service);
    CHECK(tenant.id == id_of(1));
    CHECK(tenant.root_epoch == 1);
    CHECK(tenant.blob.size() == 40);
    blob = std::move(service->wrap(tenant, kAad, kDataKey)).value();
    CHECK(blob.size() == 60);
    CHECK(service->unwrap(tenant, kAad, blob)->equals(kDataKey));
  }
  auto service = SoftHsm::logged_in();
  CHECK(service->unwrap(tenant, kAad, blob)->equals(kDataKey));  // loaded on demand
  service->unload_tenant_key(tenant.id);
  service->unload_tenant_key(tenant.id);
  CHECK(service->load_tenant_key(tenant).ok());
  CHECK(service->load_tenant_key(tenant).ok());
  CHECK(service->unwrap(tenant, kAad, blob)->equals(kDataKey));
  const auto without_aad = service->wrap(tenant, {}, kDataKey);
  CHECK(service->unwrap(tenant, {}, *without_aad)->equals(kDataKey));
}

TEST_CASE("a wrapped data key opens only whole, in its place and under its tenant's key") {
  const SoftHsm softhsm;
  auto service = SoftHsm::ready();
  const auto tenant = tenant_key(*service, 1);
  const auto other = tenant_key(*service, 2);
  const auto blob = std::move(service->wrap(tenant, kAad, kDataKey)).value();
  check_error(service->unwrap(tenant, as_bytes("another place"), blob), ErrorCode::corrupt,
              "C_Decrypt failed with CKR_GENERAL_ERROR (0x5) although its tenant key works");
  check_error(service->unwrap(tenant, {}, blob), ErrorCode::corrupt, "");
  check_error(service->unwrap(other, kAad, blob), ErrorCode::corrupt, "");
  check_error(service->unwrap(tenant, kAad, {}), ErrorCode::corrupt, "60 bytes, not 0");
  check_error(service->unwrap(tenant, kAad, BytesView(blob).first(59)), ErrorCode::corrupt, "");
  for (std::size_t i = 0; i < blob.size(); ++i) {
    CAPTURE(i);
    auto altered = blob;
    altered[i] ^= 1;
    check_error(service->unwrap(tenant, kAad, altered), ErrorCode::corrupt, "");
  }
  CHECK(service->unwrap(tenant, kAad, blob)->equals(kDataKey));
  check_error(service->wrap(tenant, kAad, BytesView(kDataKey).first(31)), ErrorCode::internal, "");
}

TEST_CASE("a tenant key's blob opens only whole and under its root key") {
  const SoftHsm softhsm;
  auto service = SoftHsm::ready();
  REQUIRE(service->create_root_key(2).ok());
  const auto tenant = tenant_key(*service);
  service->unload_tenant_key(tenant.id);
  for (std::size_t i = 0; i < tenant.blob.size(); ++i) {
    CAPTURE(i);
    auto altered = tenant;
    altered.blob[i] ^= 1;
    check_error(service->load_tenant_key(altered), ErrorCode::corrupt, "C_UnwrapKey");
  }
  auto altered = tenant;
  altered.root_epoch = 2;
  check_error(service->load_tenant_key(altered), ErrorCode::corrupt, "C_UnwrapKey");
  altered.root_epoch = 9;
  check_error(service->load_tenant_key(altered), ErrorCode::unavailable, "holds no coffer-root-9");
  altered.root_epoch = 1;
  altered.blob.clear();
  check_error(service->load_tenant_key(altered), ErrorCode::corrupt, "");
  altered.blob.assign(39, 0);
  check_error(service->load_tenant_key(altered), ErrorCode::corrupt, "");
  CHECK(service->load_tenant_key(tenant).ok());
}

TEST_CASE("tenant keys beyond the limit are destroyed in the HSM and loaded again on demand") {
  const SoftHsm softhsm;
  auto options = SoftHsm::options();
  options.tenant_keys_max = 2;
  auto service = SoftHsm::ready(options);
  std::vector<WrappedTenantKey> tenants;
  std::vector<Bytes> blobs;
  for (std::uint8_t i = 0; i < 5; ++i) {
    tenants.push_back(tenant_key(*service, i));
    blobs.push_back(std::move(service->wrap(tenants[i], kAad, Bytes(32, i))).value());
    CHECK(RawPkcs11().keys().size() <= 1 + 2);  // the root and what the limit allows
  }
  for (std::uint8_t i = 0; i < 5; ++i)
    CHECK(service->unwrap(tenants[i], kAad, blobs[i])->equals(Bytes(32, i)));
  CHECK(RawPkcs11().keys().size() == 1 + 2);
}

TEST_CASE("logging out forgets every key") {
  const SoftHsm softhsm;
  auto service = SoftHsm::ready();
  const auto tenant = tenant_key(*service);
  const auto blob = std::move(service->wrap(tenant, kAad, kDataKey)).value();
  service->logout();
  service->logout();
  CHECK_FALSE(service->logged_in());
  check_error(service->unwrap(tenant, kAad, blob), ErrorCode::unavailable,
              "not logged in to token 'coffer-test'");
  check_error(service->create_root_key(2), ErrorCode::unavailable, "not logged in");
  service->unload_tenant_key(tenant.id);
  CHECK(RawPkcs11().keys().empty());
  REQUIRE(service->login(SoftHsm::user_pin()).ok());
  CHECK(service->unwrap(tenant, kAad, blob)->equals(kDataKey));
}

}  // namespace
}  // namespace coffer::hsm
