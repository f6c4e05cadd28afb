#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/manifest/manifest.h"

namespace nimbus::host {
namespace {

using ::testing::HasSubstr;

// A manifest of the namespace "own" whose interface a:b has that provider.
Result<WorkloadSpec> parse(std::string_view provider, std::string_view folder = "/srv/workloads") {
  return parseManifest(
      fmt::format("name: shop\nnamespace: own\ncomponents: [{{name: web, file: /a.wasm}}]\n"
                  "hostInterfaces:\n  - {{namespace: a, package: b, provider: \"{}\"}}\n",
                  provider),
      "m.yaml", folder);
}

std::string providerOf(std::string_view provider) {
  const auto spec = parse(provider);
  return spec ? spec->host_interfaces[0].provider : spec.error().message();
}

std::string whyNotRunnable(std::string_view provider) {
  const auto spec = parse(provider);
  if (!spec) return "not even parsed: " + spec.error().message();
  const auto runnable = checkRunnable(*spec);
  return runnable ? "" : runnable.error().message();
}

TEST(ManifestProvider, TheRelativePathOfASocketStartsAtTheFolder) {
  EXPECT_EQ(providerOf("unix:h.sock"), "unix:/srv/workloads/h.sock");
  EXPECT_EQ(providerOf("unix:../h.sock"), "unix:/srv/h.sock");
  EXPECT_EQ(providerOf("unix:/run/h.sock"), "unix:/run/h.sock");
}

TEST(ManifestProvider, WithoutAFolderTheSocketMustBeAbsolute) {
  EXPECT_TRUE(parse("unix:/run/h.sock", ""));
  EXPECT_EQ(parse("unix:h.sock", "").error().message(),
            "m.yaml:5: hostInterfaces[0].provider: \"h.sock\" must be an absolute path here");
}

TEST(ManifestProvider, ASocketWhosePathBecomesTooLongIsRefused) {
  EXPECT_THAT(providerOf("unix:" + std::string(100, 'x')),
              HasSubstr("the path of a socket has at most 107 bytes"));
}

TEST(ManifestProvider, NobodyIsAtPort0) {
  EXPECT_THAT(providerOf("tcp:1.2.3.4:0"),
              HasSubstr("m.yaml:5: hostInterfaces[0].provider: \"tcp:1.2.3.4:0\" is not a "
                        "provider: nobody can be reached at port 0"));
}

TEST(ManifestProvider, AComponentThatTheWorkloadDoesNotHaveCannotProvide) {
  EXPECT_EQ(whyNotRunnable("component:web"), "");
  EXPECT_EQ(whyNotRunnable("component:nope"),
            "hostInterfaces names component:nope as provider, and the workload has no component "
            "of that name");
}

TEST(ManifestProvider, AWorkloadOfAnotherNamespaceCannotProvide) {
  EXPECT_EQ(whyNotRunnable("workload:bank/web"), "");
  EXPECT_EQ(whyNotRunnable("workload:own/bank/web"), "");
  EXPECT_EQ(whyNotRunnable("workload:other/bank/web"),
            "workload:other/bank/web is of another namespace than the workload, which is of "
            "\"own\"");
}

}  // namespace
}  // namespace nimbus::host
