// Parameters of a component's functions. The first byte says which function, the rest are its
// parameters as a hostile caller might send them. What is accepted comes back as it was: each
// function returns what it is given.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/log.h"
#include "engine/component_invoker.h"
#include "engine/engine.h"
#include "engine/poller.h"
#include "net/shard.h"
#include "wit/tools.h"

namespace {

using namespace nimbus;

void check(bool holds) {
  if (!holds) __builtin_trap();
}

template <typename T>
T expect(Result<T> result) {
  check(result.has_value());
  return *std::move(result);
}

// Functions of one parameter, which they return.
constexpr std::string_view kGuest = R"((component
  (type $shade' (enum "dark" "light" "none"))
  (export $shade "shade" (type $shade'))
  (type $marks' (flags "a" "b" "c" "d" "e" "f" "g" "h" "i" "j"))
  (export $marks "marks" (type $marks'))
  (type $item' (record (field "name" string) (field "count" s64) (field "shade" $shade)
    (field "marks" $marks) (field "more" (option (list u16)))))
  (export $item "item" (type $item'))
  (type $answer' (variant (case "one" $item) (case "all" (list $item)) (case "bad" char)
    (case "none")))
  (export $answer "answer" (type $answer'))
  (core module $m
    (memory (export "memory") 16)
    (global $top (mut i32) (i32.const 4096))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
      (global.set $top (i32.add (local.get $at) (local.get 3)))
      (if (i32.gt_u (global.get $top) (i32.const 1048000))
        (then (local.set $at (i32.const 4096))
              (global.set $top (i32.add (local.get $at) (local.get 3)))))
      (local.get $at))
    (func (export "bytes") (param i32 i32) (result i32)
      (i32.store (i32.const 16) (local.get 0))
      (i32.store (i32.const 20) (local.get 1))
      (i32.const 16))
    (func (export "number") (param i64) (result i64) (local.get 0))
    (func (export "pair") (param i32 i32) (result i32)
      (i32.store8 (i32.const 16) (local.get 0))
      (i32.store16 (i32.const 18) (local.get 1))
      (i32.const 16)))
  (core instance $i (instantiate $m))
  (alias core export $i "memory" (core memory $memory))
  (alias core export $i "realloc" (core func $realloc))
  (func (export "bytes") (param "x" (list u8)) (result (list u8))
    (canon lift (core func $i "bytes") (memory $memory) (realloc (core func $realloc))))
  (func (export "texts") (param "x" (list string)) (result (list string))
    (canon lift (core func $i "bytes") (memory $memory) (realloc (core func $realloc))))
  (func (export "items") (param "x" (list $item)) (result (list $item))
    (canon lift (core func $i "bytes") (memory $memory) (realloc (core func $realloc))))
  (func (export "answers") (param "x" (list $answer)) (result (list $answer))
    (canon lift (core func $i "bytes") (memory $memory) (realloc (core func $realloc))))
  (func (export "number") (param "x" s64) (result s64) (canon lift (core func $i "number")))
  (func (export "pair") (param "x" (tuple $shade $marks)) (result (tuple $shade $marks))
    (canon lift (core func $i "pair") (memory $memory)))))";

class NoHost final : public engine::GuestHost {
 public:
  void print(int /*stream*/, std::string_view /*line*/) override {}
  bool socketAllowed(engine::SocketUse, const net::IpAddress&, std::uint16_t) override {
    return false;
  }
  bool lookupAllowed(std::string_view /*name*/) override { return false; }
  engine::SocketGrant socketOpened(engine::SocketCount) override {
    return engine::SocketGrant::kNotPermitted;
  }
  void socketClosed(engine::SocketCount) override {}
  void startEgress(std::shared_ptr<engine::OutgoingRequest> /*request*/) override {}
};

// Everything that a call needs, on one shard; made once.
class Bench final : public engine::GuestEnvironment {
 public:
  static Bench& get() {
    static auto* const bench = new Bench();
    return *bench;
  }

  std::string call(std::uint8_t which, ByteView params) {
    std::string answer;
    shards_->runTask(0, [&](net::Shard& shard) -> Task<void> {
      if (!session_) open(shard);
      answer = co_await callOnShard(which, params);
    });
    return answer;
  }

  engine::Poller& poller(net::Shard& /*shard*/) override { return *poller_; }
  const engine::GuestContext& context(net::Shard& /*shard*/) override { return *context_; }

 private:
  static constexpr std::string_view kFunctions[] = {"bytes",   "texts",  "items",
                                                    "answers", "number", "pair"};

  void open(net::Shard& shard) {
    poller_ = std::make_unique<engine::Poller>(shard);
    engine::GuestContextOptions guest;
    guest.max_memory_bytes = 16 << 20;
    guest.max_table_elements = 1000;
    context_ = expect(engine::GuestContext::create(shard, guest, std::make_shared<NoHost>()));
    // The fuzzer's process ends without destroying anything.
    const std::shared_ptr<GuestEnvironment> self(std::shared_ptr<void>(), this);
    invoker_ = std::make_unique<engine::ComponentInvoker>(component_, self,
                                                          engine::ComponentInvokerOptions{}, *log_);
    session_ = invoker_->open(shard, std::make_shared<wrpc::Consumer>());
  }

  // "" for parameters that were refused.
  Task<std::string> callOnShard(std::uint8_t which, ByteView params) {
    const std::string_view name = kFunctions[which % std::size(kFunctions)];
    const wrpc::FunctionId function = expect(invoker_->resolve({"", name}));
    const wrpc::CallContext context{consumer_, std::nullopt, {}};
    wrpc::Values values;
    values.bytes.append(params);
    auto results = co_await session_->invoke(context, function, std::move(values));
    if (!results) {
      check(results.error().code() == ErrorCode::kProtocol);
      co_return "";
    }
    co_return std::string(asText(results->bytes.flatten()));
  }

  std::unique_ptr<Logger> log_ = makeNullLogger();
  std::unique_ptr<engine::Engine> engine_ = expect(engine::Engine::create({}, *log_));
  std::shared_ptr<const engine::Component> component_ =
      expect(engine_->load(expect(wit::watToWasm(std::string(kGuest))).view()));
  std::unique_ptr<net::ShardGroup> shards_ = expect(net::ShardGroup::start(1));
  const wrpc::Consumer consumer_{};
  std::unique_ptr<engine::Poller> poller_;
  std::unique_ptr<engine::GuestContext> context_;
  std::unique_ptr<engine::ComponentInvoker> invoker_;
  std::unique_ptr<wrpc::Session> session_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string once = Bench::get().call(data[0], {data + 1, size - 1});
  if (once.empty()) return 0;
  // A number may have come in more bytes than it needs: what is returned is the shortest form, and
  // that is a fixed point.
  check(once.size() <= size - 1);
  check(Bench::get().call(data[0], asBytes(once)) == once);
  return 0;
}
