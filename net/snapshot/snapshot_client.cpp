#include "net/snapshot/snapshot_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <thread>

namespace coffer::net {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kPoll{100};
constexpr std::size_t kReasonCharsMax = 200;

Result<HttpResponse> send_and_wait(PeerClient& client, const PeerAddress& peer, std::string method,
                                   std::string path, std::chrono::milliseconds limit) {
  auto request = std::make_shared<HttpRequest>();
  request->method = std::move(method);
  request->target = std::string(kSnapshotPath) + path;
  request->headers.emplace_back("host", peer.identity);
  auto promise = std::make_shared<std::promise<Result<HttpResponse>>>();
  auto future = promise->get_future();
  // Called exactly once, within the deadline.
  client.send(peer, std::move(request), Clock::now() + limit,
              [promise](Result<HttpResponse> result) { promise->set_value(std::move(result)); });
  return future.get();
}

Error refused(const HttpResponse& response) {
  auto reason = std::string(response.body.expose_text().substr(0, kReasonCharsMax));
  std::replace_if(
      reason.begin(), reason.end(), [](char c) { return c < 0x20 || c > 0x7e; }, '?');
  return fail(response.status == 429 ? ErrorCode::overloaded : ErrorCode::unavailable,
              fmt::format("the peer answers {}: {}", response.status, reason));
}

}  // namespace

Result<PeerStatus> ask_status(PeerClient& client, const PeerAddress& peer,
                              std::chrono::milliseconds limit) {
  COFFER_ASSIGN(const auto response, send_and_wait(client, peer, "GET", "status", limit));
  if (response.status != 200) return refused(response);
  return decode_status(response.body.expose_text());
}

PeerSnapshot::PeerSnapshot(PeerClient& client, PeerAddress peer, log::GoOn go_on,
                           std::chrono::milliseconds call_max, std::chrono::milliseconds making_max)
    : client_(client),
      peer_(std::move(peer)),
      go_on_(std::move(go_on)),
      call_max_(call_max),
      making_max_(making_max) {}

Result<HttpResponse> PeerSnapshot::call(std::string method, std::string path) {
  COFFER_ASSIGN(auto response,
                send_and_wait(client_, peer_, std::move(method), std::move(path), call_max_));
  if (response.status != 200 && response.status != 202) return refused(response);
  return response;
}

Result<log::SnapshotManifest> PeerSnapshot::begin() {
  COFFER_ASSIGN(const auto begun, call("POST", "copies"));
  id_ = std::string(begun.body.expose_text());
  const auto until = Clock::now() + making_max_;
  while (go_on_() && Clock::now() < until) {
    COFFER_ASSIGN(const auto response, call("GET", "copies/" + id_));
    if (response.status == 200) return decode_manifest(response.body.expose_text());
    std::this_thread::sleep_for(kPoll);
  }
  return fail(ErrorCode::unavailable, "the peer does not finish its copy");
}

Result<Bytes> PeerSnapshot::read(const log::SnapshotFile& file, std::uint64_t offset,
                                 std::size_t length) {
  COFFER_ASSIGN(const auto response, call("GET", fmt::format("copies/{}/{}?offset={}&length={}",
                                                             id_, file.name, offset, length)));
  const auto bytes = response.body.expose();
  return Bytes(bytes.begin(), bytes.end());
}

Result<std::vector<log::KeyName>> PeerSnapshot::key_names(const Bytes& after) {
  COFFER_ASSIGN(const auto response,
                call("GET", fmt::format("copies/{}/keys?after={}", id_, to_hex(after))));
  return decode_key_names(response.body.expose());
}

void PeerSnapshot::end() {
  if (!id_.empty()) ignore_result(call("DELETE", "copies/" + id_));
}

}  // namespace coffer::net
