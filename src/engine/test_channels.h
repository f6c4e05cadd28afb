#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/sync.h"
#include "engine/component_invoker.h"
#include "engine/import_set.h"
#include "engine/test_streams.h"
#include "engine/test_support.h"

// Streams between the tests of this folder and guests.
namespace nimbus::engine {

using Results = Result<wrpc::Values>;
using Answered = Eventual<Results>;

inline Results oneChannel(std::unique_ptr<wrpc::ByteSource> source) {
  wrpc::Values values;
  values.bytes.append(std::uint8_t{0});
  values.channels.push_back({{0}, std::move(source)});
  return values;
}

inline Results scripted(const std::shared_ptr<Pieces::Script>& script) {
  return oneChannel(std::make_unique<Pieces>(script));
}

inline Results number(std::uint32_t value) {
  wrpc::Values values;
  values.bytes.append(asBytes(leb(value)));
  return values;
}

struct Drained {
  std::uint64_t bytes = 0;  // of the pieces, with their lengths
  std::size_t largest_piece = 0;
  std::string content;  // without bytes of lists, the first megabyte
  bool broken = false;
};

inline Task<Drained> drain(std::unique_ptr<wrpc::ByteSource> source) {
  Drained drained;
  while (true) {
    Piece piece = co_await source->read();
    if (!piece) drained.broken = true;
    if (!piece || !*piece) co_return drained;
    drained.bytes += (*piece)->size();
    drained.largest_piece = std::max(drained.largest_piece, (*piece)->size());
    if (drained.content.size() < (1U << 20U)) drained.content += asText((*piece)->flatten());
  }
}

// Takes the stream of a call to its end and answers with its size.
inline Task<Results> sizeOf(wrpc::Values params, Drained* seen) {
  *seen = co_await drain(params.take({0}));
  co_return number(static_cast<std::uint32_t>(seen->bytes));
}

// The bytes of the lists of a stream<u8>, which must be whole.
inline std::string joined(std::string_view lists) {
  std::string bytes;
  while (!lists.empty()) {
    const std::uint32_t count = fromLeb(lists);
    if (count == 0) {
      EXPECT_TRUE(lists.empty());
      return bytes;
    }
    bytes += lists.substr(0, count);
    lists.remove_prefix(count);
  }
  ADD_FAILURE() << "the stream has no end";
  return bytes;
}

inline std::string counting(std::size_t total) {
  std::string bytes;
  for (std::size_t i = 0; i < total; ++i) bytes.push_back(static_cast<char>(i));
  return bytes;
}

// Provides test:streams/api by a function of the test.
class StreamInvoker final : public wrpc::Invoker {
 public:
  using Answer = std::function<Answered(const std::string& function, wrpc::Values params)>;
  explicit StreamInvoker(Answer answer) : answer_(std::move(answer)) {}

  Result<wrpc::FunctionId> resolve(const wrpc::FunctionName& name) override {
    functions_.emplace_back(name.function);
    return wrpc::FunctionId{functions_.size() - 1};
  }
  std::unique_ptr<wrpc::Session> open(net::Shard& /*shard*/,
                                      std::shared_ptr<const wrpc::Consumer> /*consumer*/) override {
    return std::make_unique<OpenSession>(*this);
  }

 private:
  struct OpenSession final : wrpc::Session {
    explicit OpenSession(StreamInvoker& owner) : owner(owner) {}
    Answered invoke(const wrpc::CallContext& /*context*/, wrpc::FunctionId function,
                    wrpc::Values params) override {
      return owner.answer_(owner.functions_[function.value], std::move(params));
    }
    void drop(ByteView /*handle*/) override {}
    StreamInvoker& owner;
  };

  Answer answer_;
  std::vector<std::string> functions_;
};

// Calls a guest, and answers what it calls. The guest imports test:streams/api@1.0.0.
class ChannelsTest : public GuestTest, public GuestEnvironment {
 protected:
  [[nodiscard]] virtual Bytes guest() const = 0;
  [[nodiscard]] virtual EngineOptions engineOptions() const { return smallEngine(); }

  void SetUp() override {
    GuestTest::SetUp();
    startEngine(engineOptions());
    component_ = load(guest());
  }

  Poller& poller(net::Shard& /*shard*/) override { return *poller_; }
  const GuestContext& context(net::Shard& /*shard*/) override { return *guest_context_; }

  // What the guest's imports answer with.
  StreamInvoker::Answer answer_ = [](const std::string&, wrpc::Values) -> Answered {
    return Results(fail(ErrorCode::kNotFound, "not in this test"));
  };
  // Of each call.
  std::chrono::milliseconds limit_{std::chrono::seconds(30)};

  using Use = std::function<Task<void>(net::Shard&, std::unique_ptr<wrpc::Session>&)>;
  void withGuest(Use use) {
    run([&](net::Shard& shard) -> Task<void> {
      GuestContextOptions options = roomyContext();
      auto imports = ImportSet::create(
          *component_, {{"test:streams/api@1.0.0", "", std::make_shared<StreamInvoker>(answer_),
                         std::make_shared<wrpc::Consumer>()}});
      EXPECT_TRUE(imports) << imports.error().describe();
      options.imports = *imports;
      options.max_handles = max_handles_;
      poller_.emplace(shard);
      guest_context_ = makeContext(shard, options);
      ComponentInvokerOptions limits;
      limits.time_limit = limit_;
      ComponentInvoker invoker(component_,
                               std::shared_ptr<GuestEnvironment>(this, [](GuestEnvironment*) {}),
                               limits, *log_);
      invoker_ = &invoker;
      auto session = invoker.open(shard, std::make_shared<wrpc::Consumer>());
      co_await use(shard, session);
      session.reset();
      guest_context_.reset();
      poller_.reset();
    });
  }

  Answered call(wrpc::Session& session, std::string_view function, wrpc::Values params) {
    const auto id = invoker_->resolve({"", function});
    EXPECT_TRUE(id) << id.error().describe();
    return session.invoke(context_, *id, std::move(params));
  }
  Answered call(wrpc::Session& session, std::string_view function, std::string_view params = {}) {
    return call(session, function, plain(params));
  }

  // Calls it on a guest of its own; the number that it returns.
  std::optional<std::uint32_t> result(std::string_view function, std::string_view params = {}) {
    return result(function, plain(params));
  }
  std::optional<std::uint32_t> result(std::string_view function, wrpc::Values params) {
    std::optional<std::uint32_t> found;
    withGuest([&](net::Shard&, std::unique_ptr<wrpc::Session>& session) -> Task<void> {
      Results results = co_await call(*session, function, std::move(params));
      if (!results) {
        error_ = results.error();
        co_return;
      }
      std::string_view bytes = asText(results->bytes.flatten());
      if (!bytes.empty()) found = fromLeb(bytes);
    });
    return found;
  }

  static wrpc::Values plain(std::string_view params) {
    wrpc::Values values;
    values.bytes.append(asBytes(params));
    return values;
  }

  std::uint32_t max_handles_ = 100;
  std::shared_ptr<const Component> component_;
  std::optional<Poller> poller_;
  std::unique_ptr<GuestContext> guest_context_;
  ComponentInvoker* invoker_ = nullptr;
  std::optional<Error> error_;
  const wrpc::Consumer consumer_{};
  const wrpc::CallContext context_{consumer_, std::nullopt, {}};
};

}  // namespace nimbus::engine
