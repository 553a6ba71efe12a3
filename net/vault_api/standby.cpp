#include "net/vault_api/standby.h"

#include <array>

#include "net/vault_api/node_answers.h"
#include "net/vault_api/request_parser.h"
#include "net/vault_api/sys_json.h"

namespace coffer::net {
namespace {

using policy::Operation;
using namespace vault;

enum class Matter : std::uint8_t {
  health,
  leader,
  seal_status,
  init,
  unseal,
  seal,
  drain,
  undrain,
  metrics
};

std::optional<Matter> matter_of(std::string_view target) {
  static constexpr std::array<std::pair<std::string_view, Matter>, 9> kMatters = {{
      {"health", Matter::health},
      {"leader", Matter::leader},
      {"seal-status", Matter::seal_status},
      {"init", Matter::init},
      {"unseal", Matter::unseal},
      {"seal", Matter::seal},
      {"cluster/drain", Matter::drain},
      {"cluster/undrain", Matter::undrain},
      {"metrics", Matter::metrics},
  }};
  constexpr std::string_view kSystem = "/v1/sys/";
  if (!target.starts_with(kSystem)) return std::nullopt;
  const auto path = target.substr(0, target.find('?')).substr(kSystem.size());
  for (const auto& [name, matter] : kMatters)
    if (path == name) return matter;
  return std::nullopt;
}

// Parsing takes things out of a request, and this one may have to go on. The token stays there.
ParsedRequest parse_copy(const HttpRequest& request, const VaultApiOptions& options) {
  HttpRequest copy;
  copy.method = request.method;
  copy.target = request.target;
  for (const auto& header : request.headers)
    if (header.first == "content-type" || header.first == "accept") copy.headers.push_back(header);
  copy.body = request.body.clone();
  return parse_request(copy, options);
}

bool is_write(const ParsedRequest& parsed) noexcept {
  return parsed.operation == Operation::update || parsed.operation == Operation::create;
}

// A request that this node answers itself; kept alive by the callbacks under way.
class OwnAnswer : public std::enable_shared_from_this<OwnAnswer> {
 public:
  OwnAnswer(ParsedRequest parsed, Responder respond, StandbyPort& port, Timestamp now,
            const VaultApiOptions& options)
      : parsed_(std::move(parsed)),
        respond_(std::move(respond)),
        port_(port),
        now_(now),
        options_(options) {}

  void serve(Matter matter) {
    const bool reads = parsed_.operation == Operation::read && matter != Matter::unseal;
    const bool writes = is_write(parsed_) && (matter == Matter::unseal || matter == Matter::init);
    if (!reads && !writes) return answer(bare_error(405, ErrorCode::unsupported));
    if (matter == Matter::leader) return leader();
    if (matter == Matter::metrics) return metrics();
    // What a node says that has not heard of any vault yet may be old.
    const auto status = port_.status();
    if (status.initialized) return serve_known(matter, status);
    port_.look_again([self = shared_from_this(), matter](const api::ServiceStatus& fresh) {
      self->serve_known(matter, fresh);
    });
  }

 private:
  void answer(Answer answer) {
    auto response = to_response(std::move(answer));
    if (parsed_.is_head) response.body = {};
    respond_(std::move(response));
  }
  void refuse(const Error& error) { answer(error_answer(error, false)); }
  [[nodiscard]] Fields fields() const noexcept { return Fields(parsed_.field_root()); }

  void leader() {
    if (port_.sealed()) return refuse(Error{ErrorCode::sealed, {}});
    const auto ha = options_.ha();
    answer(leader_answer(&ha));
  }

  // Nobody was asked for a token: the options say so.
  void metrics() {
    if (const auto format = check_metrics_format(parsed_); !format) return refuse(format.error());
    answer(metrics_answer(options_));
  }

  void serve_known(Matter matter, const api::ServiceStatus& status) {
    switch (matter) {
      case Matter::health:
        return answer(health_answer(fields(), status, true, now_, options_));
      case Matter::seal_status:
        return answer(seal_status_answer(options_, status));
      case Matter::unseal:
        return unseal(status);
      case Matter::init:
        return is_write(parsed_) ? init_again(status)
                                 : answer(init_status_answer(status.initialized));
      case Matter::leader:
      case Matter::seal:
      case Matter::drain:
      case Matter::undrain:
      case Matter::metrics:
        return refuse(Error{ErrorCode::internal, {}});
    }
  }

  void unseal(const api::ServiceStatus& status) {
    auto share = read_unseal(fields(), status.initialized);
    if (!share) return refuse(share.error());
    if (!*share) return answer(seal_status_answer(options_, port_.reset_unseal()));
    port_.unseal(std::move(**share),
                 [self = shared_from_this()](const Result<api::ServiceStatus>& result) {
                   if (!result) return self->refuse(result.error());
                   self->answer(seal_status_answer(self->options_, *result));
                 });
  }

  // Of a sealed node, so there is a vault.
  void init_again(const api::ServiceStatus& status) {
    const auto request = read_init(fields(), status.seal_type == api::SealType::automatic);
    if (!request) return refuse(request.error());
    refuse(Error{ErrorCode::invalid_argument, "Vault is already initialized"});
  }

  ParsedRequest parsed_;
  Responder respond_;
  StandbyPort& port_;
  Timestamp now_;
  const VaultApiOptions& options_;
};

// Does `act` when the active node has agreed.
Responder when_agreed(Responder respond, std::function<void()> act) {
  return [respond = std::move(respond), act = std::move(act)](HttpResponse response) {
    if (response.status == 204) act();
    respond(std::move(response));
  };
}

// The active node has judged the token; what is shown is this node's.
Responder when_agreed_show_metrics(Responder respond, const VaultApiOptions& options) {
  return [respond = std::move(respond), &options](HttpResponse response) {
    if (response.status != 204) return respond(std::move(response));
    respond(to_response(metrics_answer(options)));
  };
}

// Whether this node needs nobody's consent to answer.
bool is_own(Matter matter, const VaultApiOptions& options) noexcept {
  switch (matter) {
    case Matter::seal:
    case Matter::drain:
    case Matter::undrain:
      return false;
    case Matter::metrics:
      return options.unauthenticated_metrics;
    case Matter::health:
    case Matter::leader:
    case Matter::seal_status:
    case Matter::init:
    case Matter::unseal:
      return true;
  }
  return false;
}

// What needs the active node's consent. The body is judged there, so one that does not parse here
// needs no answer from here.
void ask_first(Matter matter, const HttpRequest& request, Responder& respond, StandbyPort& port,
               const VaultApiOptions& options) {
  if (matter == Matter::metrics) {
    respond = when_agreed_show_metrics(std::move(respond), options);
    return;
  }
  const auto parsed = parse_copy(request, options);
  if (parsed.refusal || !is_write(parsed)) return;
  if (matter == Matter::seal) respond = when_agreed(std::move(respond), [&port] { port.seal(); });
  if (matter == Matter::undrain)
    respond = when_agreed(std::move(respond), [&port] { port.volunteer(); });
  if (matter != Matter::drain) return;
  const auto length = read_drain(Fields(parsed.field_root()));
  if (length)
    respond =
        when_agreed(std::move(respond), [&port, length = *length] { port.stand_back(length); });
}

}  // namespace

HttpResponse sealed_response() {
  return to_response(error_answer(Error{ErrorCode::sealed, {}}, false));
}

bool answer_as_standby(const std::shared_ptr<HttpRequest>& request, Responder& respond,
                       StandbyPort& port, Timestamp now, const VaultApiOptions& options) {
  const auto matter = matter_of(request->target);
  const bool sealed = port.sealed();
  if (!matter && !sealed) return false;
  const bool own = matter && is_own(*matter, options);
  if (!own) {
    if (!sealed) {
      ask_first(*matter, *request, respond, port, options);
      return false;
    }
    respond(sealed_response());
    return true;
  }
  auto parsed = parse_copy(*request, options);
  if (parsed.refusal) {
    respond(to_response(refusal_answer(*parsed.refusal, request->method == "GET")));
    return true;
  }
  // Only the active node can make a vault, and knows best whether there is one.
  if (*matter == Matter::init && is_write(parsed) && !sealed) return false;
  std::make_shared<OwnAnswer>(std::move(parsed), std::move(respond), port, now, options)
      ->serve(*matter);
  return true;
}

}  // namespace coffer::net
