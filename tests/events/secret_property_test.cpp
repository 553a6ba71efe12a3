// Random commands with a moving clock against a naive model of KV version 2, written from what
// clients see and not from the decider: a list of versions with their values.
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <set>

#include "events/secret/secret_decider.h"
#include "tests/support/kv_model.h"

using namespace coffer;
using namespace coffer::secret;
using Model = coffer::testing::KvModel;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
const MountId kMount{{1}};

KeyId key_of(std::uint64_t serial) {
  KeyId id;
  for (std::size_t i = 0; i < 8; ++i) {
    id.bytes[i] = static_cast<std::uint8_t>(serial >> (8 * i));
  }
  return id;
}

// The system under test with the store around it: log, key store and value store.
class Run {
 public:
  explicit Run(const MountSettings& mount) : model_(mount), mount_(mount) {}

  void step() {
    now_ += *rc::gen::inRange<std::int64_t>(1, 20 * kSecond);
    switch (
        *rc::gen::weightedElement<int>({{8, 0}, {2, 1}, {3, 2}, {3, 3}, {2, 4}, {2, 5}, {1, 6}})) {
      case 0:
        return write();
      case 1:
        return delete_current();
      case 2:
        return delete_listed();
      case 3:
        return undelete_listed();
      case 4:
        return destroy_listed();
      case 5:
        return change_metadata();
      default:
        return remove_secret();
    }
  }

  void check_equal() {
    RC_ASSERT(state_.exists == model_.exists);
    RC_ASSERT(state_.created_time.ns == model_.created_ns);
    RC_ASSERT(state_.updated_time.ns == model_.updated_ns);
    RC_ASSERT(state_.current_version == model_.last());
    RC_ASSERT(state_.oldest_version == model_.oldest);
    RC_ASSERT(state_.max_versions == model_.max_versions);
    RC_ASSERT(state_.cas_required == model_.cas_required);
    RC_ASSERT(state_.delete_version_after.count == model_.delete_after);
    RC_ASSERT(state_.custom_metadata == model_.custom);
    RC_ASSERT(state_.versions.size() == model_.versions.size());
    std::set<KeyId> wanted_keys;
    for (const auto& expected : model_.versions) {
      const auto* version = state_.find_version(expected.number);
      RC_ASSERT(version != nullptr);
      RC_ASSERT(version->created_time.ns == expected.created_ns);
      RC_ASSERT(version->deletion_time.ns == expected.deleted_ns);
      RC_ASSERT(version->destroyed == expected.destroyed);
      const auto key = expected.destroyed ? KeyId{} : key_of(expected.value);
      RC_ASSERT(version->data_key == key);
      if (!expected.destroyed) wanted_keys.insert(key);
      RC_ASSERT((!version->destroyed && !version->deleted_at({now_})) ==
                model_.readable(expected.number, now_));
    }
    // The key store holds exactly the keys of what can be or become readable.
    RC_ASSERT(key_store_ == wanted_keys);
  }

  void check_replay() const {
    SecretState replayed;
    for (const auto& event : log_) {
      auto next = evolve(std::move(replayed), event);
      RC_ASSERT(next.ok());
      replayed = std::move(*next);
    }
    RC_ASSERT(replayed == state_);
  }

 private:
  // Decides, stores and evolves as the runtime does. False when the command was refused.
  bool submit(const Command& command) {
    const auto events = decide(state_, command, {{now_}, mount_});
    if (!events.ok()) {
      RC_ASSERT(is_callers_mistake(events.error().code));
      return false;
    }
    for (const auto& event : *events) {
      note_numbering(event);
      for (const auto& [version, key] : keys_destroyed_by(state_, event)) {
        RC_ASSERT(state_.versions.at(version).data_key == key);
        RC_ASSERT(key_store_.erase(key) == 1u);
      }
      if (const auto* written = std::get_if<SecretVersionWritten>(&event)) {
        RC_ASSERT(key_store_.insert(written->data_key).second);
      }
      auto next = evolve(state_, event);
      RC_ASSERT(next.ok());
      state_ = std::move(*next);
      log_.push_back(event);
    }
    return true;
  }

  void note_numbering(const Event& event) {
    if (std::holds_alternative<SecretRemoved>(event)) numbers_used_.clear();
    if (const auto* written = std::get_if<SecretVersionWritten>(&event)) {
      RC_ASSERT(numbers_used_.insert(written->version).second);
    }
  }

  void write() {
    const auto value = ++serial_;
    WriteVersion command;
    command.mount = kMount;
    command.path = "p";
    command.version = state_.current_version + 1;
    command.data_key = key_of(value);
    command.sealed_value = {1, 2, 3};
    command.patched = *rc::gen::weightedElement<bool>({{4, false}, {1, true}});
    switch (*rc::gen::inRange(0, 5)) {
      case 0:
        break;
      case 1:
        command.cas = *rc::gen::inRange<std::uint64_t>(0, 6);
        break;
      default:
        command.cas = state_.current_version;
    }
    const auto expected = model_.write(command.cas, command.patched, value, now_);
    RC_ASSERT(submit(command) == expected.has_value());
  }
  void delete_current() {
    model_.remove(model_.last(), now_);
    RC_ASSERT(submit(DeleteCurrentVersion{}));
  }
  void delete_listed() {
    const auto versions = some_versions();
    for (const auto version : versions) model_.remove(version, now_);
    RC_ASSERT(submit(DeleteVersions{versions}));
  }
  void undelete_listed() {
    const auto versions = some_versions();
    for (const auto version : versions) model_.restore(version, now_);
    RC_ASSERT(submit(UndeleteVersions{versions}));
  }
  void destroy_listed() {
    const auto versions = some_versions();
    for (const auto version : versions) model_.destroy(version);
    RC_ASSERT(submit(DestroyVersions{versions}));
  }
  void change_metadata() {
    ChangeMetadata command;
    command.mount = kMount;
    command.path = "p";
    command.must_exist = *rc::gen::arbitrary<bool>();
    const auto fields = *rc::gen::inRange(0, 16);
    if (fields & 1) command.max_versions = *rc::gen::inRange<std::uint32_t>(0, 7);
    if (fields & 2) command.cas_required = *rc::gen::arbitrary<bool>();
    if (fields & 4) command.delete_version_after = Seconds{*rc::gen::inRange(-1, 60)};
    if (fields & 8) command.custom_metadata = CustomMetadata{{"serial", std::to_string(serial_)}};
    const bool negative = command.delete_version_after < Seconds{0} && (fields & 4);
    const bool refused = negative || (command.must_exist && !model_.exists);
    if (!refused && fields != 0) {
      model_.touch(now_);
      if (fields & 1) model_.max_versions = *command.max_versions;
      if (fields & 2) model_.cas_required = *command.cas_required;
      if (fields & 4) model_.delete_after = command.delete_version_after->count;
      if (fields & 8) model_.custom = *command.custom_metadata;
    }
    RC_ASSERT(submit(command) == !refused);
  }
  void remove_secret() {
    model_.forget();
    RC_ASSERT(submit(RemoveSecret{}));
  }

  // Known, dropped, future and repeated numbers alike.
  std::vector<VersionNumber> some_versions() const {
    return *rc::gen::container<std::vector<VersionNumber>>(
        rc::gen::inRange<VersionNumber>(0, state_.current_version + 3));
  }

  Model model_;
  MountSettings mount_;
  std::int64_t now_ = 1'700'000'000 * kSecond;
  std::uint64_t serial_ = 0;
  SecretState state_;
  std::vector<Event> log_;
  std::set<KeyId> key_store_;
  std::set<VersionNumber> numbers_used_;
};

MountSettings any_mount() {
  return {*rc::gen::elementOf(std::vector<std::uint32_t>{0, 0, 1, 2, 4, 12}),
          *rc::gen::weightedElement<bool>({{3, false}, {1, true}}),
          Seconds{*rc::gen::elementOf(std::vector<std::int64_t>{0, 0, -1, 5, 40})}};
}

}  // namespace

TEST_CASE("property: a secret behaves like the model of KV version 2") {
  REQUIRE(rc::check("random commands", [] {
    Run run(any_mount());
    const auto steps = *rc::gen::inRange(1, 60);
    for (int step = 0; step < steps; ++step) {
      run.step();
      run.check_equal();
    }
    run.check_replay();
  }));
}

TEST_CASE("property: a clock that steps back never breaks a secret") {
  REQUIRE(rc::check("decided events always fit", [] {
    SecretState state;
    const auto mount = any_mount();
    std::uint64_t serial = 0;
    const auto choices = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 5));
    for (const int choice : choices) {
      const Timestamp now{*rc::gen::inRange<std::int64_t>(1, 100) * kSecond};
      const std::vector<VersionNumber> listed = {1, 2, state.current_version};
      WriteVersion write;
      write.version = state.current_version + 1;
      write.cas = state.current_version;
      write.data_key = key_of(++serial);
      const std::vector<Command> commands = {write, DeleteVersions{listed},
                                             UndeleteVersions{listed}, DestroyVersions{{2}},
                                             DeleteCurrentVersion{}};
      const auto events = decide(state, commands[static_cast<std::size_t>(choice)], {now, mount});
      RC_ASSERT(events.ok());
      for (const auto& event : *events) {
        auto next = evolve(std::move(state), event);
        RC_ASSERT(next.ok());
        state = std::move(*next);
      }
    }
  }));
}
