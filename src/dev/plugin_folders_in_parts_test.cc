#include <gmock/gmock.h>

#include <filesystem>

#include "dev/test_support.h"
#include "dev/workload_parts.h"
#include "wit/tools.h"

namespace nimbus::dev {
namespace {

using Names = std::vector<std::string>;

constexpr const char* kBlobs = "wasi:blobstore/container@0.2.0-draft";
constexpr const char* kOther = "a:b/c@1.0.0";

// The folders of plugins, in what is put together for a component that imports what they export.
class PluginFoldersInPartsTest : public ::testing::Test {
 protected:
  PluginFoldersInPartsTest() {
    folder_.write("plugin.wasm", wit::watToWasm("(component)", "test")->text());
    plan_.components.emplace_back().spec.name = "web";
  }
  [[nodiscard]] DevPlugin plugin(std::string name, Names exports) const {
    DevPlugin plugin;
    plugin.name = std::move(name);
    plugin.component_path = folder_.path("plugin.wasm");
    plugin.exports = std::move(exports);
    return plugin;
  }
  [[nodiscard]] Result<host::WorkloadSpec> assemble(const Names& imports,
                                                    const std::vector<DevPlugin>& plugins) const {
    ComponentPart part{.path = "/p/app.wasm", .digest = "sha256:00", .info = {}};
    part.info.incoming_handler_version = "0.2.0";
    for (const std::string& name : imports) {
      part.info.imports.push_back({.name = name,
                                   .kind = "instance",
                                   .parts = wit::parseInterfaceName(name),
                                   .implements = {}});
    }
    auto workloads = assembleWorkloads(plan_, std::vector{std::move(part)}, plugins);
    if (!workloads) return std::unexpected(std::move(workloads).error());
    return std::move(workloads->app);
  }

  ProjectFolder folder_;
  DevPlan plan_;
};

TEST_F(PluginFoldersInPartsTest, BlobsMayLieInAFolderOfTheProject) {
  plan_.blobstore_path = folder_.path("data/blobs");
  DevPlugin blobs = plugin("blobs", {kBlobs});
  blobs.folders = {{"/agreed", "/agreed", true}, {"/own", "/plugin_data", false, true}};
  DevPlugin other = plugin("other", {kOther});
  other.folders = {{"/others", "/plugin_data", false, true}};
  const auto spec = assemble({kBlobs, kOther}, {blobs, other});
  ASSERT_TRUE(spec) << spec.error().describe();
  Names paths;
  for (const host::VolumeSpec& volume : spec->volumes) paths.push_back(volume.host_path);
  EXPECT_EQ(paths, (Names{"/agreed", plan_.blobstore_path, "/others"}));
  EXPECT_TRUE(std::filesystem::is_directory(plan_.blobstore_path));

  folder_.write("file", "");
  plan_.blobstore_path = folder_.path("file/blobs");
  const auto impossible = assemble({kBlobs, kOther}, {blobs, other});
  ASSERT_FALSE(impossible);
  EXPECT_THAT(impossible.error().message(), testing::HasSubstr(plan_.blobstore_path));
}

TEST_F(PluginFoldersInPartsTest, OneThatIsCalledKeepsBlobsInItsOwnFolderAndMayServeWhatElseItHas) {
  plan_.blobstore_path = folder_.path("blobs");
  DevPlugin called = plugin("both", {kBlobs, kOther});
  called.given = "plugin-1";
  const auto refused = assemble({kBlobs}, {called});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kUnsupported);
  EXPECT_THAT(refused.error().message(),
              testing::HasSubstr("dev.wasi_blobstore_path: plugin both is called, not composed"));
  const auto spec = assemble({kOther}, {called});
  ASSERT_TRUE(spec) << spec.error().describe();
  ASSERT_EQ(spec->host_interfaces.size(), 1U);
  EXPECT_EQ(spec->host_interfaces[0].provider, "given:plugin-1");
}

TEST_F(PluginFoldersInPartsTest, OneThatIsAskedForByNameKeepsBlobsInItsOwnFolderToo) {
  plan_.blobstore_path = folder_.path("blobs");
  DevPlugin called = plugin("blobs", {kBlobs});
  called.given = "plugin-1";
  host::HostInterface& entry = plan_.host_interfaces.emplace_back();
  entry.namespace_name = "wasi";
  entry.package = "blobstore";
  entry.provider = "component:plugin-blobs";
  const auto refused = assemble({kBlobs}, {called});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), testing::HasSubstr("plugin blobs is called"));
}

TEST_F(PluginFoldersInPartsTest, AnotherFolderInTheSamePlaceMakesAnotherWorkload) {
  DevPlugin blobs = plugin("blobs", {kBlobs});
  blobs.folders = {{"/own", "/plugin_data", false, true, "8-1"}, {"/own", "/tmp", false, true}};
  const auto first = assemble({kBlobs}, {blobs});
  ASSERT_TRUE(first) << first.error().describe();
  EXPECT_EQ(*assemble({kBlobs}, {blobs}), *first);
  blobs.folders[0].stamp = "8-2";
  const auto second = assemble({kBlobs}, {blobs});
  ASSERT_TRUE(second);
  EXPECT_NE(*second, *first);
  EXPECT_EQ(second->volumes[0].host_path, first->volumes[0].host_path);
  EXPECT_EQ(second->volumes[0].name, second->components[1].local_resources.volume_mounts[0].name);

  plan_.blobstore_path = folder_.path("blobs");
  const auto moved = assemble({kBlobs}, {blobs});
  blobs.folders[0].stamp = "8-3";
  EXPECT_EQ(*assemble({kBlobs}, {blobs}), *moved) << "its folder is not what is used";
}

}  // namespace
}  // namespace nimbus::dev
