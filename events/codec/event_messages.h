// Events <-> schema messages: one pair of overloads for each event, implemented in the codec of its
// aggregate and tied to a type number in the event registry. Internal to codec/.
// `from_message` may take the message's content; faults go to the reader.
#pragma once

#include "events/codec/event_codec.h"
#include "events/codec/fields.h"
#include "events/schema/identity.pb.h"
#include "events/schema/keyring.pb.h"
#include "events/schema/policy.pb.h"
#include "events/schema/secret.pb.h"
#include "events/schema/tenant.pb.h"
#include "events/schema/token.pb.h"

namespace coffer::codec {

// secret_codec.cpp
schema::SecretCreated to_message(const secret::SecretCreated& event);
schema::SecretVersionWritten to_message(const secret::SecretVersionWritten& event);
schema::SecretVersionsDeleted to_message(const secret::SecretVersionsDeleted& event);
schema::SecretVersionsUndeleted to_message(const secret::SecretVersionsUndeleted& event);
schema::SecretVersionsDestroyed to_message(const secret::SecretVersionsDestroyed& event);
schema::SecretMetadataChanged to_message(const secret::SecretMetadataChanged& event);
schema::SecretRemoved to_message(const secret::SecretRemoved& event);
void from_message(schema::SecretCreated& m, secret::SecretCreated& event, FieldReader& in);
void from_message(schema::SecretVersionWritten& m, secret::SecretVersionWritten& event,
                  FieldReader& in);
void from_message(schema::SecretVersionsDeleted& m, secret::SecretVersionsDeleted& event,
                  FieldReader& in);
void from_message(schema::SecretVersionsUndeleted& m, secret::SecretVersionsUndeleted& event,
                  FieldReader& in);
void from_message(schema::SecretVersionsDestroyed& m, secret::SecretVersionsDestroyed& event,
                  FieldReader& in);
void from_message(schema::SecretMetadataChanged& m, secret::SecretMetadataChanged& event,
                  FieldReader& in);
void from_message(schema::SecretRemoved& m, secret::SecretRemoved& event, FieldReader& in);

// tenant_codec.cpp, tenant_limits_codec.cpp
schema::TenantCreated to_message(const tenant::TenantCreated& event);
schema::TenantMetadataChanged to_message(const tenant::TenantMetadataChanged& event);
schema::TenantDeleted to_message(const tenant::TenantDeleted& event);
schema::MountEnabled to_message(const tenant::MountEnabled& event);
schema::MountTuned to_message(const tenant::MountTuned& event);
schema::MountDisabled to_message(const tenant::MountDisabled& event);
schema::MountSettingsChanged to_message(const tenant::MountSettingsChanged& event);
schema::MountOptionsChanged to_message(const tenant::MountOptionsChanged& event);
schema::MountMoved to_message(const tenant::MountMoved& event);
schema::TokenRoleWritten to_message(const tenant::TokenRoleWritten& event);
schema::TokenRoleRemoved to_message(const tenant::TokenRoleRemoved& event);
schema::PasswordPolicyWritten to_message(const tenant::PasswordPolicyWritten& event);
schema::PasswordPolicyRemoved to_message(const tenant::PasswordPolicyRemoved& event);
schema::RateLimitWritten to_message(const tenant::RateLimitWritten& event);
schema::RateLimitRemoved to_message(const tenant::RateLimitRemoved& event);
schema::QuotaSettingsChanged to_message(const tenant::QuotaSettingsChanged& event);
schema::UnsealSharesChanged to_message(const tenant::UnsealSharesChanged& event);
schema::RateLimit to_message(const quota::RateLimit& limit);
void from_message(schema::PasswordPolicyWritten& m, tenant::PasswordPolicyWritten& event,
                  FieldReader& in);
void from_message(schema::PasswordPolicyRemoved& m, tenant::PasswordPolicyRemoved& event,
                  FieldReader& in);
void from_message(schema::RateLimitWritten& m, tenant::RateLimitWritten& event, FieldReader& in);
void from_message(schema::RateLimitRemoved& m, tenant::RateLimitRemoved& event, FieldReader& in);
void from_message(schema::QuotaSettingsChanged& m, tenant::QuotaSettingsChanged& event,
                  FieldReader& in);
void from_message(schema::UnsealSharesChanged& m, tenant::UnsealSharesChanged& event,
                  FieldReader& in);
void from_message(schema::RateLimit& m, quota::RateLimit& limit, FieldReader& in);
schema::MountSettings to_message(const secret::MountSettings& settings);
schema::TokenRole to_message(const token::TokenRole& role);
void from_message(schema::TenantCreated& m, tenant::TenantCreated& event, FieldReader& in);
void from_message(schema::TenantMetadataChanged& m, tenant::TenantMetadataChanged& event,
                  FieldReader& in);
void from_message(schema::TenantDeleted& m, tenant::TenantDeleted& event, FieldReader& in);
void from_message(schema::MountEnabled& m, tenant::MountEnabled& event, FieldReader& in);
void from_message(schema::MountTuned& m, tenant::MountTuned& event, FieldReader& in);
void from_message(schema::MountDisabled& m, tenant::MountDisabled& event, FieldReader& in);
void from_message(schema::MountSettingsChanged& m, tenant::MountSettingsChanged& event,
                  FieldReader& in);
void from_message(schema::MountOptionsChanged& m, tenant::MountOptionsChanged& event,
                  FieldReader& in);
void from_message(schema::MountMoved& m, tenant::MountMoved& event, FieldReader& in);
void from_message(schema::TokenRoleWritten& m, tenant::TokenRoleWritten& event, FieldReader& in);
void from_message(schema::TokenRoleRemoved& m, tenant::TokenRoleRemoved& event, FieldReader& in);
void from_message(const schema::MountSettings& m, secret::MountSettings& settings);
void from_message(schema::TokenRole& m, token::TokenRole& role);

// keyring_codec.cpp
schema::KeyringCreated to_message(const keyring::KeyringCreated& event);
schema::TenantKeyRotated to_message(const keyring::TenantKeyRotated& event);
schema::TenantKeyRewrapped to_message(const keyring::TenantKeyRewrapped& event);
schema::TenantKeyRetired to_message(const keyring::TenantKeyRetired& event);
void from_message(schema::KeyringCreated& m, keyring::KeyringCreated& event, FieldReader& in);
void from_message(schema::TenantKeyRotated& m, keyring::TenantKeyRotated& event, FieldReader& in);
void from_message(schema::TenantKeyRewrapped& m, keyring::TenantKeyRewrapped& event,
                  FieldReader& in);
void from_message(schema::TenantKeyRetired& m, keyring::TenantKeyRetired& event, FieldReader& in);
void put(schema::KeyReference* field, const keyring::KeyReference& key);
void from_message(const schema::KeyReference& m, keyring::KeyReference& key, FieldReader& in);

// token_codec.cpp
schema::TokenCreated to_message(const token::TokenCreated& event);
schema::TokenRenewed to_message(const token::TokenRenewed& event);
schema::TokenUsed to_message(const token::TokenUsed& event);
schema::TokenRevoked to_message(const token::TokenRevoked& event);
schema::TokenForgotten to_message(const token::TokenForgotten& event);
void from_message(schema::TokenCreated& m, token::TokenCreated& event, FieldReader& in);
void from_message(schema::TokenRenewed& m, token::TokenRenewed& event, FieldReader& in);
void from_message(schema::TokenUsed& m, token::TokenUsed& event, FieldReader& in);
void from_message(schema::TokenRevoked& m, token::TokenRevoked& event, FieldReader& in);
void from_message(schema::TokenForgotten& m, token::TokenForgotten& event, FieldReader& in);

// policy_codec.cpp
schema::PolicyWritten to_message(const policy::PolicyWritten& event);
schema::PolicyRemoved to_message(const policy::PolicyRemoved& event);
void from_message(schema::PolicyWritten& m, policy::PolicyWritten& event, FieldReader& in);
void from_message(schema::PolicyRemoved& m, policy::PolicyRemoved& event, FieldReader& in);

// identity_codec.cpp
schema::IdentityEntityWritten to_message(const identity::EntityWritten& event);
schema::IdentityEntityRemoved to_message(const identity::EntityRemoved& event);
schema::IdentityGroupWritten to_message(const identity::GroupWritten& event);
schema::IdentityGroupRemoved to_message(const identity::GroupRemoved& event);
schema::IdentityGroupMembersChanged to_message(const identity::GroupMembersChanged& event);
schema::IdentityEntity to_message(const identity::Entity& entity);
schema::IdentityGroup to_message(const identity::Group& group);
void from_message(schema::IdentityEntityWritten& m, identity::EntityWritten& event,
                  FieldReader& in);
void from_message(schema::IdentityEntityRemoved& m, identity::EntityRemoved& event,
                  FieldReader& in);
void from_message(schema::IdentityGroupWritten& m, identity::GroupWritten& event, FieldReader& in);
void from_message(schema::IdentityGroupRemoved& m, identity::GroupRemoved& event, FieldReader& in);
void from_message(schema::IdentityGroupMembersChanged& m, identity::GroupMembersChanged& event,
                  FieldReader& in);
void from_message(schema::IdentityEntity& m, identity::Entity& entity, FieldReader& in);
void from_message(schema::IdentityGroup& m, identity::Group& group, FieldReader& in);

}  // namespace coffer::codec
