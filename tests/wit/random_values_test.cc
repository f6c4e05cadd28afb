// Random values of all that corpus/shapes.wit and corpus/large.wit have go through generated code
// and come back as they were: what the codec of types known at run time writes, the bindings read,
// and write as the same bytes.

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "bindings_fixture.h"
#include "corpus_document.h"
#include "echo_handlers.h"
#include "wrpc/dynamic_codec.h"
#include "wrpc/dynamic_test_support.h"

namespace nimbus::wrpc {
namespace {

struct Random {
  std::mt19937 engine;
  std::uint32_t pick(std::uint32_t below) { return engine() % below; }
};

class RandomValues : public net::ShardTest {
 protected:
  // Calls every function of the interface but those of `without`, which do not echo.
  void echo(const std::string& file, const std::string& instance, Interface served,
            const std::vector<std::string>& without, std::size_t functions) {
    const wit::Document document = wit::corpusDocument(file);
    const auto index = document.findInterface(instance);
    ASSERT_TRUE(index);
    run([&](net::Shard& shard) -> Task<void> {
      Local local(shard, {std::move(served)});
      std::size_t called = 0;
      for (const wit::Function& function : document.at(*index).functions) {
        if (std::ranges::find(without, function.name) != without.end()) continue;
        const auto id = local.invoker().resolve({instance, function.name});
        EXPECT_TRUE(id) << function.name;
        if (!id) co_return;
        ++called;
        for (int round = 0; round < 300 && !HasFailure(); ++round)
          co_await echoOnce(local, *id, document, function);
      }
      EXPECT_EQ(called, functions);
    });
  }

 private:
  Task<void> echoOnce(Local& local, FunctionId id, const wit::Document& document,
                      const wit::Function& function) {
    const unsigned seed = seeds_();
    SCOPED_TRACE(function.name + ", seed " + std::to_string(seed));
    Random random{std::mt19937(seed)};
    ValueMaker<Random> maker(random);
    DynamicCodec codec(document);
    Encoder out;
    for (const wit::Field& parameter : function.params)
      codec.encode(out, parameter.type, maker.value(document, parameter.type));
    auto params = std::move(out).finish();
    EXPECT_TRUE(params) << params.error().describe();
    if (!params) co_return;
    const Bytes sent = params->bytes.toBytes();
    auto results = co_await local.session().invoke(local.context(), id, *std::move(params));
    EXPECT_TRUE(results) << results.error().describe();
    if (results) EXPECT_EQ(results->bytes.toBytes().text(), sent.text());
  }

  std::random_device seeds_;
};

TEST_F(RandomValues, PassThroughTheBindingsOfShapes) {
  echo("shapes.wit", "corpus:shapes/shapes@1.0.0", shapes::serve(std::make_shared<EchoShapes>()),
       {"nothing", "many"}, 8);
}

TEST_F(RandomValues, PassThroughTheBindingsOfLargeTypes) {
  echo("large.wit", "corpus:large/large", large::serve(std::make_shared<EchoLarge>()), {}, 3);
}

}  // namespace
}  // namespace nimbus::wrpc
