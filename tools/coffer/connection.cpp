#include "tools/coffer/connection.h"

#include <curl/curl.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>

#include <fmt/format.h>

#include "tools/coffer/output.h"

namespace coffer::cli {
namespace {

constexpr std::size_t kTokenBytesMax = 8192;

Error wrong(std::string text) {
  return fail(ErrorCode::invalid_argument, std::move(text));
}

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view{} : std::string_view{value};
}

// A token or namespace goes into a header line.
bool fits_header(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return c >= 0x20 && c != 0x7F; });
}

SecretBytes trimmed(const SecretBytes& text) {
  auto view = text.expose_text();
  const auto is_blank = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  while (!view.empty() && is_blank(view.back())) view.remove_suffix(1);
  while (!view.empty() && is_blank(view.front())) view.remove_prefix(1);
  return SecretBytes(view);
}

SecretBytes token_of_home() {
  const auto home = variable("HOME");
  if (home.empty()) return {};
  std::ifstream file;
  file.rdbuf()->pubsetbuf(nullptr, 0);  // no buffer that would keep a copy
  file.open(std::string(home) + "/.vault-token", std::ios::binary);
  SecretBytes content(kTokenBytesMax);
  file.read(reinterpret_cast<char*>(content.writable().data()),
            static_cast<std::streamsize>(content.size()));
  content.truncate(static_cast<std::size_t>(file.gcount()));
  return trimmed(content);
}

// As Go's ParseBool, which Vault's tools use.
std::optional<bool> parse_flag(std::string_view text) {
  for (const std::string_view yes : {"1", "t", "T", "true", "TRUE", "True"})
    if (text == yes) return true;
  for (const std::string_view no : {"0", "f", "F", "false", "FALSE", "False", ""})
    if (text == no) return false;
  return std::nullopt;
}

std::string_view without_slashes(std::string_view path) {
  while (path.starts_with('/')) path.remove_prefix(1);
  while (path.ends_with('/')) path.remove_suffix(1);
  return path;
}

}  // namespace

SecretBytes take_token_argument(int argc, char** argv) {
  constexpr std::string_view kOption = "--token";
  SecretBytes token;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    char* value = nullptr;
    if (argument == kOption && i + 1 < argc)
      value = argv[++i];
    else if (argument.starts_with("--token="))
      value = argv[i] + kOption.size() + 1;
    if (value == nullptr) continue;
    token = SecretBytes(std::string_view(value));
    std::fill_n(value, std::strlen(value), '*');
  }
  return token;
}

Result<std::string> check_address(const std::string& address) {
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> url(curl_url(), &curl_url_cleanup);
  COFFER_CHECK(url != nullptr);
  const auto has = [&](CURLUPart part) {
    char* found = nullptr;
    const bool is_there = curl_url_get(url.get(), part, &found, 0) == CURLUE_OK;
    curl_free(found);
    return is_there;
  };
  if (!address.starts_with("https://") ||
      curl_url_set(url.get(), CURLUPART_URL, address.c_str(), 0) != CURLUE_OK)
    return wrong("the address must look like https://HOST:PORT");
  if (has(CURLUPART_USER) || has(CURLUPART_QUERY) || has(CURLUPART_FRAGMENT))
    return wrong("the address must hold a host, a port and a path at most");
  auto end = address.size();
  while (address[end - 1] == '/') --end;
  return address.substr(0, end);
}

Result<std::unique_ptr<const Connection>> connect(const ConnectionOptions& options,
                                                  SecretBytes token) {
  auto connection = std::make_unique<Connection>();
  COFFER_ASSIGN(connection->address, check_address(options.address));
  connection->ca_file = options.ca_file;
  connection->timeout_s = options.timeout_s;
  connection->name_space = without_slashes(options.name_space);
  if (!fits_header(connection->name_space)) return wrong("the namespace holds control characters");
  const auto skip = parse_flag(variable("VAULT_SKIP_VERIFY"));
  if (!skip) return wrong("VAULT_SKIP_VERIFY must be true or false");
  connection->verify_server = !*skip;
  if (*skip)
    say_warning(
        "VAULT_SKIP_VERIFY is set: the server's certificate is not checked, anyone on the "
        "way can read and change what passes");
  connection->token = std::move(token);
  if (connection->token.empty()) connection->token = SecretBytes(variable("VAULT_TOKEN"));
  if (connection->token.empty()) connection->token = token_of_home();
  if (!fits_header(connection->token.expose_text()))
    return wrong("the token holds control characters");
  return std::unique_ptr<const Connection>(std::move(connection));
}

}  // namespace coffer::cli
