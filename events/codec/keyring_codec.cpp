#include "events/codec/event_messages.h"

namespace coffer::codec {

schema::KeyringCreated to_message(const keyring::KeyringCreated& event) {
  schema::KeyringCreated m;
  m.set_root_epoch(event.root_epoch);
  put(m.mutable_tenant_key(), event.tenant_key);
  put(m.mutable_log_key(), event.log_key);
  put(m.mutable_index_key(), event.index_key);
  m.set_created_time_ns(event.created_time.ns);
  return m;
}

void from_message(schema::KeyringCreated& m, keyring::KeyringCreated& event, FieldReader& in) {
  event.root_epoch = m.root_epoch();
  from_message(m.tenant_key(), event.tenant_key, in);
  from_message(m.log_key(), event.log_key, in);
  from_message(m.index_key(), event.index_key, in);
  event.created_time = {m.created_time_ns()};
}

schema::TenantKeyRotated to_message(const keyring::TenantKeyRotated& event) {
  schema::TenantKeyRotated m;
  m.set_term(event.term);
  m.set_root_epoch(event.root_epoch);
  put(m.mutable_tenant_key(), event.tenant_key);
  put(m.mutable_log_key(), event.log_key);
  put(m.mutable_index_key(), event.index_key);
  m.set_automatic(event.automatic);
  m.set_rotated_time_ns(event.rotated_time.ns);
  return m;
}

void from_message(schema::TenantKeyRotated& m, keyring::TenantKeyRotated& event, FieldReader& in) {
  event.term = m.term();
  event.root_epoch = m.root_epoch();
  from_message(m.tenant_key(), event.tenant_key, in);
  from_message(m.log_key(), event.log_key, in);
  from_message(m.index_key(), event.index_key, in);
  event.automatic = m.automatic();
  event.rotated_time = {m.rotated_time_ns()};
}

schema::TenantKeyRewrapped to_message(const keyring::TenantKeyRewrapped& event) {
  schema::TenantKeyRewrapped m;
  m.set_term(event.term);
  m.set_keys(event.keys);
  put(m.mutable_set_hash(), event.set_hash);
  m.set_rewrapped_time_ns(event.rewrapped_time.ns);
  return m;
}

void from_message(schema::TenantKeyRewrapped& m, keyring::TenantKeyRewrapped& event,
                  FieldReader& in) {
  event.term = m.term();
  event.keys = m.keys();
  in.hash("set_hash", m.set_hash(), event.set_hash);
  event.rewrapped_time = {m.rewrapped_time_ns()};
}

schema::TenantKeyRetired to_message(const keyring::TenantKeyRetired& event) {
  schema::TenantKeyRetired m;
  m.set_term(event.term);
  put(m.mutable_key(), event.key);
  m.set_keys(event.keys);
  m.set_retired_time_ns(event.retired_time.ns);
  return m;
}

void from_message(schema::TenantKeyRetired& m, keyring::TenantKeyRetired& event, FieldReader& in) {
  event.term = m.term();
  in.id("key", m.key(), event.key);
  event.keys = m.keys();
  event.retired_time = {m.retired_time_ns()};
}

void put(schema::KeyReference* field, const keyring::KeyReference& key) {
  put(field->mutable_id(), key.id);
  put(field->mutable_blob_hash(), key.blob_hash);
}

// An absent reference has an empty id and is a fault.
void from_message(const schema::KeyReference& m, keyring::KeyReference& key, FieldReader& in) {
  in.id("id of a key", m.id(), key.id);
  in.hash("blob_hash of a key", m.blob_hash(), key.blob_hash);
}

}  // namespace coffer::codec
