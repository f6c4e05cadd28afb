#include "witdeps/source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nimbus::witdeps {
namespace {

using testing::HasSubstr;

const std::string kDigest = "sha256:" + std::string(64, 'a');

template <typename Kind>
Kind parsed(std::string_view text) {
  const auto source = parseSource(text);
  EXPECT_TRUE(source) << source.error().describe();
  if (!source || !std::holds_alternative<Kind>(*source)) {
    ADD_FAILURE() << text << " is another kind of source";
    return {};
  }
  return std::get<Kind>(*source);
}

std::string failure(std::string_view text) {
  const auto source = parseSource(text);
  return source ? "taken" : source.error().describe();
}

TEST(SourceTest, TellsPaths) {
  for (const char* text : {"./wit/log", "/srv/wit", "wit/log.wit", "../x.wasm"})
    EXPECT_EQ(parsed<PathSource>(text).path, text);
}

TEST(SourceTest, TellsRepositories) {
  auto git = parsed<GitSource>("git+https://example.com/log#v1:wit/log");
  EXPECT_EQ(git.url, "https://example.com/log");
  EXPECT_EQ(git.ref, "v1");
  EXPECT_EQ(git.folder, "wit/log");
  git = parsed<GitSource>("https://example.com/log.git");
  EXPECT_EQ(git.url, "https://example.com/log.git");
  EXPECT_EQ(git.ref, "");
  EXPECT_EQ(parsed<GitSource>("ssh://git@example.com/log.git#:wit").folder, "wit");
}

TEST(SourceTest, TellsAddresses) {
  EXPECT_EQ(parsed<HttpSource>("https://example.com/a.tar.gz").url, "https://example.com/a.tar.gz");
  const auto http = parsed<HttpSource>("http://example.com/a.wasm#" + kDigest);
  EXPECT_EQ(http.url, "http://example.com/a.wasm");
  EXPECT_EQ(http.digest->text(), kDigest);
}

TEST(SourceTest, TellsReferences) {
  auto oci = parsed<OciSource>("oci://localhost:5000");
  EXPECT_EQ(oci.registry, "localhost:5000");
  EXPECT_EQ(oci.repository, "");
  oci = parsed<OciSource>("ghcr.io/acme/wit/log");
  EXPECT_EQ(oci.repository, "acme/wit/log");
  EXPECT_EQ(oci.version, "");
  EXPECT_EQ(parsed<OciSource>("localhost:5000/acme/log:1.0").version, ":1.0");
  EXPECT_EQ(parsed<OciSource>("localhost:5000/acme/log@" + kDigest).version, "@" + kDigest);
}

TEST(SourceTest, SaysWhatIsWrong) {
  EXPECT_THAT(failure(""), HasSubstr("empty"));
  EXPECT_THAT(failure("git+--upload-pack=x"), HasSubstr("names no repository"));
  EXPECT_THAT(failure("git+https://example.com/x#--exec=y"), HasSubstr("names no branch"));
  EXPECT_THAT(failure("http://example.com/a.wasm"), HasSubstr("without TLS"));
  EXPECT_THAT(failure("https://example.com/a#md5:1"), HasSubstr("#sha256:"));
  EXPECT_THAT(failure("https://"), HasSubstr("is no http"));
  EXPECT_THAT(failure("oci://UPPER/x y"), testing::Not(HasSubstr("taken")));
}

TEST(SourceForTest, PrefersWhatIsMoreExact) {
  const project::StringMap sources = {
      {"acme", "./all"}, {"acme:log", "./log"}, {"acme:log@1.0.0", "./one"}};
  const auto find = [&](std::string_view package) {
    return (*sourceFor(sources, *wit::PackageRef::parse(package)))->text;
  };
  EXPECT_EQ(find("acme:log@1.0.0"), "./one");
  EXPECT_EQ(find("acme:log@2.0.0"), "./log");
  EXPECT_EQ(find("acme:other"), "./all");
  EXPECT_FALSE(*sourceFor(sources, *wit::PackageRef::parse("wasi:http")));
}

TEST(CheckSourcesTest, NamesTheEntry) {
  EXPECT_TRUE(checkSources({{"acme", "./all"}, {"acme:log@1.0.0", "./one"}}));
  EXPECT_THAT(checkSources({{"../acme", "./all"}}).error().message(), HasSubstr("\"../acme\""));
  EXPECT_THAT(checkSources({{"acme", "http://x/y"}}).error().describe(),
              HasSubstr("wit.sources.acme: "));
}

}  // namespace
}  // namespace nimbus::witdeps
