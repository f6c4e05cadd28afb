#include "wit/document.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wit/tools.h"

namespace nimbus::wit {
namespace {

using testing::HasSubstr;

Document parse(std::string text) {
  const std::vector<WitFile> files = {{"test.wit", std::move(text)}};
  const Result<std::string> json = parseWit(files);
  EXPECT_TRUE(json) << json.error().message();
  Result<Document> document = readDocument(json.value_or(""));
  EXPECT_TRUE(document) << document.error().message();
  return document.value_or(Document());
}

const Interface& interfaceOf(const Document& document, std::string_view name) {
  const auto index = document.findInterface(name);
  EXPECT_TRUE(index) << name;
  return document.at(*index);
}

TEST(WitDocument, ReadsEveryKindOfType) {
  const Document document = parse(R"(package a:b@1.2.0;
    interface i {
      /// A record.
      record r { /// A field.
                 x: u8, y: list<string> }
      variant v { none, some(r) }
      enum e { one, two }
      flags f { read, write }
      resource s;
      type t = tuple<option<char>, result<own<s>, e>, borrow<s>, stream<u8>, future>;
      type again = t;
      f1: func(a: again, v: v, f: f);
    })");
  const Interface& interface = interfaceOf(document, "a:b/i");
  ASSERT_EQ(interface.types.size(), 7U);
  const Type& record = document.at(interface.types[0].second);
  EXPECT_EQ(record.name, "r");
  EXPECT_EQ(record.docs, "A record.");
  const auto& fields = std::get<Record>(record.kind).fields;
  EXPECT_EQ(fields[0].docs, "A field.");
  EXPECT_EQ(std::get<Primitive>(fields[0].type), Primitive::kU8);
  const Type& list = document.at(std::get<TypeIndex>(fields[1].type));
  EXPECT_EQ(std::get<Primitive>(std::get<List>(list.kind).element), Primitive::kString);

  const auto& cases = std::get<Variant>(document.at(interface.types[1].second).kind).cases;
  EXPECT_FALSE(cases[0].type);
  EXPECT_EQ(std::get<TypeIndex>(*cases[1].type), interface.types[0].second);
  EXPECT_EQ(std::get<Enum>(document.at(interface.types[2].second).kind).cases[1].name, "two");
  EXPECT_EQ(std::get<Flags>(document.at(interface.types[3].second).kind).labels[0].name, "read");
  EXPECT_TRUE(std::holds_alternative<ResourceType>(document.at(interface.types[4].second).kind));

  const TypeRef again = document.resolve(interface.types[6].second);
  const auto& tuple = std::get<Tuple>(document.at(std::get<TypeIndex>(again)).kind);
  ASSERT_EQ(tuple.types.size(), 5U);
  const auto kind = [&](std::size_t i) { return document.at(std::get<TypeIndex>(tuple.types[i])); };
  EXPECT_FALSE(std::get<Handle>(
                   document.at(std::get<TypeIndex>(*std::get<ResultType>(kind(1).kind).ok)).kind)
                   .borrowed);
  EXPECT_TRUE(std::get<Handle>(kind(2).kind).borrowed);
  EXPECT_TRUE(std::get<Stream>(kind(3).kind).element);
  EXPECT_FALSE(std::get<Future>(kind(4).kind).value);
}

TEST(WitDocument, KnowsWhatAFunctionBelongsTo) {
  const Document document = parse(R"(package a:b;
    interface i {
      resource s {
        constructor(name: string);
        /// Gets it.
        get: func() -> u32;
        made: static func() -> s;
        wait: async func();
      }
      free: func(x: u8) -> bool;
    })");
  const auto& functions = interfaceOf(document, "a:b/i").functions;
  ASSERT_EQ(functions.size(), 5U);
  EXPECT_EQ(functions[0].kind, FunctionKind::kConstructor);
  EXPECT_EQ(wireName(functions[0]), "s");
  EXPECT_EQ(functions[1].kind, FunctionKind::kMethod);
  EXPECT_EQ(functions[1].docs, "Gets it.");
  EXPECT_EQ(functions[1].params[0].name, "self");
  EXPECT_EQ(wireName(functions[1]), "s.get");
  EXPECT_EQ(functions[2].kind, FunctionKind::kStatic);
  EXPECT_TRUE(functions[3].async);
  EXPECT_EQ(functions[4].kind, FunctionKind::kFreestanding);
  EXPECT_EQ(wireName(functions[4]), "free");
  EXPECT_EQ(std::get<Primitive>(*functions[4].result), Primitive::kBool);
}

TEST(WitDocument, ReadsWorldsWithTheirOwnItems) {
  const Document document = parse(R"(package a:b;
    interface i { f: func(); }
    world w {
      use shared.{t};
      import i;
      import inner: interface { g: func(); }
      type local = list<t>;
      export run: func(x: local);
    }
    interface shared { type t = u8; })");
  ASSERT_TRUE(document.main_world);
  const World& world = document.at(*document.main_world);
  EXPECT_EQ(world.name, "w");
  ASSERT_EQ(world.exports.size(), 1U);
  EXPECT_EQ(world.exports[0].key, "run");
  EXPECT_EQ(std::get<Function>(world.exports[0].item).params.size(), 1U);
  std::size_t interfaces = 0;
  std::size_t types = 0;
  for (const WorldItem& item : world.imports) {
    if (std::holds_alternative<InterfaceIndex>(item.item)) ++interfaces;
    if (std::holds_alternative<TypeIndex>(item.item)) ++types;
  }
  EXPECT_EQ(interfaces, 3U);
  EXPECT_EQ(types, 2U);
}

TEST(WitDocument, FindsInterfacesWithoutTheirVersionIfThereIsOne) {
  const Document one = parse("package a:b@1.0.0; interface i {}");
  EXPECT_TRUE(one.findInterface("a:b/i"));
  EXPECT_TRUE(one.findInterface("a:b/i@1.0.0"));
  EXPECT_FALSE(one.findInterface("a:b/i@1.0.1"));
  EXPECT_FALSE(one.findInterface("a:b/j"));
  const Document two = parse(R"(package x:y;
    package a:b@1.0.0 { interface i {} }
    package a:b@2.0.0 { interface i {} })");
  EXPECT_FALSE(two.findInterface("a:b/i"));
  EXPECT_TRUE(two.findInterface("a:b/i@2.0.0"));
}

TEST(WitDocument, RefusesWhatIsNotOfItsForm) {
  const auto message = [](std::string_view json) {
    const Result<Document> document = readDocument(json);
    return document ? "accepted" : document.error().message();
  };
  EXPECT_THAT(message("[]"), HasSubstr("the WIT document is wrong"));
  EXPECT_THAT(message("{"), HasSubstr("the WIT document is wrong"));
  EXPECT_THAT(
      message(R"({"main":{"package":0,"world":null},"worlds":[],"interfaces":[],"packages":[],
                  "types":[{"name":null,"kind":{"list":0},"owner":null}]})"),
      HasSubstr("an index points nowhere"));
}

}  // namespace
}  // namespace nimbus::wit
