// sys/quotas: rate limits of a namespace and of those below it. Leases are not counted: there are
// none.
#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "events/quota/rate_limit.h"
#include "net/vault_api/handlers.h"

namespace coffer::net::vault {
namespace {

constexpr double kMicro = 1'000'000;

// A number, or its text; 0 when absent or not a number that a rate can be.
Result<std::uint64_t> read_rate(const Fields& fields) {
  const auto* value = fields.find("rate");
  double rate = 0;
  if (value != nullptr) {
    const auto text = value->text();
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), rate);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) rate = 0;
  }
  if (!(rate > 0) || rate > static_cast<double>(quota::kRateMicroMax) / kMicro)
    return fail(ErrorCode::invalid_argument, "'rate' must be greater than 0, and at most 1000000");
  return std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::llround(rate * kMicro)));
}

std::string rate_text(std::uint64_t rate_micro) {
  auto text = fmt::format("{}.{:06}", rate_micro / 1'000'000, rate_micro % 1'000'000);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

Result<quota::GroupBy> read_grouping(const Fields& fields) {
  COFFER_ASSIGN(const auto given, fields.text("group_by"));
  COFFER_ASSIGN(const auto secondary, fields.text("secondary_rate"));
  if (secondary && !secondary->empty() && *secondary != "0")
    return fail(ErrorCode::invalid_argument, "'secondary_rate' is not supported by this server");
  if (!given || given->empty() || *given == "ip") return quota::GroupBy::address;
  if (*given == "none") return quota::GroupBy::none;
  return fail(ErrorCode::invalid_argument,
              fmt::format("grouping mode \"{:.64}\" is not supported by this server: 'group_by' is "
                          "\"ip\" or \"none\"",
                          *given));
}

Result<tenant::WriteRateLimit> read_limit(const Fields& fields, std::string_view name) {
  tenant::WriteRateLimit command;
  command.name = name;
  auto& limit = command.limit;
  COFFER_ASSIGN(const auto type, fields.text("type"));
  if (type && !type->empty() && *type != "rate-limit")
    return fail(ErrorCode::invalid_argument, "'type' must be rate-limit on this path");
  COFFER_ASSIGN(const auto role, fields.text("role"));
  if (role && !role->empty())
    return fail(ErrorCode::invalid_argument, "quotas by role are not supported by this server");
  COFFER_ASSIGN(limit.rate_micro, read_rate(fields));
  COFFER_ASSIGN(const auto path, fields.text("path"));
  limit.path = path.value_or("");
  COFFER_ASSIGN(const auto interval, fields.duration("interval"));
  if (interval && interval->count != 0) limit.interval = *interval;
  COFFER_ASSIGN(const auto block, fields.duration("block_interval"));
  limit.block_interval = block.value_or(Seconds{0});
  COFFER_ASSIGN(const auto inheritable, fields.boolean("inheritable"));
  limit.inheritable = inheritable.value_or(limit.path.empty());
  COFFER_ASSIGN(limit.group_by, read_grouping(fields));
  return command;
}

void submit(Exchange& x, tenant::WriteRateLimit command) {
  x.port().change_tenant(x.admission(), std::move(command), 204, x.then_no_content<api::Changed>());
}

}  // namespace

void sys_rate_limits_list(Exchange& x, std::string_view) {
  const auto& limits = x.tenant().state.rate_limits;
  if (limits.empty()) return x.refuse(ErrorCode::not_found, {});
  x.answer_data(32 * limits.size(), [&](json::Writer& writer) {
    writer.begin_object().key("keys").begin_array();
    for (const auto& [name, limit] : limits) writer.string(name);
    writer.end_array().end_object();
  });
}

void sys_rate_limit_read(Exchange& x, std::string_view name) {
  const auto& limits = x.tenant().state.rate_limits;
  const auto found = limits.find(std::string(name));
  if (found == limits.end()) return x.refuse(ErrorCode::not_found, {});
  const auto& limit = found->second;
  x.answer_data(512, [&](json::Writer& writer) {
    writer.begin_object();
    writer.key("block_interval").integer(limit.block_interval.count);
    writer.key("group_by").string(limit.group_by == quota::GroupBy::none ? "none" : "ip");
    writer.key("inheritable").boolean(limit.inheritable);
    writer.key("interval").integer(limit.interval.count);
    writer.key("name").string(name);
    writer.key("path").string(limit.path);
    writer.key("rate").raw(rate_text(limit.rate_micro));
    writer.key("role").string("");
    writer.key("secondary_rate").integer(0);
    writer.key("type").string("rate-limit");
    writer.end_object();
  });
}

// A path may begin with a namespace below, which only the port knows.
void sys_rate_limit_write(Exchange& x, std::string_view name) {
  COFFER_FIELD(auto command, x, read_limit(x.fields(), name));
  auto& path = command.limit.path;
  path.erase(0, path.find_first_not_of('/'));
  const auto child = path.substr(0, path.find('/'));
  if (path.empty() || tenant::is_builtin_mount(path) ||
      x.tenant().state.find_mount(path) != nullptr)
    return submit(x, std::move(command));
  auto shared = std::make_shared<tenant::WriteRateLimit>(std::move(command));
  x.port().find_namespace(
      x.admission(), child,
      x.finally<api::NamespaceInfo>([shared](Exchange& self, const Result<api::NamespaceInfo>& at) {
        if (!at && at.error().code != ErrorCode::not_found) return self.refuse(at.error());
        shared->names_child = at.ok();
        if (at && shared->limit.path + "/" == at->path) shared->limit.path = at->path;
        submit(self, std::move(*shared));
      }));
}

void sys_rate_limit_remove(Exchange& x, std::string_view name) {
  x.port().change_tenant(x.admission(), tenant::RemoveRateLimit{std::string(name)}, 204,
                         x.then_no_content<api::Changed>());
}

void sys_quota_config_read(Exchange& x, std::string_view) {
  const auto& own = x.tenant().state.quota_exempt_paths;
  const auto& paths = own ? *own : quota::default_exempt_paths();
  x.answer_data(512, [&](json::Writer& writer) {
    writer.begin_object();
    writer.key("enable_rate_limit_audit_logging").boolean(true);
    writer.key("enable_rate_limit_response_headers").boolean(false);
    writer.key("rate_limit_exempt_paths").begin_array();
    for (const auto& path : paths) writer.string(path);
    writer.end_array().end_object();
  });
}

void sys_quota_config_write(Exchange& x, std::string_view) {
  const auto fields = x.fields();
  COFFER_FIELD(const auto logged, x, fields.boolean("enable_rate_limit_audit_logging"));
  COFFER_FIELD(const auto headers, x, fields.boolean("enable_rate_limit_response_headers"));
  if (!logged.value_or(true))
    return x.refuse(ErrorCode::invalid_argument,
                    "refused requests are always recorded: enable_rate_limit_audit_logging cannot "
                    "be false");
  if (headers.value_or(false))
    return x.refuse(ErrorCode::invalid_argument,
                    "enable_rate_limit_response_headers is not supported by this server");
  COFFER_FIELD(auto paths, x, fields.text_list("rate_limit_exempt_paths"));
  if (!paths) return x.answer(no_content());
  x.port().change_tenant(x.admission(), tenant::ChangeQuotaSettings{std::move(*paths)}, 204,
                         x.then_no_content<api::Changed>());
}

void sys_lease_count_list(Exchange& x, std::string_view) {
  x.refuse(ErrorCode::not_found, {});
}

void sys_lease_count_write(Exchange& x, std::string_view) {
  x.refuse(ErrorCode::invalid_argument,
           "lease count quotas are not supported: this server's secrets have no leases");
}

}  // namespace coffer::net::vault
