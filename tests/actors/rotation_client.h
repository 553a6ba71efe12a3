// A client that rotates keys and looks at what that leaves in the store.
#pragma once

#include "actors/data_keys.h"
#include "events/log/state_keys.h"
#include "tests/actors/vault_client.h"

namespace coffer::testing {

class RotationClient : public VaultClient {
 public:
  using VaultClient::VaultClient;

  Answer<api::Changed> rotate(const std::string& child = "") {
    const auto path = child.empty() ? "sys/rotate" : "sys/namespaces/" + child + "/rotate";
    auto answer = make_answer<api::Changed>();
    world.vault().rotate_tenant_key(admit(path, policy::Operation::update), child, 204,
                                    keep(answer));
    return answer;
  }
  void must_rotate(const std::string& child = "") {
    auto answer = rotate(child);
    world.settle();
    REQUIRE(answer->has_value());
    REQUIRE((*answer)->ok());
  }
  api::KeyStatus status(const std::string& child = "") {
    auto answer = make_answer<api::KeyStatus>();
    const auto admission = admit("sys/key-status", policy::Operation::read);
    REQUIRE_FALSE(admission->refusal);
    world.vault().tenant_key_status(admission, child, keep(answer));
    world.settle();
    REQUIRE(answer->has_value());
    REQUIRE((*answer)->ok());
    return ***answer;
  }
  // Lets time pass until no rotation is under way.
  bool finish(const std::string& child = "") {
    for (int i = 0; i < 200; ++i) {
      world.settle();
      const auto now = status(child);
      if (!now.rotation || !now.rotation->running) return true;
      world.advance(std::chrono::milliseconds(700));
    }
    return false;
  }
  Answer<api::SecretChanged> destroy(const std::string& name, std::vector<VersionNumber> versions) {
    auto answer = make_answer<api::SecretChanged>();
    world.vault().change_secret(admit("secret/destroy/" + name, policy::Operation::update), name,
                                secret::DestroyVersions{std::move(versions)}, 204, keep(answer));
    return answer;
  }
  void restart(log::LastBatch last) {
    world.restart(last);
    REQUIRE(world.unseal().ok());
  }
  // Blobs of data keys in the root tenant, by term.
  std::map<keyring::KeyTerm, std::size_t> blobs(const TenantId& tenant = kRootTenant) {
    std::map<keyring::KeyTerm, std::size_t> out;
    for (const auto& row : rows(tenant)) {
      const bool own = MountId::from_bytes(BytesView(row.key).subspan(16, 16)).is_zero();
      if (!own) ++out[actors::parse_data_key_blob(row.value)->term];
    }
    return out;
  }
  std::vector<log::Row> rows(const TenantId& tenant = kRootTenant) {
    return *world.log().scan(log::Family::keys, tenant.view(), {}, 100'000);
  }
  codec::TenantRow tenant_row(const TenantId& tenant = kRootTenant) {
    return *codec::decode_tenant_row(
        **world.log().get(log::Family::tenants, log::tenant_row(tenant)));
  }
  bool has_key_row(const KeyId& id) {
    return world.log().get(log::Family::keys, log::key_row(kRootTenant, {}, id))->has_value();
  }
  std::vector<std::string> event_names() {
    auto answer = make_answer<std::vector<api::EventInfo>>();
    world.vault().read_events(admit("sys/events", policy::Operation::read), 1, 1000, {},
                              keep(answer));
    world.settle();
    std::vector<std::string> names;
    for (const auto& record : ***answer)
      for (const auto& event : record.events) names.push_back(event.name);
    return names;
  }
  std::size_t count_events(std::string_view name) {
    const auto names = event_names();
    return static_cast<std::size_t>(std::count(names.begin(), names.end(), name));
  }
  void write_all(int secrets, int versions = 1) {
    for (int version = 1; version <= versions; ++version)
      for (int i = 0; i < secrets; ++i) write("s" + std::to_string(i), value_of(i, version));
    world.settle();
  }
  void check_all(int secrets, int version = 1) {
    for (int i = 0; i < secrets; ++i) CHECK(value("s" + std::to_string(i)) == value_of(i, version));
  }
  static std::string value_of(int secret, int version) {
    return R"({"v":")" + std::to_string(secret) + "." + std::to_string(version) + "\"}";
  }
};

// As an operator would see it after everything ended well.
inline void check_rotated(RotationClient& client, const KeyId& old_key, keyring::KeyTerm term) {
  const auto status = client.status();
  CHECK(status.term == term);
  REQUIRE(status.rotation);
  CHECK_FALSE(status.rotation->running);
  CHECK(status.rotation->from_term == term - 1);
  CHECK(status.rotation->finished >= status.rotation->started);
  CHECK_FALSE(client.has_key_row(old_key));
  CHECK_FALSE(client.tenant_row().keyring.retiring);
  for (const auto& [found, count] : client.blobs()) CHECK(found == term);
}

}  // namespace coffer::testing
