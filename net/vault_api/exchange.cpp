#include "net/vault_api/exchange.h"

#include "net/vault_api/request_metrics.h"
#include "net/vault_api/routes.h"
#include "net/vault_api/trace_context.h"
#include "net/vault_api/wrapping.h"

namespace coffer::net::vault {
namespace {

constexpr std::string_view kTokenPaths = "auth/token/";
constexpr std::string_view kWrappingPaths = "sys/wrapping/";

Route::Access access_of(const Route* route, const VaultApiOptions& options) noexcept {
  if (route == nullptr) return Route::Access::token;
  if (route->access != Route::Access::metrics) return route->access;
  return options.unauthenticated_metrics ? Route::Access::none : Route::Access::token;
}

bool is_read(policy::Operation operation) noexcept {
  using policy::Operation;
  return operation == Operation::read || operation == Operation::list ||
         operation == Operation::scan;
}

}  // namespace

Exchange::Exchange(std::shared_ptr<const ApiContext> context, Responder responder)
    : context_(std::move(context)),
      responder_(std::move(responder)),
      request_id_(random_id<Id128<struct RequestTag>>(context_->random).to_string()) {
  if (options().requests) options().requests->began();
}

void Exchange::begin(HttpRequest& request) {
  remote_address_ = request.peer_address;
  trace_parent_ = trace_parent(request);
  for_another_node_ = !request.forwarded_by.empty();
  request_ = parse_request(request, options());
  if (request_.refusal) {
    admission_ = port().admit_public(make_head());
    return answer(refusal_answer(*request_.refusal, request.method == "GET"));
  }
  if (request_.path.find(kTokenPaths) != std::string::npos ||
      request_.path.find(kWrappingPaths) != std::string::npos)
    own_token_ = request_.token.clone();
  std::string_view argument;
  const auto* route = find_route(system_routes(), request_.path, argument);
  const auto access = access_of(route, options());
  if (access == Route::Access::none) return serve_public(false);
  if (refuse_write_to_folder()) return;
  if (access == Route::Access::own_checks && request_.token.empty()) return serve_public(true);
  serve_admitted();
}

api::RequestHead Exchange::make_head() {
  api::RequestHead head;
  head.request_id = request_id_;
  head.trace_parent = trace_parent_;
  head.token = std::move(request_.token);
  head.namespace_path = request_.namespace_path;
  head.operation = request_.operation;
  head.path = request_.path;
  head.remote_address = remote_address_;
  head.parameters = request_.field_root();
  head.wrap_ttl = request_.wrap_ttl;
  return head;
}

// Writing to a folder is refused before anything about the token is said, but not while sealed.
bool Exchange::refuse_write_to_folder() {
  if (!request_.is_write || !(request_.path.empty() || request_.path.ends_with('/'))) return false;
  admission_ = port().admit_public(make_head());
  if (port().status().sealed)
    refuse(ErrorCode::sealed, {});
  else
    refuse(ErrorCode::invalid_argument, "cannot write to a path ending in '/'");
  return true;
}

void Exchange::serve_public(bool needs_unsealed) {
  admission_ = port().admit_public(make_head());
  if (needs_unsealed && port().status().sealed) return refuse(ErrorCode::sealed, {});
  if (admission_->refusal) return refuse(*admission_->refusal);
  std::string_view argument;
  const auto* route = find_route(system_routes(), request_.path, argument);
  if (route == nullptr) return refuse(ErrorCode::not_found, {});
  set_route(route);
  const auto handler = route->handler(operation());
  if (handler == nullptr) return answer(bare_error(405, ErrorCode::unsupported));
  handler(*this, argument);
}

void Exchange::serve_admitted() {
  port().admit(make_head(), [self = shared_from_this()](api::AdmissionPtr admission) {
    self->guarded([&] { self->admitted(std::move(admission)); });
  });
}

// Whoever fetches with the wrapping token itself, and comes late, learns that rather than a denial.
bool Exchange::is_dead_wrapping_token(const Error& refusal) const noexcept {
  return refusal.code == ErrorCode::permission_denied && admission_->token == nullptr &&
         admission_->head.path == "sys/wrapping/unwrap" && !fields().has("token");
}

void Exchange::admitted(api::AdmissionPtr admission) {
  admission_ = std::move(admission);
  COFFER_CHECK(admission_ != nullptr);
  if (admission_->refusal) {
    // An unknown, missing or expired token and a missing capability have texts of their own.
    auto refusal = *admission_->refusal;
    if (is_dead_wrapping_token(refusal))
      return refuse(ErrorCode::invalid_argument, "wrapping token is not valid or does not exist");
    if (refusal.code == ErrorCode::permission_denied) refusal.message.clear();
    return refuse(refusal);
  }
  if (refuse_missing_state()) return;
  route_admitted(*this);
}

bool Exchange::refuse_missing_state() {
  for (const auto& state : request_.states) {
    const auto held = port().holds_state(state);
    if (held && *held) continue;
    if (!held)
      refuse(held.error());
    else
      answer(text_error(412, ErrorCode::unavailable, "required index state not present"));
    return true;
  }
  return false;
}

// Whether what goes with a read was stored (its access record, a use of its token) does not matter
// to whoever repeats it.
Error Exchange::as_met(const Error& error) const {
  if (error.code != ErrorCode::unknown_outcome || !is_read(request_.operation)) return error;
  return {ErrorCode::unavailable, {}};
}

void Exchange::refuse(const Error& error) noexcept {
  try {
    auto refusal =
        error_answer(as_met(error), admission_ != nullptr && admission_->token != nullptr);
    if (admission_ != nullptr) refusal.retry_after = admission_->retry_after;
    answer(std::move(refusal));
  } catch (...) {
    Answer bare;
    bare.status = 500;
    answer(std::move(bare));
  }
}

void Exchange::refuse(ErrorCode code, std::string text) noexcept {
  refuse(Error{code, std::move(text)});
}

void Exchange::answer(Answer answer, bool recorded) noexcept {
  if (answered_.exchange(true)) return;
  if (!wants_wrapping(answer)) return finish(std::move(answer), recorded);
  try {
    wrap(std::move(answer), recorded);
  } catch (...) {
    Answer bare;
    bare.status = 500;
    bare.error = ErrorCode::internal;
    finish(std::move(bare), recorded);
  }
}

bool Exchange::wants_wrapping(const Answer& answer) const noexcept {
  return request_.wrap_ttl.count > 0 && answer.enveloped && admission_ != nullptr &&
         admission_->token != nullptr;
}

void Exchange::wrap(Answer answer, bool recorded) {
  auto accessor = wrapped_accessor(answer);
  auto content = pack_answer(answer);
  const auto version = answer.secret_version;
  port().wrap(admission_, std::move(content), request_.wrap_ttl, admission_->head.path,
              [self = shared_from_this(), accessor = std::move(accessor), version,
               recorded](Result<api::Wrapped> wrapped) {
                Answer outcome;
                outcome.status = 500;
                outcome.error = ErrorCode::internal;
                try {
                  outcome = wrapped ? wrap_info_answer(*wrapped, accessor)
                                    : error_answer(self->as_met(wrapped.error()), true);
                } catch (...) {
                  // The bare status has to do.
                }
                outcome.secret_version = version;
                self->finish(std::move(outcome), recorded);
              });
}

void Exchange::finish(Answer answer, bool recorded) noexcept {
  answer_ = std::move(answer);
  if (recorded) return send();
  try {
    // Without an admission there is nothing to record against: something of ours failed early.
    if (admission_ == nullptr) return this->recorded(fail(ErrorCode::internal, {}));
    const api::Outcome outcome{answer_.status, answer_.error, answer_.secret_version};
    port().record(admission_, outcome,
                  [self = shared_from_this()](Result<void> result) { self->recorded(result); });
  } catch (...) {
    this->recorded(Error{ErrorCode::internal, {}});
  }
}

void Exchange::recorded(const Result<void>& result) noexcept {
  if (!result.ok()) {
    answer_ = Answer{};
    answer_.status = 500;
    try {
      answer_ = unrecorded_answer(as_met(result.error()));
    } catch (...) {
      // The bare status has to do.
    }
  }
  send();
}

void Exchange::measure() noexcept {
  if (!options().requests) return;
  const bool in_namespace =
      admission_ != nullptr && admission_->tenant != nullptr && !admission_->tenant->path.empty();
  const auto took = std::chrono::steady_clock::now() - began_;
  options().requests->ended(route_, request_.operation, answer_.status, in_namespace,
                            std::chrono::nanoseconds(took).count());
}

// Of what is nobody's fault but ours. Paths and names are not the log's business.
void Exchange::report_failure() noexcept {
  if (answer_.status != 500 || !options().report_failure) return;
  try {
    options().report_failure({.request_id = request_id_,
                              .trace_id = trace_id_of(trace_parent_),
                              .operation = policy::to_string(request_.operation),
                              .error = answer_.error ? to_string(*answer_.error) : "internal"});
  } catch (...) {
    // The access record says it too.
  }
}

void Exchange::send() noexcept {
  if (sent_.exchange(true)) return;
  measure();
  report_failure();
  try {
    HttpResponse response;
    response.status = answer_.status;
    response.content_type = answer_.content_type;
    response.body = std::move(answer_.body);
    if (!request_.namespace_echo.empty())
      response.headers.emplace_back("X-Vault-Namespace", std::move(request_.namespace_echo));
    if (!answer_.location.empty())
      response.headers.emplace_back("Location", std::move(answer_.location));
    // Of whoever was let in: that there is such a namespace is not told to others.
    if (admission_ != nullptr && admission_->token && !admission_->refusal)
      if (auto index = port().state_index(*admission_); !index.empty())
        response.headers.emplace_back("X-Vault-Index", std::move(index));
    if (answer_.retry_after)
      response.headers.emplace_back("Retry-After", std::to_string(answer_.retry_after->count));
    else if (answer_.retry_later)
      response.headers.emplace_back("Retry-After", "1");
    responder_(std::move(response));
  } catch (...) {
    // Nothing more can be said; the connection's own deadline ends the request.
  }
}

}  // namespace coffer::net::vault
