// Sessions, logins and tokens that go away under a running key service, and come back.
#include <doctest/doctest.h>

#include <cstring>

#include "hsm/pkcs11_key_service.h"
#include "tests/hsm/raw_pkcs11.h"
#include "tests/support/manual_clock.h"
#include "tests/support/softhsm_fixture.h"

namespace coffer::hsm {
namespace {

using namespace std::chrono_literals;
using testing::RawPkcs11;
using testing::SoftHsm;

const Bytes kDataKey(32, 0x42);
const BytesView kAad = as_bytes("place");

// A service with a root key, one tenant key, one wrapped data key and a clock moved by hand.
struct Fixture {
  explicit Fixture(bool keep_pin = true) {
    auto options = SoftHsm::options();
    options.clock = &clock;
    options.keep_pin = keep_pin;
    service = SoftHsm::ready(options);
    KeyId id;
    id.bytes[0] = 1;
    auto created = service->create_tenant_key(id, 1);
    REQUIRE(created.ok());
    tenant = std::move(created).value();
    auto wrapped = service->wrap(tenant, kAad, kDataKey);
    REQUIRE(wrapped.ok());
    blob = std::move(wrapped).value();
  }

  void check_works() {
    const auto opened = service->unwrap(tenant, kAad, blob);
    REQUIRE_MESSAGE(opened.ok(), (opened.ok() ? "" : opened.error().message));
    CHECK(opened->equals(kDataKey));
    const auto root = service->check_root_key(1);
    CHECK_MESSAGE(root.ok(), (root.ok() ? "" : root.error().message));
  }

  template <class T>
  static void check_unavailable(const Result<T>& result) {
    REQUIRE_FALSE(result.ok());
    INFO(result.error().message);
    CHECK(to_string(result.error().code) == to_string(ErrorCode::unavailable));
    CHECK(result.error().message.find("libsofthsm2.so") != std::string::npos);
    CHECK(result.error().message.find(SoftHsm::kUserPin) == std::string::npos);
  }

  void change_pin(const char* from, const char* to) {
    const RawPkcs11 other;
    auto text = [](const char* pin) { return reinterpret_cast<CK_BYTE*>(const_cast<char*>(pin)); };
    REQUIRE(other.call().C_SetPIN(other.session(), text(from), std::strlen(from), text(to),
                                  std::strlen(to)) == CKR_OK);
  }

  SoftHsm softhsm;
  testing::ManualClock clock;
  SoftHsm::Service service;
  WrappedTenantKey tenant;
  Bytes blob;
};

TEST_CASE("a session that was closed or logged out is opened again within the operation") {
  Fixture f;
  for (int round = 0; round < 3; ++round) {
    f.clock.advance(2s);
    {
      const RawPkcs11 other;
      if (round == 0) {
        REQUIRE(other.call().C_CloseAllSessions(other.slot()) == CKR_OK);
      } else {
        REQUIRE(other.call().C_Logout(other.session()) == CKR_OK);
      }
    }
    f.check_works();
    CHECK(f.service->logged_in());
  }
}

TEST_CASE("a tenant key that vanished from the session is loaded again") {
  Fixture f;
  {
    const RawPkcs11 other;
    const auto root = other.key_named("coffer-root-1");
    for (const auto key : other.keys())
      if (key != root) REQUIRE(other.call().C_DestroyObject(other.session(), key) == CKR_OK);
  }
  f.check_works();
}

TEST_CASE("a token that is away is unavailable, and works when it is back") {
  Fixture f;
  f.softhsm.unplug();
  Fixture::check_unavailable(f.service->check_root_key(1));
  CHECK(f.service->logged_in());  // the PIN is still there
  Fixture::check_unavailable(f.service->unwrap(f.tenant, kAad, f.blob));
  f.clock.advance(2s);
  Fixture::check_unavailable(f.service->unwrap(f.tenant, kAad, f.blob));
  Fixture::check_unavailable(f.service->create_root_key(2));

  f.softhsm.plug_in();
  // Within the pause nothing is tried, so that a dead token is not hammered.
  Fixture::check_unavailable(f.service->unwrap(f.tenant, kAad, f.blob));
  f.clock.advance(2s);
  f.check_works();
}

TEST_CASE("a token that was away while nobody looked is opened again within the operation") {
  Fixture f;
  {
    const RawPkcs11 other;
    f.softhsm.unplug();
    CHECK(other.key_named("coffer-root-1") == 0);  // SoftHSM notices when it looks for objects
    f.softhsm.plug_in();
    CHECK(other.key_named("coffer-root-1") == 0);  // and forgets for good
  }
  f.check_works();
}

TEST_CASE("a token that is away at login is found when it is back") {
  Fixture f;
  f.service->logout();
  f.softhsm.unplug();
  const auto absent = f.service->login(SoftHsm::user_pin());
  Fixture::check_unavailable(absent);
  CHECK_FALSE(f.service->logged_in());
  f.softhsm.plug_in();
  REQUIRE(f.service->login(SoftHsm::user_pin()).ok());
  f.check_works();
}

TEST_CASE("without the PIN a lost session stays lost until somebody logs in") {
  Fixture f(false);
  f.check_works();
  {
    const RawPkcs11 other;
    REQUIRE(other.call().C_CloseAllSessions(other.slot()) == CKR_OK);
  }
  Fixture::check_unavailable(f.service->unwrap(f.tenant, kAad, f.blob));
  CHECK_FALSE(f.service->logged_in());
  REQUIRE(f.service->login(SoftHsm::user_pin()).ok());
  f.check_works();
}

TEST_CASE("a kept PIN that is refused is not tried again") {
  Fixture f;
  f.change_pin(SoftHsm::kUserPin, "another-pin");
  {
    const RawPkcs11 other;
    REQUIRE(other.call().C_CloseAllSessions(other.slot()) == CKR_OK);
  }
  const auto refused = f.service->unwrap(f.tenant, kAad, f.blob);
  Fixture::check_unavailable(refused);
  CHECK(refused.error().message.find("CKR_PIN_INCORRECT") != std::string::npos);
  CHECK_FALSE(f.service->logged_in());
  f.clock.advance(2s);
  const auto again = f.service->unwrap(f.tenant, kAad, f.blob);
  Fixture::check_unavailable(again);
  CHECK(again.error().message.find("not logged in") != std::string::npos);
  REQUIRE(f.service->login(SecretBytes(std::string_view("another-pin"))).ok());
  f.check_works();
}

TEST_CASE("a root key destroyed in the token is missing, and the other epochs go on") {
  Fixture f;
  REQUIRE(f.service->create_root_key(2).ok());
  {
    const RawPkcs11 other;
    REQUIRE(other.call().C_DestroyObject(other.session(), other.key_named("coffer-root-2")) ==
            CKR_OK);
  }
  const auto missing = f.service->check_root_key(2);
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.error().code == ErrorCode::not_found);
  CHECK(missing.error().message.find("holds no coffer-root-2") != std::string::npos);
  f.check_works();
}

TEST_CASE("a wrong blob does not cost the connection") {
  Fixture f;
  auto altered = f.blob;
  altered[20] ^= 1;
  const auto keys_before = RawPkcs11().keys();
  CHECK(f.service->unwrap(f.tenant, kAad, altered).error().code == ErrorCode::corrupt);
  CHECK(RawPkcs11().keys() == keys_before);
}

TEST_CASE("the module is finalised with the service and can be used again, many times") {
  const SoftHsm softhsm;
  { auto service = SoftHsm::ready(); }
  for (int i = 0; i < 10; ++i) {
    auto service = SoftHsm::logged_in();
    CHECK(service->check_root_key(1).ok());
  }
}

}  // namespace
}  // namespace coffer::hsm
