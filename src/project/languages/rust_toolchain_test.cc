#include "project/languages/rust_toolchain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "project/build_test_support.h"

namespace nimbus::project {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

// A machine with cargo and rustc, whose sysroot is `sysroot/`.
class RustToolchainTest : public testing::Test {
 protected:
  RustToolchainTest()
      : runner_([this](const ProcessSpec&) {
          return ProcessOutcome{.exit_status = 0,
                                .output = (folder_.root() / "sysroot").string() + "\n",
                                .error = ""};
        }) {}

  void installRust() const {
    folder_.program("cargo");
    folder_.program("rustc");
  }
  void installTarget(const std::string& target) const {
    folder_.write("sysroot/lib/rustlib/" + target + "/lib/libstd.rlib", "");
  }
  void installSource() const {
    folder_.write("sysroot/lib/rustlib/src/rust/library/std/Cargo.toml", "");
  }
  [[nodiscard]] Result<RustToolchain> find(std::string_view wanted = "wasm32-wasip2") {
    return findRustToolchain(Toolbox(runner_, folder_.bin().string(), folder_.project().string()),
                             wanted);
  }

  BuildFolder folder_;
  FakeRunner runner_;
};

TEST_F(RustToolchainTest, PrefersTheTargetThatIsWanted) {
  installRust();
  installTarget("wasm32-unknown-unknown");
  installTarget("wasm32-wasip1");
  installTarget("wasm32-wasip2");
  EXPECT_EQ(find()->target, "wasm32-wasip2");
  EXPECT_EQ(find("wasm32-unknown-unknown")->target, "wasm32-unknown-unknown");
  EXPECT_THAT(find("wasm32-unknown-unknown")->note, IsEmpty());
}

TEST_F(RustToolchainTest, FallsBackToWhatIsInstalledAndSaysSo) {
  installRust();
  installTarget("wasm32-unknown-unknown");
  installSource();
  const auto found = find();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->target, "wasm32-unknown-unknown");
  EXPECT_THAT(found->arguments, IsEmpty());
  EXPECT_THAT(found->note, HasSubstr("install the target wasm32-wasip2"));
}

TEST_F(RustToolchainTest, BuildsTheStandardLibraryFromItsSource) {
  installRust();
  installSource();
  const std::string linker = folder_.program("wasm-ld-22");
  const auto found = find();
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_EQ(found->target, "wasm32-unknown-unknown");
  EXPECT_THAT(found->arguments, Contains("-Zbuild-std=std,panic_abort"));
  EXPECT_THAT(found->environment,
              AllOf(Contains(Pair("RUSTC_BOOTSTRAP", "1")),
                    Contains(Pair("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker)),
                    Contains(Pair("RUSTC", (folder_.bin() / "rustc").string()))));
}

TEST_F(RustToolchainTest, NeedsALinkerForThat) {
  installRust();
  installSource();
  EXPECT_THAT(find().error().message(), HasSubstr("apt-get install lld-22"));
}

TEST_F(RustToolchainTest, SaysWhatToInstall) {
  EXPECT_THAT(find().error().message(),
              AllOf(HasSubstr("need cargo and rustc"), HasSubstr("https://rustup.rs"),
                    HasSubstr("apt-get install cargo-web")));
  installRust();
  EXPECT_THAT(find().error().message(), HasSubstr("rustup target add wasm32-wasip2"));
}

}  // namespace
}  // namespace nimbus::project
