// What the tool prints. Nothing that came from a server reaches the terminal as it is: control
// characters, also those above ASCII, are shown as escapes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "events/base/result.h"
#include "events/base/secret_bytes.h"

namespace coffer::cli {

enum class Exit : int {
  ok = 0,
  failure = 1,
  attention = 2,  // status: sealed or not initialised; verify, key, cluster: a problem was found
  usage = 64,
};

// Control characters, line separators and the marks that turn the direction of text as \uXXXX,
// bytes that are not UTF-8 as \xXX. JSON text keeps its meaning.
[[nodiscard]] std::string printable(std::string_view text);
// Columns that a printable text takes: its code points.
[[nodiscard]] std::size_t width_of(std::string_view text) noexcept;

// To standard output; `text` is made printable by the caller, who also ends the lines.
void print(std::string_view text);
// One line of JSON.
void print_json(const SecretBytes& json);
// False when something could not be written.
[[nodiscard]] bool flush_output();
// True when standard output is a terminal.
[[nodiscard]] bool on_terminal();

// To standard error.
void say_error(const Error& error);
// What a long command is at.
void say_progress(std::string_view text);
void say_warning(std::string_view text);
// Less protection is no reason not to work; an operator's tool holds one token for a moment.
inline void ignore_hardening_faults(const std::vector<std::string>&) noexcept {}

}  // namespace coffer::cli
