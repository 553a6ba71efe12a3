#include "net/snapshot/snapshot_server.h"

#include <sys/resource.h>
#include <unistd.h>

#include <utility>

#include "net/http/response_writer.h"

namespace coffer::net {
namespace {

using Clock = std::chrono::steady_clock;
using Kind = SnapshotRequest::Kind;

constexpr std::chrono::seconds kExpiryPeriod{1};
constexpr int kNice = 10;

HttpResponse answer_with(int status, std::string_view content_type, std::string_view body) {
  HttpResponse response;
  response.status = status;
  response.content_type = content_type;
  response.body = SecretBytes(body);
  return response;
}
HttpResponse text(int status, std::string_view body) {
  return answer_with(status, "text/plain", body);
}
HttpResponse binary(BytesView body) {
  return answer_with(200, "application/octet-stream", as_text(body));
}

HttpResponse refusal(const Error& error) {
  switch (error.code) {
    case ErrorCode::not_found:
      return text(404, error.message);
    case ErrorCode::invalid_argument:
      return text(400, error.message);
    case ErrorCode::overloaded:
      return text(429, error.message);
    default:
      return text(503, error.message);
  }
}

}  // namespace

SnapshotServer::SnapshotServer(SnapshotServerOptions options, const AddressBook& book,
                               Random& random, Status status)
    : options_(std::move(options)),
      book_(book),
      random_(random),
      status_(std::move(status)),
      source_(options_.source),
      thread_([this] { run(); }) {}

SnapshotServer::~SnapshotServer() {
  stop();
}

void SnapshotServer::stop() {
  std::deque<Job> left;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    left.swap(jobs_);
  }
  changed_.notify_all();
  for (const auto& job : left) job.respond(text(503, "the node is stopping"));
  if (thread_.joinable()) thread_.join();
}

void SnapshotServer::on_request(const HttpRequest& request, Responder respond) {
  const auto node = book_.find_by_identity(request.peer_identity);
  if (request.peer_identity.empty() || !node)
    return respond(text(403, "the certificate belongs to no node of this cluster"));
  auto parsed = parse_snapshot_request(request);
  if (!parsed) return respond(refusal(parsed.error()));
  // Without the thread, so that they are answered while it makes the copy.
  if (parsed->kind == Kind::status) return respond(text(200, encode_status(status_())));
  if (parsed->kind == Kind::manifest) {
    const auto manifest = source_.manifest(parsed->id, node->node_id, Clock::now());
    if (!manifest) return respond(refusal(manifest.error()));
    return respond(*manifest ? text(200, encode_manifest(**manifest)) : text(202, "being made"));
  }
  {
    const std::lock_guard lock(mutex_);
    if (!stopping_ && jobs_.size() < options_.waiting_max) {
      jobs_.push_back({std::move(*parsed), node->node_id, std::move(respond)});
      changed_.notify_all();
      return;
    }
  }
  respond(text(429, "too many requests for snapshots"));
}

void SnapshotServer::run() {
  // Of this thread alone, as Linux has it; not being nice is no failure.
  static_cast<void>(::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNice));
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (jobs_.empty()) {
      changed_.wait_for(lock, kExpiryPeriod);
      lock.unlock();
      source_.expire(Clock::now());
      lock.lock();
      continue;
    }
    const auto job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    serve(job);
    lock.lock();
  }
}

void SnapshotServer::serve(const Job& job) {
  auto answered = answer(job);
  const bool begun = answered && job.request.kind == Kind::begin;
  job.respond(answered ? std::move(*answered) : refusal(answered.error()));
  // The peer asks for the manifest until it is there, or hears from it why it failed.
  if (begun) ignore_result(source_.prepare());
}

Result<HttpResponse> SnapshotServer::answer(const Job& job) {
  switch (job.request.kind) {
    case Kind::begin:
      return begin(job);
    case Kind::read:
      return read(job);
    case Kind::keys: {
      COFFER_ASSIGN(const auto names,
                    source_.key_names(job.request.id, job.peer, job.request.after, Clock::now()));
      return binary(encode_key_names(names));
    }
    case Kind::end:
      source_.end(job.request.id, job.peer);
      return text(200, "ended");
    case Kind::status:
    case Kind::manifest:
      break;
  }
  return fail(ErrorCode::internal, "a request that is answered elsewhere");
}

Result<HttpResponse> SnapshotServer::begin(const Job& job) {
  const auto id = random_id<Id128<struct CopyTag>>(random_).to_string();
  COFFER_TRY(source_.begin(id, job.peer, Clock::now()));
  return text(200, id);
}

Result<HttpResponse> SnapshotServer::read(const Job& job) {
  const auto& request = job.request;
  if (!pace(request.length)) return fail(ErrorCode::unavailable, "the node is stopping");
  COFFER_ASSIGN(const auto bytes, source_.read(request.id, job.peer, request.file, request.offset,
                                               request.length, Clock::now()));
  return binary(bytes);
}

bool SnapshotServer::pace(std::uint64_t bytes) {
  if (options_.bytes_per_second == 0) return true;
  const auto cost = std::chrono::nanoseconds(std::min<std::uint64_t>(bytes, log::kSnapshotReadMax) *
                                             1'000'000'000 / options_.bytes_per_second);
  std::unique_lock lock(mutex_);
  while (!stopping_ && Clock::now() < paid_until_) changed_.wait_until(lock, paid_until_);
  paid_until_ = std::max(paid_until_, Clock::now()) + cost;
  return !stopping_;
}

}  // namespace coffer::net
