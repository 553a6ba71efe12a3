// Events of a tenant's password policies, quotas and of the vault's key shares.
#include "events/codec/event_messages.h"

namespace coffer::codec {

schema::PasswordPolicyWritten to_message(const tenant::PasswordPolicyWritten& event) {
  schema::PasswordPolicyWritten m;
  m.set_name(event.name);
  m.set_text(event.text);
  return m;
}

void from_message(schema::PasswordPolicyWritten& m, tenant::PasswordPolicyWritten& event,
                  FieldReader&) {
  event.name = std::move(*m.mutable_name());
  event.text = std::move(*m.mutable_text());
}

schema::PasswordPolicyRemoved to_message(const tenant::PasswordPolicyRemoved& event) {
  schema::PasswordPolicyRemoved m;
  m.set_name(event.name);
  return m;
}

void from_message(schema::PasswordPolicyRemoved& m, tenant::PasswordPolicyRemoved& event,
                  FieldReader&) {
  event.name = std::move(*m.mutable_name());
}

schema::RateLimitWritten to_message(const tenant::RateLimitWritten& event) {
  schema::RateLimitWritten m;
  m.set_name(event.name);
  *m.mutable_limit() = to_message(event.limit);
  return m;
}

void from_message(schema::RateLimitWritten& m, tenant::RateLimitWritten& event, FieldReader& in) {
  event.name = std::move(*m.mutable_name());
  in.required("limit", m.has_limit());
  from_message(*m.mutable_limit(), event.limit, in);
}

schema::RateLimitRemoved to_message(const tenant::RateLimitRemoved& event) {
  schema::RateLimitRemoved m;
  m.set_name(event.name);
  return m;
}

void from_message(schema::RateLimitRemoved& m, tenant::RateLimitRemoved& event, FieldReader&) {
  event.name = std::move(*m.mutable_name());
}

schema::QuotaSettingsChanged to_message(const tenant::QuotaSettingsChanged& event) {
  schema::QuotaSettingsChanged m;
  m.mutable_exempt_paths()->Assign(event.exempt_paths.begin(), event.exempt_paths.end());
  return m;
}

void from_message(schema::QuotaSettingsChanged& m, tenant::QuotaSettingsChanged& event,
                  FieldReader&) {
  event.exempt_paths.assign(m.exempt_paths().begin(), m.exempt_paths().end());
}

schema::UnsealSharesChanged to_message(const tenant::UnsealSharesChanged& event) {
  schema::UnsealSharesChanged m;
  m.set_shares(event.shares);
  m.set_threshold(event.threshold);
  m.set_changed_time_ns(event.changed_time.ns);
  return m;
}

void from_message(schema::UnsealSharesChanged& m, tenant::UnsealSharesChanged& event,
                  FieldReader&) {
  event.shares = m.shares();
  event.threshold = m.threshold();
  event.changed_time = {m.changed_time_ns()};
}

schema::RateLimit to_message(const quota::RateLimit& limit) {
  schema::RateLimit m;
  m.set_path(limit.path);
  m.set_rate_micro(limit.rate_micro);
  m.set_interval_s(limit.interval.count);
  m.set_block_interval_s(limit.block_interval.count);
  m.set_inheritable(limit.inheritable);
  m.set_group_by(static_cast<std::uint32_t>(limit.group_by));
  return m;
}

void from_message(schema::RateLimit& m, quota::RateLimit& limit, FieldReader& in) {
  limit.path = std::move(*m.mutable_path());
  limit.rate_micro = m.rate_micro();
  limit.interval = {m.interval_s()};
  limit.block_interval = {m.block_interval_s()};
  limit.inheritable = m.inheritable();
  switch (m.group_by()) {
    case 1:
      limit.group_by = quota::GroupBy::address;
      return;
    case 2:
      limit.group_by = quota::GroupBy::none;
      return;
    default:
      in.fault("the grouping of a rate limit is not known");
  }
}

}  // namespace coffer::codec
