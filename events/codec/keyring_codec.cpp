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
