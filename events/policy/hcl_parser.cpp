#include "events/policy/hcl_parser.h"

#include <utility>

#include <fmt/format.h>

namespace coffer::policy::hcl {
namespace {

// Recursive descent with one token of look-ahead; every level of recursion passes enter().
class Parser {
 public:
  explicit Parser(std::string_view text) : lexer_(text) {}

  Result<Node> text() {
    COFFER_TRY(advance());
    return members(TokenKind::end);
  }

 private:
  Result<void> advance() {
    COFFER_ASSIGN(token_, lexer_.next());
    return {};
  }
  [[nodiscard]] Error unexpected(std::string_view wanted) const {
    return error_at(token_.at, fmt::format("expected {}, got {}", wanted, to_string(token_.kind)));
  }
  Result<void> enter() {
    if (++depth_ > kNestingMax) return error_at(token_.at, "nested too deeply");
    return {};
  }

  Result<Node> members(TokenKind closing);
  Result<Item> item();
  Result<Node> block_or_value(std::size_t extra_names);
  Result<Node> value();
  Result<Node> list();
  Result<Node> object();

  Lexer lexer_;
  Token token_;
  std::size_t depth_ = 0;
};

// Items up to `closing`, which stays the current token. Commas between items are optional.
Result<Node> Parser::members(TokenKind closing) {
  Node node;
  node.kind = Node::Kind::object;
  while (token_.kind != closing) {
    COFFER_ASSIGN(auto member, item());
    node.members.push_back(std::move(member));
    if (token_.kind == TokenKind::comma) COFFER_TRY(advance());
  }
  return node;
}

Result<Item> Parser::item() {
  std::vector<std::pair<std::string, Position>> names;
  while (token_.kind == TokenKind::identifier || token_.kind == TokenKind::string) {
    names.emplace_back(std::move(token_.text), token_.at);
    if (names.size() > kNestingMax) return error_at(token_.at, "nested too deeply");
    COFFER_TRY(advance());
  }
  if (names.empty()) return unexpected("a name");
  const std::size_t depth = depth_;
  depth_ += names.size() - 1;
  COFFER_ASSIGN(auto node, block_or_value(names.size() - 1));
  depth_ = depth;
  // From the inside out, each further name is an object around what it names.
  while (names.size() > 1) {
    Item inner{std::move(names.back().first), std::move(node), names.back().second};
    names.pop_back();
    node = Node{};
    node.kind = Node::Kind::object;
    node.members.push_back(std::move(inner));
  }
  return Item{std::move(names.front().first), std::move(node), names.front().second};
}

Result<Node> Parser::block_or_value(std::size_t extra_names) {
  if (token_.kind == TokenKind::open_brace) return object();
  if (token_.kind != TokenKind::assign) return unexpected("'=' or '{'");
  if (extra_names != 0) return unexpected("'{' after several names");
  COFFER_TRY(advance());
  return value();
}

Result<Node> Parser::value() {
  Node node;
  switch (token_.kind) {
    case TokenKind::open_brace:
      return object();
    case TokenKind::open_bracket:
      return list();
    case TokenKind::string:
      node.kind = Node::Kind::string;
      break;
    case TokenKind::number:
      node.kind = Node::Kind::number;
      break;
    case TokenKind::boolean:
      node.kind = Node::Kind::boolean;
      break;
    default:
      return unexpected("a value");
  }
  node.text = std::move(token_.text);
  COFFER_TRY(advance());
  return node;
}

Result<Node> Parser::list() {
  COFFER_TRY(enter());
  COFFER_TRY(advance());
  Node node;
  node.kind = Node::Kind::list;
  while (token_.kind != TokenKind::close_bracket) {
    COFFER_ASSIGN(auto element, value());
    node.items.push_back(std::move(element));
    if (token_.kind == TokenKind::comma) {
      COFFER_TRY(advance());
    } else if (token_.kind != TokenKind::close_bracket) {
      return unexpected("',' or ']'");
    }
  }
  --depth_;
  COFFER_TRY(advance());
  return node;
}

Result<Node> Parser::object() {
  COFFER_TRY(enter());
  COFFER_TRY(advance());
  COFFER_ASSIGN(auto node, members(TokenKind::close_brace));
  --depth_;
  COFFER_TRY(advance());
  return node;
}

}  // namespace

Result<Node> parse(std::string_view text) {
  return Parser(text).text();
}

}  // namespace coffer::policy::hcl
