// The index that answers carry: whose it is, what it says, and which ones are refused.
#include "actors/state_index.h"

#include "hsm/envelope_cipher.h"
#include "tests/actors/vault_client.h"
#include "tests/support/seeded_random.h"

using namespace coffer;
using namespace coffer::testing;

namespace {

struct Keys {
  explicit Keys(std::uint8_t number)
      : keys(kRootTenant, key(number), key(static_cast<std::uint8_t>(number + 1)), arena, random) {}
  actors::TenantKeys::OpenKey key(std::uint8_t number) {
    return {KeyId::from_bytes(Bytes(16, number)), *arena->store(Bytes(32, number))};
  }
  SeededRandom random{1};
  std::string warning;
  std::shared_ptr<hsm::LockedArena> arena = hsm::LockedArena::create(64, warning);
  actors::TenantKeys keys;
};

std::string text_of(std::string_view base64) {
  const auto decoded = hsm::base64_decode(base64);
  REQUIRE(decoded.has_value());
  return std::string(decoded->expose_text());
}

std::string base64_of(std::string_view text) {
  return hsm::base64_encode(as_bytes(text));
}

}  // namespace

TEST_CASE("state index: what is made is understood, under the same key only") {
  const Keys ours(1);
  const Keys theirs(7);
  for (const std::uint64_t sequence : {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}}) {
    const actors::StateIndex index{TenantId::from_bytes(Bytes(16, 0xab)), sequence};
    const auto text = actors::encode_state_index(ours.keys, index);
    const auto decoded = actors::decode_state_index(ours.keys, text);
    REQUIRE(decoded.ok());
    CHECK(*decoded == index);
    const auto foreign = actors::decode_state_index(theirs.keys, text);
    REQUIRE_FALSE(foreign.ok());
    CHECK(foreign.error().code == ErrorCode::invalid_argument);
  }
}

TEST_CASE("state index: the form that Vault's clients parse") {
  const Keys keys(1);
  const auto text =
      text_of(actors::encode_state_index(keys.keys, {TenantId::from_bytes(Bytes(16, 0xab)), 42}));
  CHECK(text.starts_with("v1:abababababababababababababababab:42:0:"));
  CHECK(text.size() == std::string_view("v1:abababababababababababababababab:42:0:").size() + 32);
}

TEST_CASE("state index: nothing of it can be altered") {
  const Keys keys(1);
  const auto made = actors::encode_state_index(keys.keys, {TenantId::from_bytes(Bytes(16, 3)), 42});
  const auto text = text_of(made);
  for (std::size_t i = 0; i < text.size(); ++i)
    for (const char other : {'0', '1', ':', 'f'}) {
      if (text[i] == other) continue;
      auto altered = text;
      altered[i] = other;
      INFO(altered);
      CHECK_FALSE(actors::decode_state_index(keys.keys, base64_of(altered)).ok());
    }
  const std::string rows[] = {"",
                              "=",
                              "v1",
                              made + made,
                              made.substr(4),
                              std::string(5'000, 'A'),
                              base64_of("v1"),
                              base64_of(":"),
                              base64_of(text + "0"),
                              base64_of(text.substr(0, text.size() - 2)),
                              base64_of(text.substr(0, text.rfind(':') + 1))};
  for (const auto& row : rows) {
    INFO(row);
    const auto decoded = actors::decode_state_index(keys.keys, row);
    REQUIRE_FALSE(decoded.ok());
    CHECK(decoded.error().code == ErrorCode::invalid_argument);
  }
}

namespace {

std::string index_of(VaultClient& client, const std::string& name_space) {
  const auto admission = client.admit("secret/data/s", policy::Operation::read, name_space);
  REQUIRE_FALSE(admission->refusal);
  return client.world.vault().state_index(*admission);
}

std::string index_after_write(VaultClient& client, const std::string& name_space) {
  const auto written = client.write("s", "x", {}, name_space);
  client.world.settle();
  REQUIRE((*written)->ok());
  return index_of(client, name_space);
}

ErrorCode refusal_of(VaultClient& client, const std::string& index) {
  const auto there = client.world.vault().holds_state(index);
  REQUIRE_FALSE(there.ok());
  return there.error().code;
}

}  // namespace

TEST_CASE("state index: of the tenant's own stream, and nobody else's") {
  VaultClient client;
  client.create_namespace("a");
  client.create_namespace("b");
  const auto first = index_after_write(client, "a/");
  for (int i = 0; i < 5; ++i) index_after_write(client, "b/");
  CHECK(index_of(client, "a/") == first);
  const auto second = index_after_write(client, "a/");
  CHECK(second != first);
  CHECK(index_of(client, "b/") != second);
  const auto& vault = client.world.vault();
  for (const auto& index : {first, second, index_of(client, "b/"), index_of(client, "")})
    CHECK(*vault.holds_state(index));
  CHECK(refusal_of(client, "nonsense") == ErrorCode::invalid_argument);
}

// Two vaults of one seed have the same keys: as a vault and its backup.
TEST_CASE("state index: a state that a backup has undone is missing") {
  VaultClient original(1);
  VaultClient restored(1);
  const auto kept = index_after_write(original, "");
  index_after_write(restored, "");
  const auto lost = index_after_write(original, "");
  CHECK(*restored.world.vault().holds_state(kept));
  CHECK_FALSE(*restored.world.vault().holds_state(lost));
  index_after_write(restored, "");
  CHECK(*restored.world.vault().holds_state(lost));
  VaultClient stranger(2);
  index_after_write(stranger, "");
  CHECK(refusal_of(stranger, kept) == ErrorCode::invalid_argument);
}

TEST_CASE("state index: after a restart it is the log's, and while sealed there is none") {
  VaultClient client;
  const auto before = index_after_write(client, "");
  const auto sealed = client.seal();
  client.world.settle();
  REQUIRE((*sealed)->ok());
  CHECK(refusal_of(client, before) == ErrorCode::sealed);
  REQUIRE(client.world.unseal().ok());
  CHECK(*client.world.vault().holds_state(before));
  CHECK(index_of(client, "") == before);
}
