// find_claim and matches_glob of claim_rules.h.
#include <charconv>

#include "net/authn/claim_rules.h"

namespace coffer::authn {
namespace {

// Undoes ~1 and ~0 (RFC 6901, 4); nothing for another use of '~'.
std::optional<std::string> unescape(std::string_view token) {
  std::string out;
  for (std::size_t i = 0; i < token.size(); ++i) {
    if (token[i] != '~') {
      out += token[i];
      continue;
    }
    if (++i == token.size() || (token[i] != '0' && token[i] != '1')) return std::nullopt;
    out += token[i] == '0' ? '~' : '/';
  }
  return out;
}

const json::Value* element(const json::Value& array, std::string_view token) noexcept {
  if (token.size() > 1 && token.front() == '0') return nullptr;
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), index);
  if (error != std::errc() || end != token.data() + token.size()) return nullptr;
  return index < array.items().size() ? array.items()[index] : nullptr;
}

const json::Value* child(const json::Value& parent, std::string_view token) noexcept {
  if (parent.is_array()) return element(parent, token);
  const auto name = unescape(token);
  return name ? parent.find(*name) : nullptr;
}

}  // namespace

const json::Value* find_claim(const json::Value& claims, std::string_view name) noexcept {
  if (!name.starts_with('/')) return claims.find(name);
  const json::Value* at = &claims;
  while (at != nullptr && !name.empty()) {
    name.remove_prefix(1);
    const std::string_view token = name.substr(0, name.find('/'));
    name.remove_prefix(token.size());
    at = child(*at, token);
  }
  return at;
}

bool matches_glob(std::string_view pattern, std::string_view text) noexcept {
  // Greedy with one point of return, the last '*': an earlier star never needs another try.
  std::size_t p = 0, t = 0;
  std::size_t star = std::string_view::npos, star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace coffer::authn
