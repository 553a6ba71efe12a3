#include "events/log/kafka/kafka_environment.h"

#include <thread>

#include "events/log/rocksdb_state.h"

namespace coffer::log {
namespace {

class Real final : public KafkaEnvironment {
 public:
  explicit Real(const KafkaLogOptions& options) : options_(options) {}

  Time now() override { return std::chrono::steady_clock::now(); }
  void sleep_until(Time time) override { std::this_thread::sleep_until(time); }
  Result<void> check_topics() override { return ensure_topics(options_.client, options_.topics); }
  Result<std::shared_ptr<StateStore>> open_store() override {
    auto store = std::make_shared<RocksDbState>(options_.store);
    COFFER_TRY(store->open());
    return std::shared_ptr<StateStore>(std::move(store));
  }
  Result<std::unique_ptr<KafkaProducer>> make_producer(
      std::span<const std::string> topics) override {
    return KafkaProducer::create(options_.client, topics);
  }
  Result<std::unique_ptr<KafkaReader>> make_reader() override {
    return KafkaReader::create(options_.client);
  }

 private:
  KafkaLogOptions options_;
};

}  // namespace

std::shared_ptr<KafkaEnvironment> kafka_environment(const KafkaLogOptions& options) {
  return std::make_shared<Real>(options);
}

}  // namespace coffer::log
