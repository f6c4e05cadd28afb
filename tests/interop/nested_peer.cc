#include "nested_peer.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "nimbus_/interop/nested.h"
#include "sources.h"

namespace nimbus::interop {
namespace {

namespace nested = generated::nimbus_::interop::nested;
using wrpc::CallContext;
using Numbers = std::vector<std::uint32_t>;

class Nested final : public nested::Handler {
 public:
  wrpc::Answer<nested::Parcel> forwarded(const CallContext&, nested::Parcel parcel) override {
    nested::Parcel out;
    out.label = std::move(parcel.label);
    out.bytes =
        wrpc::StreamReader<std::uint8_t>(std::make_unique<UpperSource>(std::move(parcel.bytes)));
    out.numbers = wrpc::StreamReader<std::uint32_t>(
        std::make_unique<DoubledSource>(std::move(parcel.numbers)));
    return out;
  }
  wrpc::Answer<nested::Pledge> redeemed(const CallContext&, nested::Pledge pledge) override {
    nested::Pledge out;
    out.who = std::move(pledge.who);
    out.value =
        wrpc::FutureReader<std::string>(std::make_unique<LaterSource>(std::move(pledge.value)));
    return out;
  }
};

// All of a stream.
template <typename T, typename All>
Task<Result<All>> collect(wrpc::StreamReader<T> stream) {
  All all;
  for (;;) {
    CO_TRY(const auto chunk, co_await stream.read());
    if (!chunk) co_return all;
    if constexpr (std::is_same_v<All, std::string>) {
      all += chunk->text();
    } else {
      all.insert(all.end(), chunk->begin(), chunk->end());
    }
  }
}

Task<Result<void>> checkForwarded(nested::Client& client, const CallContext& context) {
  nested::Parcel parcel;
  parcel.label = "fragile";
  parcel.bytes = wrpc::StreamReader<std::uint8_t>(Bytes::copyOf("some words of text"));
  parcel.numbers = wrpc::StreamReader<std::uint32_t>(Numbers{1, 2, 300});
  CO_TRY(auto back, co_await client.forwarded(context, std::move(parcel)));
  if (back.label != "fragile") co_return fail(ErrorCode::kInternal, "another label");
  // The second one first: neither waits for the other.
  CO_TRY(const auto numbers, (co_await collect<std::uint32_t, Numbers>(std::move(back.numbers))));
  if (numbers != Numbers{2, 4, 600}) co_return fail(ErrorCode::kInternal, "other numbers");
  CO_TRY(const auto text, (co_await collect<std::uint8_t, std::string>(std::move(back.bytes))));
  if (text != "SOME WORDS OF TEXT") co_return fail(ErrorCode::kInternal, "other bytes: " + text);
  co_return Result<void>();
}

Task<Result<void>> checkRedeemed(nested::Client& client, const CallContext& context) {
  nested::Pledge pledge;
  pledge.who = "me";
  pledge.value = wrpc::FutureReader<std::string>("well");
  CO_TRY(auto back, co_await client.redeemed(context, std::move(pledge)));
  if (back.who != "me") co_return fail(ErrorCode::kInternal, "another name");
  CO_TRY(const auto value, co_await back.value.read());
  if (value != "well, at last") co_return fail(ErrorCode::kInternal, "another value: " + value);
  co_return Result<void>();
}

}  // namespace

wrpc::Interface serveNested() { return nested::serve(std::make_shared<Nested>()); }

Task<std::vector<std::string>> checkNested(wrpc::Invoker& invoker, wrpc::Session& session,
                                           const CallContext& context) {
  std::vector<std::string> failures;
  const auto client = nested::Client::connect(invoker, session);
  if (!client) co_return std::vector{client.error().describe()};
  if (const auto forwarded = co_await checkForwarded(**client, context); !forwarded)
    failures.push_back("forwarded: " + forwarded.error().describe());
  if (const auto redeemed = co_await checkRedeemed(**client, context); !redeemed)
    failures.push_back("redeemed: " + redeemed.error().describe());
  co_return failures;
}

}  // namespace nimbus::interop
