// Text of request targets: percent-decoding, path cleaning, what may stand in a path. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace coffer::net::vault {

// Decodes into `out`, which must have room for text.size() bytes; the number of bytes written, or
// empty for a bad escape. In queries and forms a plus stands for a space.
[[nodiscard]] std::optional<std::size_t> percent_decode(std::string_view text, bool plus_is_space,
                                                        char* out) noexcept;

[[nodiscard]] bool is_utf8(std::string_view text) noexcept;
// Valid UTF-8 without control, format or space characters other than U+0020.
[[nodiscard]] bool is_printable(std::string_view text) noexcept;

// True when one segment is "..".
[[nodiscard]] bool has_parent_segment(std::string_view path) noexcept;

// The path without empty, "." and ".." segments; absent when it is clean already. Works on the
// path as it was sent: an encoded ".." is none here.
[[nodiscard]] std::optional<std::string> cleaned_path(std::string_view raw_path);

// "1", "t", "TRUE", "false", ... as Go's strconv.ParseBool; empty for anything else.
[[nodiscard]] std::optional<bool> parse_bool(std::string_view text) noexcept;

// `text` as HTML text or attribute value.
[[nodiscard]] std::string escape_html(std::string_view text);

}  // namespace coffer::net::vault
