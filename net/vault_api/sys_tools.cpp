// sys/tools: random bytes and digests for clients that have neither.
#include <fmt/format.h>

#include "hsm/envelope_cipher.h"
#include "hsm/message_digest.h"
#include "net/vault_api/handlers.h"
#include "net/vault_api/sys_json.h"

namespace coffer::net::vault {
namespace {

constexpr std::int64_t kRandomBytesMax = 128 * 1024;

struct Format {
  bool hex = false;
};
Result<Format> read_format(const Fields& fields, std::string_view fallback) {
  COFFER_ASSIGN(const auto given, fields.text("format"));
  const auto format = given && !given->empty() ? std::string_view(*given) : fallback;
  if (format != "hex" && format != "base64")
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("unsupported encoding format {}; must be \"hex\" or \"base64\"", format));
  return Format{format == "hex"};
}

void answer_text(Exchange& x, std::string_view name, BytesView bytes, Format format) {
  x.answer_data(2 * bytes.size() + 64, [&](json::Writer& writer) {
    writer.begin_object().key(name);
    write_wiped(writer, format.hex ? to_hex(bytes) : hsm::base64_encode(bytes));
    writer.end_object();
  });
}

// The path's last part is the number, one before it the source; the body's members count where the
// path says nothing.
Result<std::int64_t> read_count(const Fields& fields, std::string_view argument) {
  std::string source;
  const auto slash = argument.find('/');
  std::string number(argument);
  if (slash != std::string_view::npos) {
    source = argument.substr(0, slash);
    number = argument.substr(slash + 1);
  } else if (argument == "platform" || argument == "seal" || argument == "all") {
    source = argument;
    number.clear();
  }
  if (source.empty()) {
    COFFER_ASSIGN(const auto given, fields.text("source"));
    source = given.value_or("");
  }
  if (!source.empty() && source != "platform")
    return fail(ErrorCode::invalid_argument,
                fmt::format("unsupported source {:.32}; this server has \"platform\"", source));
  std::int64_t count = 32;
  if (!number.empty()) {
    if (number.size() > 9 || number.find_first_not_of("0123456789") != std::string::npos)
      return fail(ErrorCode::invalid_argument, "error parsing url-set byte count");
    count = std::stoll(number);
  } else {
    COFFER_ASSIGN(const auto given, fields.integer("bytes"));
    count = given.value_or(count);
  }
  if (count < 1) return fail(ErrorCode::invalid_argument, "\"bytes\" cannot be less than 1");
  if (count > kRandomBytesMax)
    return fail(ErrorCode::invalid_argument,
                fmt::format("\"bytes\" should be less than {}", kRandomBytesMax));
  return count;
}

}  // namespace

void sys_tools_random(Exchange& x, std::string_view argument) {
  const auto fields = x.fields();
  COFFER_FIELD(const auto count, x, read_count(fields, argument));
  COFFER_FIELD(const auto format, x, read_format(fields, "base64"));
  SecretBytes bytes(static_cast<std::size_t>(count));
  x.random().fill(bytes.writable());
  answer_text(x, "random_bytes", bytes.expose(), format);
}

void sys_tools_hash(Exchange& x, std::string_view argument) {
  const auto fields = x.fields();
  const auto* input = fields.find("input");
  if (input == nullptr || input->is_null())
    return x.refuse(ErrorCode::invalid_argument, "missing input");
  COFFER_FIELD(const auto named, x, fields.text("algorithm"));
  COFFER_FIELD(const auto format, x, read_format(fields, "hex"));
  const auto decoded = hsm::base64_decode(input->text());
  if (!decoded) return x.refuse(ErrorCode::invalid_argument, "unable to decode input as base64");
  const std::string algorithm =
      !argument.empty() ? std::string(argument) : named.value_or("sha2-256");
  const auto sum = hsm::message_digest(algorithm, decoded->expose());
  if (!sum)
    return x.refuse(ErrorCode::invalid_argument,
                    fmt::format("unsupported algorithm {:.32}", algorithm));
  answer_text(x, "sum", *sum, format);
}

}  // namespace coffer::net::vault
