// Which fields of a request a rule accepts. Names are compared without regard to ASCII case.
#pragma once

#include <string>
#include <string_view>

#include "events/json/json_value.h"
#include "events/policy/rule.h"

namespace coffer::policy {

// The field of that lower-case name; null when absent. `parameters` may be null.
[[nodiscard]] const json::Value* find_parameter(const json::Value* parameters,
                                                std::string_view name) noexcept;

// "parameter <name>" of the first field that is missing or refused, else empty.
[[nodiscard]] std::string refused_parameter(const Rule& rule, const json::Value* parameters);

}  // namespace coffer::policy
