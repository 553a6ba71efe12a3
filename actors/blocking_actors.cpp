#include "actors/blocking_actors.h"

namespace coffer::actors {
namespace {

// Sent to oneself: everything that queued up before it is in the batch by then.
using FlushAtom = caf::atom_constant<caf::atom("flush")>;
// Gathering is over, unless its batch has been flushed before.
using GatheredAtom = caf::atom_constant<caf::atom("gathered")>;

constexpr std::size_t kBatchBytesMax = 32u << 20;

// A log on other machines takes milliseconds for an append, and about as much work for a small one
// as for a large one. Those whose answers have just left mostly come back at once, and would find
// the next append just begun: two halves taking turns. So the writer gathers them first, for a
// share of what the append itself takes. A local log is too fast for that to pay.
constexpr std::int64_t kSlowAppendNs = 1'000'000;
constexpr std::int64_t kGatherShare = 3;
constexpr std::int64_t kGatherNsMax = 5'000'000;

std::size_t bytes_of(const AppendJob& job) {
  std::size_t bytes = 0;
  for (const auto& element : job.appends) {
    if (element.event) bytes += element.event->payload.size();
    for (const auto& access : element.access) bytes += access.payload.size();
    for (const auto& change : element.changes)
      bytes += change.key.size() + (change.value ? change.value->size() : 0);
  }
  return bytes;
}

class LogWriter final : public caf::event_based_actor {
 public:
  LogWriter(caf::actor_config& config, Services& services, ActorStatsPtr stats)
      : caf::event_based_actor(config), services_(services), stats_(std::move(stats)) {}

  caf::behavior make_behavior() override {
    return {
        [this](const AppendJobPtr& job) {
          const BusyScope busy(*stats_);
          pending_bytes_ += bytes_of(*job);
          pending_.push_back(job);
          if (pending_.size() >= services_.limits.commit_writes_max ||
              pending_bytes_ >= kBatchBytesMax || (gathering_ && pending_.size() >= expected_))
            return flush();
          if (flush_sent_) return;
          flush_sent_ = true;
          send(this, FlushAtom::value);
        },
        [this](FlushAtom) {
          flush_sent_ = false;
          if (!gather()) flush();
        },
        [this](GatheredAtom, std::uint64_t batch) {
          if (batch == batches_) flush();
        },
        [this](const TrimAccessLogPtr& trim) {
          const BusyScope busy(*stats_);
          const auto now = services_.clock.now();
          auto result = services_.log.trim_access(
              0, Timestamp{now.ns - trim->age_max.count * 1'000'000'000}, trim->bytes_max);
          if (!result) return stats_->note_error(result.error().message);
          if (result->last == 0) return;
          services_.instruments->add(Count::access_trims);
          services_.instruments->add(Count::access_records_trimmed,
                                     result->last - result->first + 1);
        },
    };
  }

 private:
  // True when it pays to wait for more; GatheredAtom ends that.
  bool gather() {
    if (gathering_) return true;
    // Under the deterministic scheduler there is nobody to wait for.
    if (!services_.blocking_actors_have_threads || !services_.log.is_remote() || pending_.empty() ||
        append_ns_ < kSlowAppendNs || pending_.size() >= expected_)
      return false;
    gathering_ = true;
    const auto wait = std::min(append_ns_ / kGatherShare, kGatherNsMax);
    delayed_send(this, std::chrono::nanoseconds(wait), GatheredAtom::value, batches_);
    return true;
  }

  void flush() {
    gathering_ = false;
    ++batches_;
    if (pending_.empty()) return;
    std::vector<AppendJobPtr> jobs;
    jobs.swap(pending_);
    const auto bytes = std::exchange(pending_bytes_, 0);
    std::vector<log::Append> batch;
    batch.reserve(jobs.size());
    std::vector<std::size_t> counts;
    counts.reserve(jobs.size());
    for (const auto& job : jobs) {
      counts.push_back(job->appends.size());
      for (auto& element : job->appends) batch.push_back(std::move(element));
    }
    Records records;
    for (const auto& element : batch) {
      records.events += element.event ? 1 : 0;
      records.access += element.access.size();
    }
    std::vector<std::pair<std::size_t, TenantId>> writers;
    for (std::size_t i = 0; i < batch.size(); ++i)
      if (batch[i].event) writers.emplace_back(i, batch[i].event->tenant);
    const auto began = services_.clock.monotonic_ns();
    const auto result = services_.log.append(batch);
    if (result)
      for (const auto& [element, tenant] : writers)
        services_.tenant_heads.advance(tenant, (*result)[element].tenant_sequence);
    append_ns_ = services_.clock.monotonic_ns() - began;
    measure(jobs.size(), records, bytes, result.ok());
    // Who waits already, and who is answered now.
    expected_ = jobs.size() > 1
                    ? std::min(jobs.size() + stats_->waiting(), services_.limits.commit_writes_max)
                    : 0;
    answer(jobs, counts, result);
  }

  struct Records {
    std::uint64_t events = 0;
    std::uint64_t access = 0;
  };
  void measure(std::size_t jobs, const Records& records, std::size_t bytes, bool ok) {
    auto& instruments = *services_.instruments;
    instruments.commit_ns.observe(0, static_cast<std::uint64_t>(append_ns_));
    instruments.commit_jobs.observe(0, jobs);
    if (!ok) return instruments.add(Count::commit_failures);
    instruments.add(Count::commit_event_records, records.events);
    instruments.add(Count::commit_access_records, records.access);
    instruments.add(Count::commit_bytes, bytes);
  }

  void answer(const std::vector<AppendJobPtr>& jobs, const std::vector<std::size_t>& counts,
              const Result<std::vector<log::Appended>>& result) {
    if (!result) stats_->note_error(result.error().message);
    std::size_t at = 0;
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      if (!result) {
        jobs[i]->done(result.error());
      } else {
        const auto begin = result->begin() + static_cast<std::ptrdiff_t>(at);
        jobs[i]->done(
            std::vector<log::Appended>(begin, begin + static_cast<std::ptrdiff_t>(counts[i])));
      }
      at += counts[i];
    }
  }

  Services& services_;
  ActorStatsPtr stats_;
  std::vector<AppendJobPtr> pending_;
  std::size_t pending_bytes_ = 0;
  bool flush_sent_ = false;
  bool gathering_ = false;
  std::uint64_t batches_ = 0;
  std::size_t expected_ = 0;    // jobs of the next batch; 0: nobody is waited for
  std::int64_t append_ns_ = 0;  // the last one took so long
};

class HsmWorker final : public caf::event_based_actor {
 public:
  HsmWorker(caf::actor_config& config, std::shared_ptr<hsm::KeyService> keys, ActorStatsPtr stats)
      : caf::event_based_actor(config), keys_(std::move(keys)), stats_(std::move(stats)) {}

  caf::behavior make_behavior() override {
    return {[this](const HsmJobPtr& job) {
      const BusyScope busy(*stats_);
      job->run(*keys_);
    }};
  }

 private:
  std::shared_ptr<hsm::KeyService> keys_;
  ActorStatsPtr stats_;
};

class Reader final : public caf::event_based_actor {
 public:
  Reader(caf::actor_config& config, ActorStatsPtr stats)
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

class Shredder final : public caf::event_based_actor {
 public:
  Shredder(caf::actor_config& config, Services& services, ActorStatsPtr stats)
      : caf::event_based_actor(config), services_(services), stats_(std::move(stats)) {}

  caf::behavior make_behavior() override {
    return {
        [this](const ShredKeysPtr& request) {
          const BusyScope busy(*stats_);
          waiting_.push_back(request);
          if (waiting_.size() == 1) send(this, FlushAtom::value);
        },
        [this](FlushAtom) {
          auto waiting = std::exchange(waiting_, {});
          const auto result = services_.log.shred_deleted_keys();
          services_.last_shred_ended_ns = services_.clock.monotonic_ns();
          if (!result) stats_->note_error(result.error().message);
          for (const auto& request : waiting) {
            if (result)
              request->done(true);
            else
              request->done.fail(result.error());
          }
        },
    };
  }

 private:
  Services& services_;
  ActorStatsPtr stats_;
  std::vector<ShredKeysPtr> waiting_;
};

template <class Actor, class... Args>
caf::actor spawn_blocking(caf::actor_system& system, const Services& services, Args&&... args) {
  if (services.blocking_actors_have_threads)
    return system.spawn<Actor, caf::detached>(std::forward<Args>(args)...);
  return system.spawn<Actor>(std::forward<Args>(args)...);
}

}  // namespace

LogWriterRef spawn_log_writer(caf::actor_system& system, Services& services, std::uint64_t parent) {
  auto stats = services.registry.add("log", "", "log writer", parent);
  auto actor = spawn_blocking<LogWriter>(system, services, std::ref(services), stats);
  return {std::move(actor), std::move(stats)};
}

HsmWorkerRef spawn_hsm_worker(caf::actor_system& system, Services& services,
                              std::shared_ptr<hsm::KeyService> keys, std::uint64_t parent) {
  auto stats = services.registry.add("hsm", "", "HSM worker", parent);
  auto actor = spawn_blocking<HsmWorker>(system, services, std::move(keys), stats);
  return {std::move(actor), std::move(stats)};
}

ReaderRef spawn_reader(caf::actor_system& system, Services& services, std::uint64_t parent) {
  auto stats = services.registry.add("reader", "", "reader", parent);
  auto actor = spawn_blocking<Reader>(system, services, stats);
  return {std::move(actor), std::move(stats)};
}

ShredderRef spawn_shredder(caf::actor_system& system, Services& services, std::uint64_t parent) {
  auto stats = services.registry.add("shredder", "", "shredder", parent);
  auto actor = spawn_blocking<Shredder>(system, services, std::ref(services), stats);
  return {std::move(actor), std::move(stats)};
}

}  // namespace coffer::actors
