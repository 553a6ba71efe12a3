#include "events/codec/event_messages.h"

namespace coffer::codec {

schema::SecretCreated to_message(const secret::SecretCreated& event) {
  schema::SecretCreated m;
  put(m.mutable_mount(), event.mount);
  m.set_path(event.path);
  m.set_created_time_ns(event.created_time.ns);
  return m;
}

void from_message(schema::SecretCreated& m, secret::SecretCreated& event, FieldReader& in) {
  in.id("mount", m.mount(), event.mount);
  event.path = std::move(*m.mutable_path());
  event.created_time = {m.created_time_ns()};
}

schema::SecretVersionWritten to_message(const secret::SecretVersionWritten& event) {
  schema::SecretVersionWritten m;
  m.set_version(event.version);
  m.set_created_time_ns(event.created_time.ns);
  m.set_deletion_time_ns(event.deletion_time.ns);
  put(m.mutable_data_key(), event.data_key);
  put(m.mutable_data_key_blob_hash(), event.data_key_blob_hash);
  put(m.mutable_sealed_value(), event.sealed_value);
  m.set_oldest_version(event.oldest_version);
  m.set_patched(event.patched);
  return m;
}

void from_message(schema::SecretVersionWritten& m, secret::SecretVersionWritten& event,
                  FieldReader& in) {
  event.version = m.version();
  event.created_time = {m.created_time_ns()};
  event.deletion_time = {m.deletion_time_ns()};
  in.id("data_key", m.data_key(), event.data_key);
  in.hash("data_key_blob_hash", m.data_key_blob_hash(), event.data_key_blob_hash);
  event.sealed_value = to_bytes(m.sealed_value());
  event.oldest_version = m.oldest_version();
  event.patched = m.patched();
}

schema::SecretVersionsDeleted to_message(const secret::SecretVersionsDeleted& event) {
  schema::SecretVersionsDeleted m;
  m.mutable_versions()->Assign(event.versions.begin(), event.versions.end());
  m.set_deletion_time_ns(event.deletion_time.ns);
  return m;
}

void from_message(schema::SecretVersionsDeleted& m, secret::SecretVersionsDeleted& event,
                  FieldReader&) {
  event.versions.assign(m.versions().begin(), m.versions().end());
  event.deletion_time = {m.deletion_time_ns()};
}

schema::SecretVersionsUndeleted to_message(const secret::SecretVersionsUndeleted& event) {
  schema::SecretVersionsUndeleted m;
  m.mutable_versions()->Assign(event.versions.begin(), event.versions.end());
  m.set_deletion_time_ns(event.deletion_time.ns);
  return m;
}

void from_message(schema::SecretVersionsUndeleted& m, secret::SecretVersionsUndeleted& event,
                  FieldReader&) {
  event.versions.assign(m.versions().begin(), m.versions().end());
  event.deletion_time = {m.deletion_time_ns()};
}

schema::SecretVersionsDestroyed to_message(const secret::SecretVersionsDestroyed& event) {
  schema::SecretVersionsDestroyed m;
  m.mutable_versions()->Assign(event.versions.begin(), event.versions.end());
  return m;
}

void from_message(schema::SecretVersionsDestroyed& m, secret::SecretVersionsDestroyed& event,
                  FieldReader&) {
  event.versions.assign(m.versions().begin(), m.versions().end());
}

schema::SecretMetadataChanged to_message(const secret::SecretMetadataChanged& event) {
  schema::SecretMetadataChanged m;
  if (event.max_versions) m.set_max_versions(*event.max_versions);
  if (event.cas_required) m.set_cas_required(*event.cas_required);
  if (event.delete_version_after) m.set_delete_version_after_s(event.delete_version_after->count);
  if (event.custom_metadata) put(m.mutable_custom_metadata(), *event.custom_metadata);
  m.set_changed_time_ns(event.changed_time.ns);
  return m;
}

void from_message(schema::SecretMetadataChanged& m, secret::SecretMetadataChanged& event,
                  FieldReader& in) {
  if (m.has_max_versions()) event.max_versions = m.max_versions();
  if (m.has_cas_required()) event.cas_required = m.cas_required();
  if (m.has_delete_version_after_s())
    event.delete_version_after = Seconds{m.delete_version_after_s()};
  if (m.has_custom_metadata())
    in.text_map("custom_metadata", *m.mutable_custom_metadata(), event.custom_metadata.emplace());
  event.changed_time = {m.changed_time_ns()};
}

schema::SecretRemoved to_message(const secret::SecretRemoved& event) {
  schema::SecretRemoved m;
  m.set_removed_time_ns(event.removed_time.ns);
  return m;
}

void from_message(schema::SecretRemoved& m, secret::SecretRemoved& event, FieldReader&) {
  event.removed_time = {m.removed_time_ns()};
}

}  // namespace coffer::codec
