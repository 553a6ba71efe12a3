// The way of one request through admit, operation and record, and what is expected of each step.
#include <fmt/format.h>

#include "tests/sim/simulation.h"

namespace coffer::sim {

std::string Simulation::next_id() {
  return fmt::format("r{}", ++serial_);
}

SimRequestPtr Simulation::make_request(TokenPtr token, NamespacePtr where,
                                       policy::Operation operation, std::string path) {
  auto request = std::make_shared<SimRequest>();
  request->id = next_id();
  request->token = std::move(token);
  request->where = std::move(where);
  request->operation = operation;
  request->path = std::move(path);
  return request;
}

void Simulation::start(SimRequestPtr request) {
  note(fmt::format("{} begins: {}", request->id, request->what));
  request->generation = world_.generation();
  request->of_check = at_rest_;
  const bool writes = request->operation != policy::Operation::read &&
                      request->operation != policy::Operation::list;
  request->expected = model_.allows(*request->token, *request->where, writes, world_.clock().now());
  for (const auto& other : under_way_) {
    if (request->changes_structure) other->disturbed = true;
    if (other->changes_structure) request->disturbed = true;
  }
  if (request->token->state.num_uses > 0) ++request->token->uses_tried;
  under_way_.push_back(request);
  audit_.began(request->id);
  api::RequestHead head;
  head.request_id = request->id;
  head.token = request->token->text.clone();
  head.namespace_path = request->where->path;
  head.operation = request->operation;
  head.path = request->path;
  head.remote_address = "192.0.2.1";
  world_.vault().admit(std::move(head), [this, request](api::AdmissionPtr admission) {
    admitted(request, std::move(admission));
  });
}

void Simulation::admitted(const SimRequestPtr& request, api::AdmissionPtr admission) {
  if (request->generation != world_.generation()) return;
  if (request->admitted) return violate("admitted twice: " + request->what);
  request->admitted = true;
  request->admission = std::move(admission);
  check_admission(*request);
  if (!request->admission->refusal && request->token->state.num_uses > 0 &&
      ++request->token->uses_done > request->token->state.num_uses)
    return violate("a token was used more often than it may be: " + request->token->accessor);
  if (request->admission->refusal) {
    note(fmt::format("{} refused: {}", request->id, to_string(request->admission->refusal->code)));
    Finish finish;
    finish.error = request->admission->refusal;
    request->finished = true;
    request->result = finish;
    if (request->withdraw) request->withdraw();
    world_.vault().record(
        request->admission, {403, finish.error->code, 0},
        [this, request](Result<void> recorded) { complete(request, recorded.ok()); });
    return;
  }
  if (request->needs_mount && !request->admission->mount) {
    Finish finish;
    finish.error = fail(ErrorCode::not_found, "no such mount");
    finish.answer = "refused";
    return operated(request, std::move(finish));
  }
  request->run(world_.vault(), request->admission,
               [this, request](Finish finish) { operated(request, std::move(finish)); });
}

void Simulation::check_admission(const SimRequest& request) {
  const auto& refusal = request.admission->refusal;
  if (!refusal && VaultModel::is_foreign(*request.token, *request.where))
    return violate("a token worked in a foreign namespace: " + request.what);
  if (refusal && !is_callers_mistake(refusal->code)) return judge_error(request, *refusal);
  if (!request.expected || request.disturbed || request.token->state.num_uses > 0) return;
  if (*request.expected != !refusal)
    violate(fmt::format(
        "{}: {} although it should be {}{}", request.what, refusal ? "refused" : "admitted",
        *request.expected ? "admitted" : "refused", refusal ? ": " + refusal->message : ""));
}

// Which of our own errors the faults of this run explain.
void Simulation::judge_error(const SimRequest& request, const Error& error) {
  const bool hsm = options_.hsm_permille > 0;
  const bool crashes = options_.actor_crash_permille > 0;
  bool explained = false;
  switch (error.code) {
    case ErrorCode::corrupt:
      explained = hsm || crashes;
      break;
    case ErrorCode::sealed:
    case ErrorCode::overloaded:
    case ErrorCode::unavailable:
    case ErrorCode::unknown_outcome:
      explained = true;
      break;
    default:
      break;
  }
  if (!explained || request.of_check)
    violate(fmt::format("{}: {} ({})", request.what, to_string(error.code), error.message));
}

void Simulation::operated(const SimRequestPtr& request, Finish finish) {
  if (request->generation != world_.generation()) return;
  if (request->finished) return violate("answered twice: " + request->what);
  request->finished = true;
  note(fmt::format("{} answers: {} {}", request->id,
                   finish.error ? std::string(to_string(finish.error->code)) : "ok",
                   finish.answer));
  if (finish.is_lost()) judge_error(*request, *finish.error);
  request->result = finish;
  request->learn(finish);
  if (finish.recorded) return complete(request, true);
  api::Outcome outcome{finish.error ? 500 : finish.status, std::nullopt, 0};
  if (finish.error) outcome.error = finish.error->code;
  world_.vault().record(request->admission, outcome, [this, request](Result<void> recorded) {
    complete(request, recorded.ok());
  });
}

void Simulation::complete(const SimRequestPtr& request, bool recorded) {
  if (request->generation != world_.generation()) return;
  if (request->done) return violate("completed twice: " + request->what);
  request->done = true;
  request->admission.reset();
  // A change whose answer got lost may have written its own record before.
  if (recorded) audit_.expect(request->id, request->result.error.has_value());
  std::erase(under_way_, request);
}

// The process is gone, and with it every answer that was still to come.
void Simulation::abandon_requests() {
  for (const auto& request : under_way_) {
    request->generation = ~0ull;
    if (!request->finished && request->learn) {
      Finish lost;
      lost.error = fail(ErrorCode::unknown_outcome, "the process died");
      request->learn(lost);
    }
    request->admission.reset();
  }
  under_way_.clear();
}

SimRequestPtr Simulation::ask(const NamespacePtr& where, policy::Operation operation,
                              std::string path, decltype(SimRequest::run) run) {
  auto request = make_request(model_.tokens.front(), where, operation, std::move(path));
  request->what = "check of " + where->path + request->path;
  request->run = std::move(run);
  request->learn = [](const Finish&) {};
  start(request);
  world_.settle();
  if (!request->done) violate("no answer: " + request->what);
  if (request->result.error && !violation_)
    violate(fmt::format("{}: {}", request->what, request->result.error->message));
  return request;
}

}  // namespace coffer::sim
