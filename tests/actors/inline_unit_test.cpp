// Actors that run on the thread of whoever has a message for them.
#include <doctest/doctest.h>

#include <caf/all.hpp>
#include <future>
#include <thread>

#include "actors/protocols.h"
#include "actors/vault_runtime.h"

namespace coffer::actors {
namespace {

struct World {
  World() : system(config) {}
  ~World() { system.await_all_actors_done(); }
  RuntimeConfig config{2};
  caf::actor_system system;
};

using JobRef = Ref<ReadJobPtr>;

class Runner final : public caf::event_based_actor {
 public:
  Runner(caf::actor_config& config, ActorStatsPtr stats)
      : caf::event_based_actor(config), stats_(std::move(stats)) {}
  caf::behavior make_behavior() override {
    return {[this](const ReadJobPtr& job) {
      const BusyScope busy(*stats_);
      job->run();
    }};
  }

 private:
  ActorStatsPtr stats_;
};

JobRef spawn_runner(World& world) {
  auto stats = std::make_shared<ActorStats>();
  return {world.system.spawn<Runner, caf::lazy_init>(stats), stats};
}

ReadJobPtr job(std::function<void()> run) {
  return std::make_shared<ReadJob>(ReadJob{std::move(run)});
}

TEST_CASE("inline unit: an idle actor runs on the sender's thread, before the call returns") {
  World world;
  const auto runner = spawn_runner(world);
  std::thread::id ran_on;
  runner.run(job([&] { ran_on = std::this_thread::get_id(); }));
  CHECK(ran_on == std::this_thread::get_id());
  CHECK(runner.stats()->waiting() == 0);
}

TEST_CASE("inline unit: a busy actor keeps the message and handles it after the one it has") {
  World world;
  const auto runner = spawn_runner(world);
  std::promise<void> begun;
  std::promise<void> go_on;
  std::promise<std::thread::id> second;
  runner.send(job([&] {
    begun.set_value();
    go_on.get_future().wait();
  }));
  begun.get_future().wait();
  runner.run(job([&] { second.set_value(std::this_thread::get_id()); }));
  CHECK(runner.stats()->waiting() == 2);
  go_on.set_value();
  CHECK(second.get_future().get() != std::this_thread::get_id());
}

TEST_CASE("inline unit: a message to oneself or from actor to actor runs after the handler, once") {
  World world;
  const auto first = spawn_runner(world);
  const auto second = spawn_runner(world);
  std::string order;
  first.run(job([&] {
    first.run(job([&] { order += 'c'; }));
    second.run(job([&] {
      order += 'd';
      first.run(job([&] { order += 'e'; }));
    }));
    order += 'a';
  }));
  std::sort(order.begin() + 1, order.end());  // c before d or after it: two actors
  CHECK(order == "acde");
}

TEST_CASE("inline unit: an actor with many messages goes to the scheduler, and loses none") {
  World world;
  const auto runner = spawn_runner(world);
  constexpr int kMessages = 1000;
  std::promise<void> all_handled;
  int handled = 0;
  runner.run(job([&] {
    for (int i = 0; i < kMessages; ++i)
      runner.run(job([&] {
        if (++handled == kMessages) all_handled.set_value();
      }));
  }));
  all_handled.get_future().wait();
  CHECK(handled == kMessages);
}

TEST_CASE("inline unit: a system ends although a thread that ran its actors lives on") {
  std::promise<void> ran;
  std::promise<void> ended;
  std::thread thread;
  {
    World world;
    const auto runner = spawn_runner(world);
    thread = std::thread([&] {
      // Starting an actor is what binds a thread to the system.
      runner.run(job([&] { spawn_runner(world).run(job([] {})); }));
      ran.set_value();
      ended.get_future().wait();
    });
    ran.get_future().wait();
  }
  ended.set_value();
  thread.join();
}

TEST_CASE("inline unit: an actor that ends drops what it is sent") {
  World world;
  const auto runner = spawn_runner(world);
  caf::anon_send_exit(runner.handle(), caf::exit_reason::user_shutdown);
  {
    caf::scoped_actor self(world.system);
    self->wait_for(runner.handle());
  }
  bool ran = false;
  runner.run(job([&] { ran = true; }));
  CHECK_FALSE(ran);
}

}  // namespace
}  // namespace coffer::actors
