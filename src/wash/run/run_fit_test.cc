#include "wash/run/run_fit.h"

#include <gtest/gtest.h>

#include "wit/tools.h"

namespace nimbus::wash {
namespace {

wit::ComponentInfo infoOf(std::string_view wat) {
  const auto wasm = wit::watToWasm(wat);
  EXPECT_TRUE(wasm) << wasm.error().describe();
  const auto info = wit::inspectComponent(wasm->view());
  EXPECT_TRUE(info) << info.error().describe();
  return *info;
}

wit::ComponentInfo server() {
  return infoOf(R"((component (import "acme:shop/cart@1.0.0" (instance))
    (instance $i) (export "wasi:http/incoming-handler@0.2.0" (instance $i))))");
}
wit::ComponentInfo command() {
  return infoOf(R"((component (instance $i) (export "wasi:cli/run@0.2.0" (instance $i))))");
}

std::string refusal(const RunDemands& demands, const wit::ComponentInfo& info) {
  const auto fits = checkFits(demands, "app.wasm", info);
  return fits ? "" : fits.error().message();
}

TEST(RunFit, TakesWhatTheComponentHasAUseFor) {
  EXPECT_EQ(refusal({}, server()), "");
  EXPECT_EQ(refusal({{}, {"--addr"}, {"acme:shop=unix:/x"}}, server()), "");
  EXPECT_EQ(refusal({{"a", "b"}, {}, {}}, command()), "");
}

TEST(RunFit, NamesWhatItHasNoUseFor) {
  EXPECT_EQ(refusal({{"a", "b"}, {}, {}}, server()),
            "app.wasm handles HTTP, and takes no arguments: a b");
  EXPECT_EQ(
      refusal({{}, {"--addr", "--shards"}, {}}, command()),
      "app.wasm is a command, and serves no HTTP: --addr, --shards is for components that do");
  EXPECT_EQ(refusal({{}, {}, {"acme:shops=unix:/x"}}, server()),
            "--provider acme:shops=unix:/x: app.wasm imports nothing of acme:shops");
}

TEST(RunFit, NamesAnArgumentThatGuestsCannotGet) {
  EXPECT_EQ(refusal({{"a", "b\xff"}, {}, {}}, command()),
            R"(what guests see of their arguments is UTF-8, and "b\xff" is not)");
}

}  // namespace
}  // namespace nimbus::wash
