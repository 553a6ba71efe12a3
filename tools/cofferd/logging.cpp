#include "tools/cofferd/logging.h"

#include <fmt/format.h>
#include <spdlog/formatter.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <mutex>
#include <optional>

#include "events/base/time.h"
#include "events/json/json_value.h"
#include "events/json/utf8.h"

namespace coffer::server {
namespace {

constexpr const char* kTextPattern = "%Y-%m-%dT%H:%M:%S.%eZ %l %v";
constexpr std::string_view kCluster = "cluster";
constexpr std::string_view kApi = "api";

// What the line under way on this thread is about; sinks format on the thread that logs.
struct LineFields {
  std::string_view request_id;
  std::string_view trace_id;
};
thread_local LineFields line_fields;

void add_member(json::Writer& writer, std::string_view name, std::string_view value) {
  writer.key(name);
  if (json::is_utf8(value)) {
    writer.string(value);
    return;
  }
  std::string plain(value);
  std::replace_if(
      plain.begin(), plain.end(), [](char c) { return static_cast<unsigned char>(c) > 0x7e; }, '?');
  writer.string(plain);
}

class JsonFormatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    const auto since =
        std::chrono::duration_cast<std::chrono::nanoseconds>(message.time.time_since_epoch());
    const auto level = spdlog::level::to_string_view(message.level);
    SecretBytes line;
    json::Writer writer(line);
    writer.begin_object();
    add_member(writer, "time", to_rfc3339_nano(Timestamp{since.count()}));
    add_member(writer, "level", {level.data(), level.size()});
    add_member(writer, "component", {message.logger_name.data(), message.logger_name.size()});
    add_member(writer, "message", {message.payload.data(), message.payload.size()});
    if (!line_fields.request_id.empty()) add_member(writer, "request_id", line_fields.request_id);
    if (!line_fields.trace_id.empty()) add_member(writer, "trace_id", line_fields.trace_id);
    writer.end_object();
    const auto text = line.expose_text();
    out.append(text.data(), text.data() + text.size());
    out.push_back('\n');
  }
  [[nodiscard]] std::unique_ptr<formatter> clone() const override {
    return std::make_unique<JsonFormatter>();
  }
};

class TextFormatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    pattern_.format(message, out);
    if (line_fields.request_id.empty()) return;
    out.resize(out.size() - 1);  // the end of the line
    std::string fields = fmt::format(" request_id={}", line_fields.request_id);
    if (!line_fields.trace_id.empty()) fields += fmt::format(" trace_id={}", line_fields.trace_id);
    fields.push_back('\n');
    out.append(fields.data(), fields.data() + fields.size());
  }
  [[nodiscard]] std::unique_ptr<formatter> clone() const override {
    return std::make_unique<TextFormatter>();
  }

 private:
  spdlog::pattern_formatter pattern_{kTextPattern, spdlog::pattern_time_type::utc, "\n"};
};

// Lets so many lines of a second through.
class LineLimit {
 public:
  // Nothing: not this one. Otherwise how many were left out before it.
  std::optional<std::uint64_t> pass(std::int64_t second) {
    const std::lock_guard lock(mutex_);
    if (std::exchange(second_, second) != second) lines_ = 0;
    if (++lines_ > kFailureLinesMax) {
      ++left_out_;
      return std::nullopt;
    }
    return std::exchange(left_out_, 0);
  }

 private:
  std::mutex mutex_;
  std::int64_t second_ = 0;
  unsigned lines_ = 0;
  std::uint64_t left_out_ = 0;
};

}  // namespace

void set_up_logging(const std::string& level, const std::string& format) {
  const auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  if (format == "json")
    sink->set_formatter(std::make_unique<JsonFormatter>());
  else
    sink->set_formatter(std::make_unique<TextFormatter>());
  for (const auto name : {kCluster, kApi}) {
    const auto logger = std::make_shared<spdlog::logger>(std::string(name), sink);
    spdlog::drop(std::string(name));
    spdlog::register_logger(logger);
  }
  spdlog::set_default_logger(std::make_shared<spdlog::logger>("server", sink));
  spdlog::set_level(spdlog::level::from_str(level));
}

spdlog::logger& cluster_log() {
  static const auto logger = spdlog::get(std::string(kCluster));
  return logger ? *logger : *spdlog::default_logger_raw();
}

void log_failure(const net::RequestFailure& failure) {
  static LineLimit limit;
  const auto second = std::chrono::duration_cast<std::chrono::seconds>(
      std::chrono::steady_clock::now().time_since_epoch());
  const auto left_out = limit.pass(second.count());
  const auto logger = spdlog::get(std::string(kApi));
  if (!left_out || !logger) return;
  line_fields = {failure.request_id, failure.trace_id};
  if (*left_out == 0)
    logger->error("a request ({}) failed: {}", failure.operation, failure.error);
  else
    logger->error("a request ({}) failed: {}; {} more before it", failure.operation, failure.error,
                  *left_out);
  line_fields = {};
}

}  // namespace coffer::server
