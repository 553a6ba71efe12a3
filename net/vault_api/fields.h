// Reads the fields of a request with Vault's lenient conversions ("weak decode"): an int may be
// written "5", a bool 1, a duration 30 or "30s", a list "a,b". Errors carry the texts Vault sends.
// Pure; the Value must outlive the Fields and every pointer taken from it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "events/base/result.h"
#include "events/base/time.h"
#include "events/json/json_value.h"

namespace coffer::net::vault {

using TextMap = std::map<std::string, std::string>;

// By themselves, for values that are no field of their own. The error says what is wrong with the
// value and names no field.
[[nodiscard]] Result<std::int64_t> to_integer(const json::Value& value);
[[nodiscard]] Result<bool> to_boolean(const json::Value& value);
[[nodiscard]] Result<Seconds> to_duration(const json::Value& value);
[[nodiscard]] Result<std::string> to_text(const json::Value& value);
[[nodiscard]] Result<TextMap> to_text_map(const json::Value& value);

class Fields {
 public:
  // `before_existence_check`: Vault leaves the words "Field validation failed: " away on writes
  // for which it looks first whether the object exists.
  enum class Prefix : std::uint8_t { validation, before_existence_check };

  // `root` may be null: no field was sent.
  explicit Fields(const json::Value* root, Prefix prefix = Prefix::validation)
      : root_(root), prefix_(prefix) {}

  // Null when absent. A field that is JSON null is there.
  [[nodiscard]] const json::Value* find(std::string_view name) const noexcept {
    return root_ == nullptr ? nullptr : root_->find(name);
  }
  [[nodiscard]] bool has(std::string_view name) const noexcept { return find(name) != nullptr; }

  // Empty when absent. JSON null is zero, false or empty, as in Vault.
  [[nodiscard]] Result<std::optional<std::int64_t>> integer(std::string_view name) const;
  [[nodiscard]] Result<std::optional<bool>> boolean(std::string_view name) const;
  [[nodiscard]] Result<std::optional<std::string>> text(std::string_view name) const;
  [[nodiscard]] Result<std::optional<TextMap>> text_map(std::string_view name) const;
  [[nodiscard]] Result<std::optional<std::vector<std::string>>> text_list(
      std::string_view name) const;
  [[nodiscard]] Result<std::optional<std::vector<std::int64_t>>> integer_list(
      std::string_view name) const;
  // JSON null counts as absent here.
  [[nodiscard]] Result<std::optional<Seconds>> duration(std::string_view name) const;
  [[nodiscard]] Result<std::optional<Seconds>> signed_duration(std::string_view name) const;
  // An object; null when absent or JSON null. An empty array counts as an empty object: then
  // `empty` is set and the pointer is null.
  struct Map {
    const json::Value* object = nullptr;
    bool empty = false;
  };
  [[nodiscard]] Result<Map> map(std::string_view name) const;

 private:
  [[nodiscard]] Error bad_field(std::string_view name, const std::string& why) const;
  template <class T, class Convert>
  [[nodiscard]] Result<std::optional<T>> convert(std::string_view name, Convert to) const;

  const json::Value* root_;
  Prefix prefix_;
};

}  // namespace coffer::net::vault
