// RFC 7386 against its own table and against a naive implementation over a tree of our own.
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "events/json/json_value.h"

namespace {

using namespace coffer;
using json::Document;

std::string text_of(const json::Value& value) {
  SecretBytes out;
  json::write(value, out);
  return std::string(out.expose_text());
}

struct PatchRow {
  std::string_view target, patch, expected;
};

// The appendix of RFC 7386.
const std::vector<PatchRow> kPatches = {
    {R"({"a":"b"})", R"({"a":"c"})", R"({"a":"c"})"},
    {R"({"a":"b"})", R"({"b":"c"})", R"({"a":"b","b":"c"})"},
    {R"({"a":"b"})", R"({"a":null})", R"({})"},
    {R"({"a":"b","b":"c"})", R"({"a":null})", R"({"b":"c"})"},
    {R"({"a":["b"]})", R"({"a":"c"})", R"({"a":"c"})"},
    {R"({"a":"c"})", R"({"a":["b"]})", R"({"a":["b"]})"},
    {R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})", R"({"a":{"b":"d"}})"},
    {R"({"a":[{"b":"c"}]})", R"({"a":[1]})", R"({"a":[1]})"},
    {R"(["a","b"])", R"(["c","d"])", R"(["c","d"])"},
    {R"({"a":"b"})", R"(["c"])", R"(["c"])"},
    {R"({"a":"foo"})", "null", "null"},
    {R"({"a":"foo"})", R"("bar")", R"("bar")"},
    {R"({"e":null})", R"({"a":1})", R"({"e":null,"a":1})"},
    {R"([1,2])", R"({"a":"b","c":null})", R"({"a":"b"})"},
    {R"({})", R"({"a":{"bb":{"ccc":null}}})", R"({"a":{"bb":{}}})"},
};

TEST_CASE("json: merge patch, the table of RFC 7386") {
  for (const PatchRow& row : kPatches) {
    CAPTURE(row.patch);
    Document target = std::move(Document::parse(row.target)).value();
    Document patch = std::move(Document::parse(row.patch)).value();
    Document document;
    const json::Value* merged = json::merge_patch(document, &target.root(), patch.root());
    patch = Document();
    target = Document();
    CHECK(text_of(*merged) == row.expected);
  }
  Document patch = std::move(Document::parse(R"({"a":{"b":null,"c":1},"d":null})")).value();
  Document document;
  CHECK(text_of(*json::merge_patch(document, nullptr, patch.root())) == R"({"a":{"c":1}})");
}

// A tree of our own, for an oracle that shares no code with the implementation.
struct Tree {
  enum Kind { null, leaf, list, object } kind = null;
  std::string leaf_text;
  std::vector<Tree> items;
  std::map<std::string, Tree> members;

  bool operator==(const Tree&) const = default;
};

Tree random_tree(int depth) {
  Tree tree;
  tree.kind = depth > 0 ? *rc::gen::element(Tree::null, Tree::leaf, Tree::list, Tree::object,
                                            Tree::object, Tree::object)
                        : *rc::gen::element(Tree::null, Tree::leaf);
  if (tree.kind == Tree::leaf) {
    tree.leaf_text =
        *rc::gen::element<std::string>("1", "2.50", "true", "\"x\"", "\"\\n\"", "1e400");
  } else if (tree.kind == Tree::list) {
    for (int i = *rc::gen::inRange(0, 3); i > 0; --i) tree.items.push_back(random_tree(depth - 1));
  } else if (tree.kind == Tree::object) {
    for (int i = *rc::gen::inRange(0, 4); i > 0; --i) {
      tree.members[*rc::gen::element<std::string>("a", "b", "c", "é")] = random_tree(depth - 1);
    }
  }
  return tree;
}

std::string print(const Tree& tree) {
  std::string out;
  if (tree.kind == Tree::null) return "null";
  if (tree.kind == Tree::leaf) return tree.leaf_text;
  if (tree.kind == Tree::list) {
    for (const Tree& item : tree.items) out += (out.empty() ? "" : " , ") + print(item);
    return "[" + out + "]";
  }
  for (const auto& [key, value] : tree.members) {
    out += (out.empty() ? "\"" : ",\n\"") + key + "\" : " + print(value);
  }
  return "{" + out + "}";
}

Tree tree_of(const json::Value& value) {
  Tree tree;
  if (value.is_null()) return tree;
  if (value.is_array()) {
    tree.kind = Tree::list;
    for (const auto* item : value.items()) tree.items.push_back(tree_of(*item));
  } else if (value.is_object()) {
    tree.kind = Tree::object;
    for (const auto& member : value.members()) {
      RC_ASSERT(tree.members.emplace(std::string(member.key), tree_of(*member.value)).second);
    }
  } else {
    tree.kind = Tree::leaf;
    tree.leaf_text = text_of(value);
  }
  return tree;
}

// The pseudo code of RFC 7386, line by line.
Tree patched(Tree target, const Tree& patch) {
  if (patch.kind != Tree::object) return patch;
  if (target.kind != Tree::object) {
    target = Tree{};
    target.kind = Tree::object;
  }
  for (const auto& [name, value] : patch.members) {
    if (value.kind == Tree::null)
      target.members.erase(name);
    else
      target.members[name] = patched(target.members[name], value);
  }
  return target;
}

TEST_CASE("json: merge patch does what the naive one does") {
  REQUIRE(rc::check([] {
    const Tree target = random_tree(4);
    const Tree patch = random_tree(4);
    auto target_document = Document::parse(print(target));
    auto patch_document = Document::parse(print(patch));
    RC_ASSERT(target_document.ok());
    RC_ASSERT(patch_document.ok());
    Document document;
    const auto* merged =
        json::merge_patch(document, &target_document->root(), patch_document->root());
    RC_ASSERT(tree_of(*merged) == patched(target, patch));
    RC_ASSERT(tree_of(target_document->root()) == target);
  }));
}

TEST_CASE("json: merge patch of large objects") {
  std::string target, patch, expected;
  for (int i = 0; i < 20'000; ++i) {
    const std::string key = "\"key" + std::to_string(i) + "\":";
    target += (i == 0 ? "{" : ",") + key + "1";
    patch += (i == 0 ? "{" : ",") + key + (i % 2 == 0 ? "null" : "2");
    if (i % 2 != 0) expected += (expected.empty() ? "{" : ",") + key + "2";
  }
  auto target_document = Document::parse(target + "}");
  auto patch_document = Document::parse(patch + "}");
  Document document;
  const auto* merged =
      json::merge_patch(document, &target_document->root(), patch_document->root());
  CHECK(text_of(*merged) == expected + "}");
}

}  // namespace
