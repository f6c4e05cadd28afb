#include "engine/outgoing_request.h"

#include "engine/ffi.h"
#include "net/test_support.h"

namespace nimbus::engine {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

class OutgoingRequestTest : public net::ShardTest {
 protected:
  static std::shared_ptr<OutgoingRequest> make(net::Shard& shard) {
    NimbusEgressRequest request{};
    request.connect_timeout_ns = request.first_byte_timeout_ns = request.between_bytes_timeout_ns =
        -1;
    return std::make_shared<OutgoingRequest>(shard, nullptr, request);
  }
};

TEST_F(OutgoingRequestTest, KnowsThatThereIsNoContentOnceTheGuestSaysSo) {
  run([](net::Shard& shard) -> Task<void> {
    const auto request = make(shard);
    EXPECT_FALSE(request->body().empty()) << "nobody knows yet";
    request->mailBodyEnd(nullptr, 0);
    co_await request->contentBegun(hours(1));
    EXPECT_TRUE(request->body().empty());
  });
}

TEST_F(OutgoingRequestTest, TrailersAloneAreContentToo) {
  run([](net::Shard& shard) -> Task<void> {
    const auto request = make(shard);
    http::Headers trailers;
    trailers.add("x-sum", "0");
    const std::vector<NimbusField> fields = toFields(trailers);
    request->mailBodyEnd(fields.data(), fields.size());
    co_await request->contentBegun(hours(1));
    EXPECT_FALSE(request->body().empty());
    const auto piece = co_await request->body().read();
    EXPECT_TRUE(piece && !piece->has_value());
    EXPECT_EQ(request->body().trailers().find("x-sum"), "0");
  });
}

TEST_F(OutgoingRequestTest, WaitsNoLongerThanItMayForAGuestThatIsSilent) {
  run([](net::Shard& shard) -> Task<void> {
    const auto request = make(shard);
    co_await request->contentBegun(milliseconds(1));
    EXPECT_FALSE(request->body().empty());
  });
}

TEST_F(OutgoingRequestTest, EndsTheWaitOfAGuestThatGivesUp) {
  run([](net::Shard& shard) -> Task<void> {
    const auto request = make(shard);
    request->mailBodyError();
    co_await request->contentBegun(hours(1));
    const auto piece = co_await request->body().read();
    EXPECT_TRUE(!piece && piece.error().code() == ErrorCode::kCancelled);
  });
}

}  // namespace
}  // namespace nimbus::engine
