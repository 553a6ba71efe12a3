// The clients: one call at a time each, at the node that answered last or at any.
#include "tests/cluster_sim/cluster_calls.h"

namespace coffer::sim {
namespace {

constexpr Nanos kCallMax = 5 * kSecond;

RegisterState last_of(const testing::KvModel& model) {
  if (model.versions.empty()) return {};
  const auto& last = model.versions.back();
  return {last.number, last.value, last.destroyed};
}

std::string_view name_of(Operation operation) {
  constexpr std::string_view kNames[] = {"read", "write", "destroy"};
  return kNames[static_cast<std::size_t>(operation)];
}

}  // namespace

Linearizer::Apply ClusterSimulation::effect_of(const Request& request) {
  switch (request.operation) {
    case Operation::read:
      return [](testing::KvModel& model, std::int64_t) { return said_read(last_of(model)); };
    case Operation::write:
      return [cas = request.cas, value = request.value](testing::KvModel& model, std::int64_t) {
        const auto version = model.write(cas, false, value, 0);
        return version ? said_written(*version) : std::string(kRefused);
      };
    case Operation::destroy:
      return [](testing::KvModel& model, std::int64_t) {
        model.destroy(model.last());
        return std::string(kDestroyed);
      };
  }
  return {};
}

void ClusterSimulation::on_event(std::uint64_t offset, const BrokerRecord& record) {
  const auto claims = spec_.claims();
  const auto commands = spec_.add_event(offset, record);
  const auto decoded = codec::decode_replicated(*record.value);
  if (const auto* claim = std::get_if<codec::ClaimBody>(&decoded->body))
    world_.note(fmt::format("offset {}: {} claims epoch {}{}", offset, claim->node, decoded->epoch,
                            spec_.claims() > claims ? "" : ", which does not count"));
  for (const auto command : commands) {
    const auto found = lost_.find(command);
    if (found == lost_.end()) continue;
    auto& model = registers_[found->second.key];
    model.lose(model.invoke(effect_of(found->second), 0));
    lost_.erase(found);
  }
}

void ClusterSimulation::think(unsigned client) {
  if (peace_) return;
  if (statistics_.answered + statistics_.lost >= options_.requests) return;
  world_.after(world_.delay(options_.think_max), [this, client] { begin(client); });
}

void ClusterSimulation::begin(unsigned client) {
  if (peace_) return;
  const auto call = std::make_shared<Call>();
  call->client = client;
  auto& request = call->request;
  request.id = ++serial_;
  request.value = serial_;
  request.key = static_cast<unsigned>(world_.below(options_.registers));
  if (world_.below(100) >= options_.read_percent)
    request.operation = world_.below(6) > 0 ? Operation::write : Operation::destroy;
  request.audited = world_.below(100) >= options_.unaudited_percent;
  if (request.operation == Operation::write && world_.below(4) > 0)
    request.cas = registers_[request.key].last_guess();
  const bool again = world_.below(3) > 0;
  send(call, again ? favourites_[client] : static_cast<unsigned>(world_.below(nodes_.size())));
}

void ClusterSimulation::send(const std::shared_ptr<Call>& call, unsigned node) {
  call->node = node;
  auto& request = call->request;
  call->id = registers_[request.key].invoke(effect_of(request), 0);
  calls_.push_back(call);
  request.reply = [this, call](Outcome outcome) {
    if (call->request.operation == Operation::write && outcome.kind == Outcome::Kind::answered &&
        outcome.answer != kRefused && !spec_.happened(call->request.id))
      violate(fmt::format("request {} is acknowledged, and its record does not count",
                          call->request.id));
    world_.after(world_.delay(2 * kMillisecond),
                 [this, call, outcome = std::move(outcome)] { learn(call, outcome); });
  };
  world_.after(world_.delay(2 * kMillisecond), [this, call] { arrive(call); });
  world_.after(kCallMax, [this, call] { lose(call); });
}

void ClusterSimulation::arrive(const std::shared_ptr<Call>& call) {
  if (call->done) return;
  auto& node = *nodes_[call->node];
  if (!node.alive()) return learn(call, {Outcome::Kind::nothing_happened, "no such process"});
  if (node.process().stopped())
    return world_.at(node.process().stopped_until(), [this, call] { arrive(call); });
  call->arrived = true;
  node.service().handle(call->request);
}

void ClusterSimulation::learn(const std::shared_ptr<Call>& call, const Outcome& outcome) {
  if (std::exchange(call->done, true)) return;
  call->request.reply = nullptr;  // it holds the call
  std::erase(calls_, call);
  const auto& request = call->request;
  auto& model = registers_[request.key];
  const auto what =
      fmt::format("{} {} of {}{} at {}", name_of(request.operation), request.id, request.key,
                  request.audited ? "" : " unaudited", nodes_[call->node]->name());
  switch (outcome.kind) {
    case Outcome::Kind::answered: {
      ++statistics_.answered;
      favourite_ = favourites_[call->client] = call->node;
      call->answered = true;
      world_.note(what + ": " + outcome.answer);
      const auto possible = model.possible();
      if (!model.respond(call->id, outcome.answer))
        violate(fmt::format("no order explains the answer \"{}\" to {}; before it:{}",
                            outcome.answer, what, possible));
      break;
    }
    case Outcome::Kind::nothing_happened:
      model.withdraw(call->id);
      if (spec_.happened(request.id))
        violate(what + " was said not to have happened, and its record counts");
      break;
    case Outcome::Kind::unknown:
      ++statistics_.lost;
      world_.note(what + ": lost, " + outcome.answer);
      if (spec_.happened(request.id)) {
        model.lose(call->id);
      } else {
        // Nobody can have seen it yet. If its record counts one day, it goes on from there.
        model.withdraw(call->id);
        lost_.emplace(request.id, request);
      }
      break;
  }
  think(call->client);
}

void ClusterSimulation::lose(const std::shared_ptr<Call>& call) {
  if (call->done) return;
  const bool harmless = !call->arrived || call->request.operation == Operation::read;
  // What did not arrive yet never will: arrive() looks at `done`.
  learn(call, {harmless ? Outcome::Kind::nothing_happened : Outcome::Kind::unknown, "no answer"});
}

void ClusterSimulation::crashed(const SimNode& node) {
  const auto calls = calls_;
  for (const auto& call : calls)
    if (nodes_[call->node].get() == &node && call->arrived) lose(call);
}

}  // namespace coffer::sim
