#include "wit/packages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wit/tools.h"

namespace nimbus::wit {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

const std::vector<WitFile> kApp = {
    {"world.wit",
     "package acme:app@1.0.0;\n"
     "world app { import acme:log/sink@0.2.0; import acme:plain/things; }\n"}};
const WitFile kPlain = {"deps/plain.wit", "package acme:plain;\ninterface things { f: func(); }\n"};
const std::vector<WitFile> kLog = {
    {"log.wit",
     "package acme:log@0.2.0;\n"
     "interface sink { use acme:io/streams@0.1.0.{line};\n"
     "  /// Writes one line.\n  write: func(l: line);\n"
     "  @unstable(feature = flush)\n  flush: func(); }\n"
     "interface unused { f: func(); }\n"},
    {"deps/io.wit",
     "package acme:io@0.1.0;\ninterface streams { type line = string; }\n"
     "interface other { g: func(); }\n"}};

std::vector<WitFile> with(std::vector<WitFile> files, const WitFile& more) {
  files.push_back(more);
  return files;
}

EncodedPackage encoded(const std::vector<WitFile>& files) {
  auto wasm = encodePackage(files);
  EXPECT_TRUE(wasm) << wasm.error().describe();
  return {"a package", wasm.value_or(Bytes())};
}

std::vector<std::string> names(const std::vector<PackageRef>& packages) {
  std::vector<std::string> texts;
  for (const PackageRef& package : packages) texts.push_back(package.text());
  return texts;
}

std::string failure(const auto& result) { return result ? "taken" : result.error().message(); }

TEST(PackageRefTest, IsReadInItsParts) {
  const auto name = PackageRef::parse("wasi:http@0.2.3-rc.1+b");
  ASSERT_TRUE(name);
  EXPECT_EQ(name->nameSpace(), "wasi");
  EXPECT_EQ(name->word(), "http");
  EXPECT_EQ(name->version, "0.2.3-rc.1+b");
  EXPECT_EQ(name->text(), "wasi:http@0.2.3-rc.1+b");
  EXPECT_EQ(PackageRef::parse("wasi:http")->version, "");
}

TEST(PackageRefTest, RefusesOtherForms) {
  for (const char* text :
       {"", "wasi", "wasi:", ":http", "wasi:http@", "wasi:http/types", "wasi:../x",
        "wasi:http@../1", "Wasi:http", "wasi:http@1 ", "a:b:c", "wasi:http@1@2"})
    EXPECT_FALSE(PackageRef::parse(text)) << text;
}

TEST(PackageNeedsTest, ListsWhatIsNotThere) {
  const auto found = packageNeeds(kApp);
  ASSERT_TRUE(found) << found.error().describe();
  EXPECT_EQ(found->package.text(), "acme:app@1.0.0");
  EXPECT_THAT(names(found->needs), ElementsAre("acme:log@0.2.0", "acme:plain"));
}

TEST(PackageNeedsTest, LeavesOutPackagesWithinTheFile) {
  const auto found = packageNeeds(
      std::vector<WitFile>{{"a.wit",
                            "package a:a;\npackage a:b { interface i { use a:d/j.{t}; } }\n"
                            "interface j { use a:b/i.{t}; }\n"}});
  ASSERT_TRUE(found) << found.error().describe();
  EXPECT_THAT(names(found->needs), ElementsAre("a:d"));
}

TEST(PackageNeedsTest, NamesThePlaceOfAnError) {
  EXPECT_THAT(failure(packageNeeds(std::vector<WitFile>{{"a.wit", "package a:a;\nworld {}"}})),
              StartsWith("a.wit:2:7: "));
}

TEST(EncodedNeedsTest, ReadsABinary) {
  const auto found = encodedNeeds(encoded(kLog).wasm.view());
  ASSERT_TRUE(found) << found.error().describe();
  EXPECT_EQ(found->package.text(), "acme:log@0.2.0");
  EXPECT_THAT(names(found->needs), ElementsAre("acme:io@0.1.0"));
}

TEST(EncodedNeedsTest, RefusesComponentsAndOthers) {
  EXPECT_EQ(failure(encodedNeeds(watToWasm("(component)")->view())),
            "it is a component, not a WIT package");
  EXPECT_EQ(failure(encodedNeeds(asBytes("hello"))), "not a WebAssembly binary");
}

TEST(GatherPackagesTest, TakesTextsAndBinaries) {
  const std::vector<EncodedPackage> log = {encoded(kLog)};
  const auto found = gatherPackages(with(kApp, kPlain), log);
  ASSERT_TRUE(found) << found.error().describe();
  ASSERT_EQ(found->size(), 3);
  EXPECT_EQ((*found)[0].package.text(), "acme:io@0.1.0");
  EXPECT_EQ((*found)[1].package.text(), "acme:log@0.2.0");
  EXPECT_EQ((*found)[2].package.text(), "acme:plain");
  EXPECT_THAT((*found)[0].text, HasSubstr("type line = string;"));
  EXPECT_THAT((*found)[1].text,
              AllOf(StartsWith("package acme:log@0.2.0;"), HasSubstr("/// Writes one line."),
                    HasSubstr("@unstable(feature = flush)"), HasSubstr("interface unused")));
}

TEST(GatherPackagesTest, GivesWhatResolvesAgain) {
  const std::vector<EncodedPackage> log = {encoded(kLog)};
  const auto found = gatherPackages(with(kApp, kPlain), log);
  ASSERT_TRUE(found) << found.error().describe();
  std::vector<WitFile> files = kApp;
  for (const PackageText& package : *found)
    files.push_back({"deps/" + package.package.text() + ".wit", package.text});
  EXPECT_TRUE(parseWit(files)) << failure(parseWit(files));
}

TEST(GatherPackagesTest, JoinsWhatIsInSeveral) {
  const WitFile io_text = {"deps/io.wit", kLog[1].text};
  const std::vector<EncodedPackage> log = {encoded(kLog)};
  const auto found = gatherPackages(with(with(kApp, kPlain), io_text), log);
  ASSERT_TRUE(found) << found.error().describe();
  EXPECT_THAT((*found)[0].text, HasSubstr("interface other"));
}

TEST(GatherPackagesTest, LeavesOutWhatIsNotNeeded) {
  const std::vector<WitFile> app = {{"world.wit", "package a:a;\nworld w {}\n"}, kPlain};
  const std::vector<EncodedPackage> log = {encoded(kLog)};
  const auto found = gatherPackages(app, log);
  ASSERT_TRUE(found) << found.error().describe();
  EXPECT_THAT(*found, IsEmpty());
}

TEST(GatherPackagesTest, NamesWhatIsMissing) {
  const std::vector<EncodedPackage> log = {encoded(kLog)};
  EXPECT_THAT(failure(gatherPackages(kApp, log)),
              AllOf(HasSubstr("world.wit:2:"), HasSubstr("acme:plain")));
}

TEST(GatherPackagesTest, PrefersTextsWherePackagesDiffer) {
  const WitFile io_text = {"deps/io.wit",
                           "package acme:io@0.1.0;\ninterface streams { type line = list<u8>; }\n"};
  const std::vector<EncodedPackage> log = {encoded(kLog)};
  const auto found = gatherPackages(with(with(kApp, kPlain), io_text), log);
  ASSERT_TRUE(found) << found.error().describe();
  EXPECT_THAT((*found)[0].text, HasSubstr("type line = list<u8>;"));
}

TEST(GatherPackagesTest, RefusesComponents) {
  const std::vector<EncodedPackage> component = {{"acme:log", *watToWasm("(component)")}};
  EXPECT_THAT(failure(gatherPackages(with(kApp, kPlain), component)),
              HasSubstr("acme:log is a component, not a WIT package"));
}

TEST(EncodePackageTest, NamesTheBinary) {
  const std::string metadata = metadataJson(encoded(kLog).wasm.view()).value_or("");
  EXPECT_THAT(metadata, AllOf(HasSubstr("\"acme:log\""), HasSubstr("\"0.2.0\"")));
}

TEST(EncodePackageTest, NeedsEverything) {
  EXPECT_THAT(failure(encodePackage(kApp)), HasSubstr("acme:log"));
  EXPECT_THAT(failure(encodePackage({})), Not(IsEmpty()));
}

}  // namespace
}  // namespace nimbus::wit
