// One request's life, from parsed request to answer. The only place that answers, and it answers
// only after the access record is durable: no audit, no answer.
// Threads: one step at a time; a step may run on any thread, each after the one before.
// Ownership: shared by the callbacks under way; the last one lets it go.
#pragma once

#include <atomic>
#include <chrono>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "events/api/request_port.h"
#include "net/vault_api/envelope.h"
#include "net/vault_api/fields.h"
#include "net/vault_api/request_parser.h"
#include "net/vault_api/vault_api.h"

namespace coffer::net::vault {

struct Route;

struct ApiContext {
  api::RequestPort& port;
  Random& random;
  VaultApiOptions options;
};

class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(std::shared_ptr<const ApiContext> context, Responder responder);

  // Parses, checks what needs no token, admits and routes.
  void begin(HttpRequest& request);

  // Ends the request. `recorded`: the port has stored the access record with the change itself.
  // The first call counts.
  void answer(Answer answer, bool recorded = false) noexcept;
  void refuse(const Error& error) noexcept;
  void refuse(ErrorCode code, std::string text) noexcept;

  // Runs a step; whatever it throws becomes 500.
  template <class Step>
  void guarded(Step&& step) noexcept {
    try {
      step();
    } catch (...) {
      refuse(Error{ErrorCode::internal, {}});
    }
  }
  // The callback of a port call: next(Exchange&, T) on success, the error as the answer otherwise.
  template <class T, class Next>
  [[nodiscard]] api::Callback<T> then(Next next) {
    return [self = shared_from_this(), next = std::move(next)](Result<T> result) mutable {
      self->guarded([&] {
        if (!result.ok()) return self->refuse(result.error());
        next(*self, std::move(result).value());
      });
    };
  }
  // As then(), but next(Exchange&, Result<T>) sees the error too.
  template <class T, class Next>
  [[nodiscard]] api::Callback<T> finally(Next next) {
    return [self = shared_from_this(), next = std::move(next)](Result<T> result) mutable {
      self->guarded([&] { next(*self, std::move(result)); });
    };
  }
  // The callback of a change that yields nothing: 204.
  template <class Changed>
  [[nodiscard]] api::Callback<Changed> then_no_content() {
    return then<Changed>(
        [](Exchange& x, Changed changed) { x.answer(no_content(), changed.recorded); });
  }

  [[nodiscard]] api::RequestPort& port() const noexcept { return context_->port; }
  [[nodiscard]] Random& random() const noexcept { return context_->random; }
  [[nodiscard]] const VaultApiOptions& options() const noexcept { return context_->options; }
  [[nodiscard]] const ParsedRequest& request() const noexcept { return request_; }
  [[nodiscard]] policy::Operation operation() const noexcept { return request_.operation; }
  [[nodiscard]] std::string_view request_id() const noexcept { return request_id_; }
  [[nodiscard]] Fields fields(Fields::Prefix prefix = Fields::Prefix::validation) const noexcept {
    return Fields(request_.field_root(), prefix);
  }
  // The client has asked another node about itself (HttpRequest::forwarded_by).
  [[nodiscard]] bool for_another_node() const noexcept { return for_another_node_; }
  // For the metrics: the row of the tables that serves it. Points into a table.
  void set_route(const Route* route) noexcept { route_ = route; }
  // From here on only after admission.
  [[nodiscard]] const api::AdmissionPtr& admission() const noexcept { return admission_; }
  [[nodiscard]] const api::TenantView& tenant() const noexcept { return *admission_->tenant; }
  // The caller's own token; kept only for auth/token/, which shows it to the caller, and for
  // sys/wrapping/, where it may be the one in question.
  [[nodiscard]] std::string_view own_token() const noexcept { return own_token_.expose_text(); }

  template <class WriteData>
  void answer_data(std::size_t data_bytes, WriteData&& write_data, const Warnings& warnings = {}) {
    answer(data_answer(request_id_, data_bytes, std::forward<WriteData>(write_data), warnings));
  }
  // The data also at the top level (older endpoints).
  template <class WriteData>
  void answer_injected(WriteData&& write_data) {
    SecretBytes data;
    json::Writer writer(data);
    write_data(writer);
    answer(injected_answer(request_id_, data));
  }

 private:
  [[nodiscard]] api::RequestHead make_head();
  void serve_public(bool needs_unsealed);
  void serve_admitted();
  void admitted(api::AdmissionPtr admission);
  [[nodiscard]] bool refuse_missing_state();
  [[nodiscard]] bool refuse_write_to_folder();
  [[nodiscard]] bool is_dead_wrapping_token(const Error& refusal) const noexcept;
  [[nodiscard]] bool wants_wrapping(const Answer& answer) const noexcept;
  void wrap(Answer answer, bool recorded);
  [[nodiscard]] Error as_met(const Error& error) const;
  void finish(Answer answer, bool recorded) noexcept;
  void recorded(const Result<void>& result) noexcept;
  void send() noexcept;
  void measure() noexcept;
  void report_failure() noexcept;

  std::shared_ptr<const ApiContext> context_;
  Responder responder_;
  std::string request_id_;
  std::string remote_address_;
  std::string trace_parent_;
  ParsedRequest request_;
  bool for_another_node_ = false;
  const Route* route_ = nullptr;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  SecretBytes own_token_;
  api::AdmissionPtr admission_;
  Answer answer_;
  std::atomic<bool> answered_{false};
  std::atomic<bool> sent_{false};
};

}  // namespace coffer::net::vault
