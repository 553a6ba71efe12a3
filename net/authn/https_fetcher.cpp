#include "net/authn/https_fetcher.h"

#include <curl/curl.h>

#include <algorithm>
#include <deque>
#include <list>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace coffer::authn {
namespace {

constexpr int kPollMs = 1000;
constexpr long kConnectTimeoutMs = 5'000;
constexpr std::string_view kScheme = "https://";

struct Transfer {
  FetchRequest request;
  HttpsFetcher::Done done;
  std::size_t bytes_max;
  std::string body;
  bool too_large = false;
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> easy{nullptr, &curl_easy_cleanup};
};

std::size_t take_body(char* data, std::size_t, std::size_t size, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  if (transfer.body.size() + size > transfer.bytes_max) {
    transfer.too_large = true;
    return 0;
  }
  transfer.body.append(data, size);
  return size;
}

template <class Value>
void set(CURL* easy, CURLoption option, Value value) {
  COFFER_CHECK(curl_easy_setopt(easy, option, value) == CURLE_OK);
}

void set_up(Transfer& transfer, const FetchLimits& limits) {
  CURL* easy = curl_easy_init();
  COFFER_CHECK(easy != nullptr);
  transfer.easy.reset(easy);
  set(easy, CURLOPT_PRIVATE, static_cast<void*>(&transfer));
  set(easy, CURLOPT_URL, transfer.request.url.c_str());
  set(easy, CURLOPT_PROTOCOLS_STR, "https");
  set(easy, CURLOPT_FOLLOWLOCATION, 0L);
  set(easy, CURLOPT_PROXY, "");
  set(easy, CURLOPT_NOSIGNAL, 1L);
  set(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  set(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  set(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(limits.timeout_ms));
  set(easy, CURLOPT_CONNECTTIMEOUT_MS,
      std::min(static_cast<long>(limits.timeout_ms), kConnectTimeoutMs));
  set(easy, CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(limits.bytes_max));
  set(easy, CURLOPT_USERAGENT, "coffer/" COFFER_VERSION);
  set(easy, CURLOPT_WRITEFUNCTION, &take_body);
  set(easy, CURLOPT_WRITEDATA, static_cast<void*>(&transfer));
  if (const std::string& pem = transfer.request.authority_pem; !pem.empty()) {
    curl_blob blob{const_cast<char*>(pem.data()), pem.size(), CURL_BLOB_COPY};
    set(easy, CURLOPT_CAINFO_BLOB, &blob);
    set(easy, CURLOPT_CAPATH, static_cast<const char*>(nullptr));  // not the system's as well
  }
}

Result<std::string> outcome_of(Transfer& transfer, CURLcode code) {
  if (transfer.too_large || code == CURLE_FILESIZE_EXCEEDED)
    return fail(ErrorCode::too_large, "the issuer's answer is too large");
  if (code == CURLE_SSL_CACERT_BADFILE)
    return fail(ErrorCode::invalid_argument, "the issuer's CA certificates cannot be read");
  if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL)
    return fail(ErrorCode::invalid_argument, "the issuer's URL must be an https URL");
  if (code != CURLE_OK)
    return fail(ErrorCode::unavailable,
                std::string("no answer from the issuer: ") + curl_easy_strerror(code));
  long status = 0;
  curl_easy_getinfo(transfer.easy.get(), CURLINFO_RESPONSE_CODE, &status);
  if (status >= 300 && status < 400)
    return fail(ErrorCode::unavailable, "the issuer answered with a redirect");
  if (status != 200)
    return fail(ErrorCode::unavailable,
                "the issuer answered with status " + std::to_string(status));
  return std::move(transfer.body);
}

}  // namespace

// The thread and what it owns. `mutex_` guards what fetch() hands over; all else is the thread's.
class HttpsFetcher::Loop {
 public:
  explicit Loop(const FetchLimits& limits) : limits_(limits) {
    static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
    COFFER_CHECK(started == CURLE_OK);
    multi_.reset(curl_multi_init());
    COFFER_CHECK(multi_ != nullptr);
    thread_ = std::thread([this] { run(); });
  }
  ~Loop() { stop(); }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      is_stopping_ = true;
    }
    curl_multi_wakeup(multi_.get());
    if (thread_.joinable()) thread_.join();
  }

  void add(FetchRequest request, Done done) {
    if (!request.url.starts_with(kScheme))
      return done(fail(ErrorCode::invalid_argument, "the issuer's URL must be an https URL"));
    std::optional<Error> refusal;
    {
      const std::lock_guard lock(mutex_);
      if (is_stopping_) {
        refusal = stopping();
      } else if (waiting_.size() >= limits_.waiting_max) {
        refusal = fail(ErrorCode::overloaded, "too many issuers are being asked for keys");
      } else {
        waiting_.push_back({std::move(request), std::move(done), limits_.bytes_max, {}});
      }
    }
    if (refusal) return done(*refusal);
    curl_multi_wakeup(multi_.get());
  }

 private:
  static Error stopping() { return fail(ErrorCode::unavailable, "the service is stopping"); }

  void run() {
    while (take_waiting()) {
      int running = 0;
      curl_multi_perform(multi_.get(), &running);
      const bool finished_some = finish_done();
      if (!finished_some) curl_multi_poll(multi_.get(), nullptr, 0, kPollMs, nullptr);
    }
    stop_all();
  }

  // Starts what may start; false when the loop is to end.
  bool take_waiting() {
    std::list<Transfer> taken;
    {
      const std::lock_guard lock(mutex_);
      if (is_stopping_) return false;
      while (!waiting_.empty() && active_.size() + taken.size() < limits_.active_max) {
        taken.push_back(std::move(waiting_.front()));
        waiting_.pop_front();
      }
    }
    for (Transfer& transfer : taken) {
      set_up(transfer, limits_);
      COFFER_CHECK(curl_multi_add_handle(multi_.get(), transfer.easy.get()) == CURLM_OK);
    }
    active_.splice(active_.end(), taken);
    return true;
  }

  bool finish_done() {
    bool finished_some = false;
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      const CURLcode code = message->data.result;
      void* which = nullptr;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &which);
      curl_multi_remove_handle(multi_.get(), message->easy_handle);
      const auto at = std::ranges::find_if(
          active_, [which](const Transfer& transfer) { return &transfer == which; });
      COFFER_CHECK(at != active_.end());
      std::list<Transfer> finished;
      finished.splice(finished.end(), active_, at);
      at->done(outcome_of(*at, code));
      finished_some = true;
    }
    return finished_some;
  }

  void stop_all() {
    std::deque<Transfer> waiting;
    {
      const std::lock_guard lock(mutex_);
      waiting.swap(waiting_);
    }
    for (Transfer& transfer : active_) curl_multi_remove_handle(multi_.get(), transfer.easy.get());
    for (Transfer& transfer : active_) transfer.done(stopping());
    for (Transfer& transfer : waiting) transfer.done(stopping());
    active_.clear();
  }

  const FetchLimits limits_;
  std::unique_ptr<CURLM, decltype(&curl_multi_cleanup)> multi_{nullptr, &curl_multi_cleanup};
  std::mutex mutex_;
  std::deque<Transfer> waiting_;
  bool is_stopping_ = false;
  std::list<Transfer> active_;  // addresses stay: curl holds them
  std::thread thread_;
};

HttpsFetcher::HttpsFetcher(const FetchLimits& limits) : loop_(std::make_unique<Loop>(limits)) {}
HttpsFetcher::~HttpsFetcher() {
  stop();
}

void HttpsFetcher::stop() {
  loop_->stop();
}

void HttpsFetcher::fetch(FetchRequest request, Done done) {
  loop_->add(std::move(request), std::move(done));
}

}  // namespace coffer::authn
