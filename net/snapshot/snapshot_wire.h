// How snapshots travel between nodes: HTTP/1.1 on the peer listener, over mutual TLS. Version 1.
//
//   GET    /coffer-snapshot/1/status              what this node could give
//   POST   /coffer-snapshot/1/copies              begin; answers the copy's id
//   GET    /coffer-snapshot/1/copies/ID           202: being made; 200: its manifest
//   GET    /coffer-snapshot/1/copies/ID/NAME?offset=N&length=N
//   GET    /coffer-snapshot/1/copies/ID/keys?after=HEX
//   DELETE /coffer-snapshot/1/copies/ID
//
// A request of a client that a node forwards has that protocol's headers; such a one is never taken
// for one of these. Texts are lines of fields, names of keys are binary: length (4), row, hash
// (32). Pure; Threads: any. Errors: corrupt.
#pragma once

#include <string>
#include <string_view>

#include "events/log/kafka/snapshot.h"
#include "net/http/http_server.h"

namespace coffer::net {

inline constexpr std::string_view kSnapshotPath = "/coffer-snapshot/1/";

struct PeerStatus {
  bool active = false;  // serves clients: a standby is asked first
  bool warm = false;    // at the end of the topics, as far as it knows
  bool initialized = false;
  std::uint64_t events_next = 0;
  std::string owner;  // the active node as this one knows it; empty: none
  friend bool operator==(const PeerStatus&, const PeerStatus&) = default;
};

struct SnapshotRequest {
  enum class Kind { status, begin, manifest, read, keys, end };
  Kind kind = Kind::status;
  std::string id;
  std::string file;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  Bytes after;
};

// Whether the request is for a snapshot, be it well-formed or not.
[[nodiscard]] bool is_snapshot_request(const HttpRequest& request) noexcept;
// Errors: invalid_argument.
[[nodiscard]] Result<SnapshotRequest> parse_snapshot_request(const HttpRequest& request);

[[nodiscard]] std::string encode_status(const PeerStatus& status);
[[nodiscard]] Result<PeerStatus> decode_status(std::string_view text);
[[nodiscard]] std::string encode_manifest(const log::SnapshotManifest& manifest);
[[nodiscard]] Result<log::SnapshotManifest> decode_manifest(std::string_view text);
[[nodiscard]] Bytes encode_key_names(const std::vector<log::KeyName>& names);
[[nodiscard]] Result<std::vector<log::KeyName>> decode_key_names(BytesView bytes);

}  // namespace coffer::net
