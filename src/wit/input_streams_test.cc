#include "wit/input_streams.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wit/tools.h"
#include "wit/type_facts.h"

namespace nimbus::wit {
namespace {

using testing::ElementsAre;

Document mapped(std::string text, const std::string& version = "0.2.3") {
  const std::vector<WitFile> files = {
      {"test.wit", std::move(text)},
      {"deps/io.wit", "package wasi:io@" + version +
                          "; interface streams { resource input-stream { skip: func(); }"
                          " resource output-stream {"
                          "   splice: func(source: borrow<input-stream>); } }"}};
  const Result<std::string> json = parseWit(files);
  EXPECT_TRUE(json) << json.error().describe();
  Result<Document> document = readDocument(json.value_or(""));
  EXPECT_TRUE(document) << document.error().describe();
  if (!document) return {};
  mapInputStreams(*document);
  return *std::move(document);
}

const Interface& interfaceOf(const Document& document, std::string_view name) {
  return document.at(document.findInterface(name).value());
}

std::vector<std::string> typesOf(const Interface& interface) {
  std::vector<std::string> names;
  for (const auto& [name, type] : interface.types) names.push_back(name);
  return names;
}

bool isByteStream(const Document& document, const TypeRef& type) {
  const TypeRef behind = document.resolve(type);
  const auto* index = std::get_if<TypeIndex>(&behind);
  const auto* stream = index == nullptr ? nullptr : std::get_if<Stream>(&document.at(*index).kind);
  return stream != nullptr && stream->element == TypeRef(Primitive::kU8);
}

TEST(InputStreams, AreStreamsOfBytesWhereTheyChangeHands) {
  const Document document = mapped(R"(package a:b; interface i {
    use wasi:io/streams@0.2.3.{input-stream as bytes, output-stream};
    type body = bytes;
    record file { name: string, content: own<bytes> }
    read: func(a: bytes, b: body, c: file) -> bytes;
  })");
  const Interface& interface = interfaceOf(document, "a:b/i");
  EXPECT_THAT(typesOf(interface), ElementsAre("output-stream", "file"));
  const Function& read = interface.functions.at(0);
  EXPECT_TRUE(isByteStream(document, read.params[0].type));
  EXPECT_TRUE(isByteStream(document, read.params[1].type));
  EXPECT_TRUE(isByteStream(document, *read.result));
  const auto& file = document.at(std::get<TypeIndex>(document.resolve(read.params[2].type)));
  EXPECT_TRUE(isByteStream(document, std::get<Record>(file.kind).fields[1].type));
}

TEST(InputStreams, AreNoTypeOfAWorldEither) {
  const Document document = mapped(R"(package a:b; world w {
    use wasi:io/streams@0.2.3.{input-stream};
    export read: func(source: input-stream);
  })");
  const World& world = document.at(*document.main_world);
  for (const WorldItem& item : world.imports)
    EXPECT_FALSE(std::holds_alternative<TypeIndex>(item.item)) << item.key;
  const auto& read = std::get<Function>(world.exports.at(0).item);
  EXPECT_TRUE(isByteStream(document, read.params[0].type));
}

TEST(InputStreams, StayResourcesInTheInterfaceThatHasThem) {
  const Document document = mapped(R"(package a:b; interface i {
    use wasi:io/streams@0.2.3.{input-stream};
    read: func(source: input-stream);
  })");
  const Interface& streams = interfaceOf(document, "wasi:io/streams");
  EXPECT_THAT(typesOf(streams), ElementsAre("input-stream", "output-stream"));
  TypeFactBook facts(document);
  for (const Function& function : streams.functions) {
    for (const Field& param : function.params) {
      EXPECT_TRUE(facts.of(param.type).borrows) << function.name;
      EXPECT_EQ(facts.of(param.type).unsupported, "") << function.name;
    }
  }
}

TEST(InputStreams, ThatAreLentHaveNoEncoding) {
  const Document document = mapped(R"(package a:b; interface i {
    use wasi:io/streams@0.2.3.{input-stream};
    peek: func(source: list<borrow<input-stream>>);
  })");
  TypeFactBook facts(document);
  const Function& peek = interfaceOf(document, "a:b/i").functions.at(0);
  EXPECT_EQ(facts.of(peek.params[0].type).unsupported, "a borrowed input-stream");
}

TEST(InputStreams, OfOtherVersionsAreResourcesLikeOthers) {
  const Document document = mapped(R"(package a:b; interface i {
    use wasi:io/streams@0.3.0.{input-stream};
    read: func(source: input-stream);
  })",
                                   "0.3.0");
  const Interface& interface = interfaceOf(document, "a:b/i");
  EXPECT_THAT(typesOf(interface), ElementsAre("input-stream"));
  EXPECT_FALSE(isByteStream(document, interface.functions.at(0).params[0].type));
}

}  // namespace
}  // namespace nimbus::wit
