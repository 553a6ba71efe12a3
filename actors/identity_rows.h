// A tenant's identity store as rows of the state store: reading them for the rules, and the rows
// that decided events change. Nothing of it is held in memory. Thread-safe reads; only the tenant's
// actor writes. Errors: those of the store; corrupt for rows that do not open.
#pragma once

#include "actors/append_builder.h"
#include "events/identity/identity_decider.h"
#include "events/log/event_log.h"
#include "events/log/state_keys.h"

namespace coffer::actors {

class IdentityRows final : public identity::Store {
 public:
  // Both outlive it.
  IdentityRows(const log::StateReader& store, const TenantKeys& keys)
      : store_(store), keys_(keys) {}

  [[nodiscard]] identity::Found<identity::Entity> entity(
      const identity::EntityId& id) const override;
  [[nodiscard]] identity::Found<identity::EntityId> entity_named(
      std::string_view name) const override;
  [[nodiscard]] identity::Found<identity::EntityId> entity_of_alias(
      const identity::AliasId& id) const override;
  [[nodiscard]] identity::Found<identity::EntityId> entity_of_alias(
      std::string_view mount_accessor, std::string_view name) const override;
  [[nodiscard]] identity::Found<identity::EntityId> merged_into(
      const identity::EntityId& id) const override;
  [[nodiscard]] identity::Found<identity::Group> group(const identity::GroupId& id) const override;
  [[nodiscard]] identity::Found<identity::GroupId> group_named(
      std::string_view name) const override;
  [[nodiscard]] identity::Found<identity::GroupId> group_of_alias(
      const identity::AliasId& id) const override;
  [[nodiscard]] identity::Found<identity::GroupId> group_of_alias(
      std::string_view mount_accessor, std::string_view name) const override;
  [[nodiscard]] Result<identity::Members> members(const identity::GroupId& id) const override;
  [[nodiscard]] Result<std::vector<identity::GroupId>> groups_of(
      const identity::EntityId& id) const override;
  [[nodiscard]] Result<std::vector<identity::GroupId>> groups_of(
      const identity::GroupId& id) const override;

  // In the order of their ids, behind `after`.
  [[nodiscard]] Result<std::vector<identity::Entity>> entities(const identity::EntityId& after,
                                                               std::size_t limit) const;
  [[nodiscard]] Result<std::vector<identity::Group>> groups(const identity::GroupId& after,
                                                            std::size_t limit) const;

 private:
  template <class Id>
  [[nodiscard]] identity::Found<Id> indexed(log::IdentityRow row, BytesView id16) const;
  template <class State, class Id>
  [[nodiscard]] identity::Found<State> snapshot(log::IdentityRow row, const Id& id) const;
  template <class State>
  [[nodiscard]] Result<std::vector<State>> page(log::IdentityRow row, BytesView after,
                                                std::size_t limit) const;
  template <class Id>
  [[nodiscard]] Result<std::vector<Id>> ids_below(const Bytes& prefix, std::size_t limit) const;

  const log::StateReader& store_;
  const TenantKeys& keys_;
};

// The rows of events that were decided on what the store holds now, into `append`.
[[nodiscard]] Result<void> add_identity_rows(log::Append& append, const log::StateReader& store,
                                             const TenantKeys& keys,
                                             const std::vector<identity::Event>& events);

}  // namespace coffer::actors
