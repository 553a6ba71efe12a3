// Texts and bytes of the snapshot protocol: there and back, and what is not accepted.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "net/cluster/forwarding.h"
#include "net/snapshot/snapshot_wire.h"

using namespace coffer;
using namespace coffer::net;

namespace {

HttpRequest request_for(std::string method, std::string target) {
  HttpRequest request;
  request.method = std::move(method);
  request.target = std::move(target);
  return request;
}

const std::string kId = "00000000-0000-0000-0000-0000000000ab";

}  // namespace

TEST_CASE("snapshot wire: what is encoded is decoded") {
  const PeerStatus status{true, false, true, 1'234'567, "n2"};
  CHECK(decode_status(encode_status(status)).value() == status);
  CHECK(decode_status(encode_status({})).value() == PeerStatus{});
  const log::SnapshotManifest manifest{
      "coffer", 77, {{"CURRENT", 16, Sha256{1, 2}}, {"000012.sst", 1ull << 40, Sha256{3}}}};
  CHECK(decode_manifest(encode_manifest(manifest)).value() == manifest);
  const std::vector<log::KeyName> names{{Bytes{1}, Sha256{9}}, {Bytes(48, 7), Sha256{8}}};
  CHECK(decode_key_names(encode_key_names(names)).value() == names);
  CHECK(decode_key_names({}).value().empty());
}

TEST_CASE("snapshot wire: what is cut off or out of bounds is corrupt") {
  const log::SnapshotManifest manifest{"coffer", 77, {{"CURRENT", 16, Sha256{1, 2}}}};
  const auto text = encode_manifest(manifest);
  for (std::size_t length = 0; length < text.size(); ++length)
    CHECK(decode_manifest(text.substr(0, length)).error().code == ErrorCode::corrupt);
  const auto names = encode_key_names({{Bytes(48, 7), Sha256{8}}});
  for (std::size_t length = 1; length < names.size(); ++length)
    CHECK(decode_key_names(BytesView(names).first(length)).error().code == ErrorCode::corrupt);
  Bytes huge;
  append_u32(huge, 0xFFFFFFFF);
  huge.resize(2'000);
  CHECK(decode_key_names(huge).error().code == ErrorCode::corrupt);
  for (const auto* broken : {"", "1 1 1 7 a", "2 1 1 7 a\n", "1 1 1 x a\n"})
    CHECK(decode_status(broken).error().code == ErrorCode::corrupt);
}

TEST_CASE("snapshot wire: requests") {
  using Kind = SnapshotRequest::Kind;
  const auto copy = [](std::string_view rest) { return fmt::format("copies/{}{}", kId, rest); };
  const auto parsed = [](const char* method, const std::string& path) {
    return parse_snapshot_request(request_for(method, fmt::format("{}{}", kSnapshotPath, path)));
  };
  CHECK(parsed("GET", "status")->kind == Kind::status);
  CHECK(parsed("POST", "copies")->kind == Kind::begin);
  CHECK(parsed("GET", copy(""))->kind == Kind::manifest);
  CHECK(parsed("DELETE", copy(""))->kind == Kind::end);
  CHECK(parsed("GET", copy("/keys?after=01ff"))->after == Bytes{1, 255});
  const auto read = parsed("GET", copy("/000007.sst?offset=5&length=6"));
  CHECK(read->kind == Kind::read);
  CHECK(read->file == "000007.sst");
  CHECK(read->offset == 5);
  CHECK(read->length == 6);
  for (const auto& [method, path] : std::vector<std::pair<const char*, std::string>>{
           {"GET", ""},
           {"PUT", "copies"},
           {"GET", "copies/"},
           {"GET", "copies/../../store"},
           {"GET", copy("/../CURRENT")},
           {"GET", copy("/LOCK")},
           {"GET", copy("/000007.sst?offset=-1")},
           {"GET", copy("/000007.sst?offset=1&x=2")},
           {"GET", copy("/keys?after=0")},
           {"GET", copy(fmt::format("/keys?after={:0>4000}", 0))},
           {"POST", copy("")}})
    CHECK_MESSAGE(parsed(method, path).error().code == ErrorCode::invalid_argument,
                  method << " " << path);
}

TEST_CASE("snapshot wire: a client's request that was forwarded is none") {
  auto request = request_for("GET", fmt::format("{}status", kSnapshotPath));
  CHECK(is_snapshot_request(request));
  request.headers.emplace_back(kForwardProtocolHeader, std::to_string(kForwardVersions.latest));
  CHECK_FALSE(is_snapshot_request(request));
  CHECK_FALSE(is_snapshot_request(request_for("GET", "/v1/sys/health")));
}
