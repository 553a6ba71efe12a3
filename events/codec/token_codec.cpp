#include "events/codec/event_messages.h"

namespace coffer::codec {

schema::TokenCreated to_message(const token::TokenCreated& event) {
  schema::TokenCreated m;
  put(m.mutable_id(), event.id);
  m.set_accessor(event.accessor);
  put(m.mutable_tenant(), event.tenant);
  put(m.mutable_parent(), event.parent);
  m.mutable_policies()->Assign(event.policies.begin(), event.policies.end());
  if (!event.meta.empty()) put(m.mutable_meta(), event.meta);
  m.set_display_name(event.display_name);
  m.set_path(event.path);
  m.set_created_time_ns(event.created_time.ns);
  m.set_ttl_s(event.ttl.count);
  m.set_explicit_max_ttl_s(event.explicit_max_ttl.count);
  m.set_period_s(event.period.count);
  m.set_num_uses(event.num_uses);
  m.set_renewable(event.renewable);
  if (event.chosen_id) m.set_chosen_id(true);
  if (!event.entity.is_zero()) put(m.mutable_entity(), event.entity);
  return m;
}

void from_message(schema::TokenCreated& m, token::TokenCreated& event, FieldReader& in) {
  in.id("id", m.id(), event.id);
  event.accessor = std::move(*m.mutable_accessor());
  in.id("tenant", m.tenant(), event.tenant);
  in.id("parent", m.parent(), event.parent);
  event.policies.assign(m.policies().begin(), m.policies().end());
  in.text_map("meta", *m.mutable_meta(), event.meta);
  event.display_name = std::move(*m.mutable_display_name());
  event.path = std::move(*m.mutable_path());
  event.created_time = {m.created_time_ns()};
  event.ttl = {m.ttl_s()};
  event.explicit_max_ttl = {m.explicit_max_ttl_s()};
  event.period = {m.period_s()};
  event.num_uses = m.num_uses();
  event.renewable = m.renewable();
  event.chosen_id = m.chosen_id();
  if (m.has_entity()) in.id("entity", m.entity(), event.entity);
}

schema::TokenRenewed to_message(const token::TokenRenewed& event) {
  schema::TokenRenewed m;
  m.set_renewed_time_ns(event.renewed_time.ns);
  m.set_expire_time_ns(event.expire_time.ns);
  return m;
}

void from_message(schema::TokenRenewed& m, token::TokenRenewed& event, FieldReader&) {
  event.renewed_time = {m.renewed_time_ns()};
  event.expire_time = {m.expire_time_ns()};
}

schema::TokenUsed to_message(const token::TokenUsed& event) {
  schema::TokenUsed m;
  m.set_uses_left(event.uses_left);
  return m;
}

void from_message(schema::TokenUsed& m, token::TokenUsed& event, FieldReader&) {
  event.uses_left = m.uses_left();
}

schema::TokenRevoked to_message(const token::TokenRevoked& event) {
  schema::TokenRevoked m;
  m.set_revoked_time_ns(event.revoked_time.ns);
  m.set_children_live_on(event.children_live_on);
  return m;
}

void from_message(schema::TokenRevoked& m, token::TokenRevoked& event, FieldReader&) {
  event.revoked_time = {m.revoked_time_ns()};
  event.children_live_on = m.children_live_on();
}

schema::TokenForgotten to_message(const token::TokenForgotten&) {
  return {};
}

void from_message(schema::TokenForgotten&, token::TokenForgotten&, FieldReader&) {}

}  // namespace coffer::codec
