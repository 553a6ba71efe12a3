#include "tools/coffer/http_client.h"

#include <curl/curl.h>

#include <array>
#include <deque>

#include <fmt/format.h>

#include "tools/coffer/output.h"

namespace coffer::cli {
namespace {

constexpr std::size_t kBodyBytesMax = std::size_t{64} << 20;
constexpr double kConnectTimeoutS = 10;

// Header lines for libcurl in memory of our own: its list functions make copies that they do not
// wipe.
class HeaderList {
 public:
  void add(std::string_view name, std::string_view value) {
    SecretBytes line(name);
    line.append(": ");
    line.append(value);
    line.append('\0');
    auto& node = nodes_.emplace_back();
    node.line = std::move(line);
    node.entry.data = reinterpret_cast<char*>(node.line.writable().data());
    node.entry.next = nullptr;
    if (nodes_.size() > 1) nodes_[nodes_.size() - 2].entry.next = &node.entry;
  }
  [[nodiscard]] curl_slist* first() noexcept { return nodes_.empty() ? nullptr : &nodes_[0].entry; }

 private:
  struct Node {
    SecretBytes line;
    curl_slist entry{};
  };
  std::deque<Node> nodes_;  // addresses stay
};

struct BodySink {
  SecretBytes body;
  bool too_large = false;
};

std::size_t take_body(char* data, std::size_t, std::size_t size, void* user) {
  auto& sink = *static_cast<BodySink*>(user);
  if (sink.body.size() + size > kBodyBytesMax) {
    sink.too_large = true;
    return 0;
  }
  sink.body.append(std::string_view(data, size));
  return size;
}

// libcurl's own text, with what to do about it where that helps.
Error transport_error(CURLcode code, const char* detail, const Connection& connection) {
  std::string text = printable(*detail != '\0' ? detail : curl_easy_strerror(code));
  if (code == CURLE_PEER_FAILED_VERIFICATION)
    text += "; does --cacert (VAULT_CACERT) name the CA of this server?";
  if (code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST)
    text += "; is the server running, and is --address (VAULT_ADDR) right?";
  return fail(ErrorCode::unavailable,
              fmt::format("no answer from {}: {}", printable(connection.address), text));
}

}  // namespace

struct HttpClient::Handle {
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl{curl_easy_init(), &curl_easy_cleanup};
  std::array<char, CURL_ERROR_SIZE> error{};

  template <class Value>
  void set(CURLoption option, Value value) {
    COFFER_CHECK(curl_easy_setopt(curl.get(), option, value) == CURLE_OK);
  }
};

HttpClient::HttpClient(const Connection& connection)
    : handle_(std::make_unique<Handle>()), connection_(connection) {
  COFFER_CHECK(handle_->curl != nullptr);
  auto& handle = *handle_;
  handle.set(CURLOPT_ERRORBUFFER, handle.error.data());
  handle.set(CURLOPT_PROTOCOLS_STR, "https");
  handle.set(CURLOPT_FOLLOWLOCATION, 0L);
  handle.set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  handle.set(CURLOPT_SSL_VERIFYPEER, connection.verify_server ? 1L : 0L);
  handle.set(CURLOPT_SSL_VERIFYHOST, connection.verify_server ? 2L : 0L);
  if (!connection.ca_file.empty()) handle.set(CURLOPT_CAINFO, connection.ca_file.c_str());
  handle.set(CURLOPT_TIMEOUT_MS, static_cast<long>(connection.timeout_s * 1000));
  handle.set(CURLOPT_CONNECTTIMEOUT_MS,
             static_cast<long>(std::min(connection.timeout_s, kConnectTimeoutS) * 1000));
  handle.set(CURLOPT_USERAGENT, "coffer/" COFFER_VERSION);
  handle.set(CURLOPT_WRITEFUNCTION, &take_body);
}

HttpClient::~HttpClient() = default;

Result<HttpReply> HttpClient::get(const std::string& path, HttpHeaders headers) {
  handle_->set(CURLOPT_CUSTOMREQUEST, static_cast<const char*>(nullptr));
  handle_->set(CURLOPT_HTTPGET, 1L);
  return perform(path, headers);
}

Result<HttpReply> HttpClient::put(const std::string& path, const std::string& body,
                                  HttpHeaders headers) {
  handle_->set(CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
  handle_->set(CURLOPT_COPYPOSTFIELDS, body.c_str());
  handle_->set(CURLOPT_CUSTOMREQUEST, "PUT");
  return perform(path, headers);
}

Result<HttpReply> HttpClient::perform(const std::string& path, HttpHeaders headers) {
  auto& handle = *handle_;
  HeaderList lines;
  if (headers.token) lines.add("X-Vault-Token", connection_.token.expose_text());
  if (headers.name_space && !connection_.name_space.empty())
    lines.add("X-Vault-Namespace", connection_.name_space);
  BodySink sink;
  handle.error[0] = '\0';
  handle.set(CURLOPT_URL, (connection_.address + path).c_str());
  handle.set(CURLOPT_HTTPHEADER, lines.first());
  handle.set(CURLOPT_WRITEDATA, &sink);
  const auto code = curl_easy_perform(handle.curl.get());
  handle.set(CURLOPT_HTTPHEADER, static_cast<curl_slist*>(nullptr));
  if (sink.too_large)
    return fail(ErrorCode::too_large,
                fmt::format("the answer has more than {} MiB", kBodyBytesMax >> 20));
  if (code != CURLE_OK) return transport_error(code, handle.error.data(), connection_);
  HttpReply reply;
  curl_easy_getinfo(handle.curl.get(), CURLINFO_RESPONSE_CODE, &reply.status);
  reply.body = std::move(sink.body);
  return reply;
}

}  // namespace coffer::cli
