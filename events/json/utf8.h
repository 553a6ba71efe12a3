// UTF-8 validation at simdjson's speed.
#pragma once

#include <string_view>

namespace coffer::json {

// True when `text` is UTF-8 throughout.
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

}  // namespace coffer::json
