#include "engine/outgoing_request.h"

#include <string>
#include <utility>
#include <vector>

#include "engine/ffi.h"
#include "engine/joined_pieces.h"
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

  // A piece that the guest writes, as the engine tells of small ones.
  static void write(OutgoingRequest& request, std::string_view piece) {
    const ByteView bytes = asBytes(piece);
    request.mailBody({bytes.data(), bytes.size(), nullptr, nullptr});
  }
  // What there is to read, once the content has ended.
  static Task<std::vector<Bytes>> readPieces(OutgoingRequest& request) {
    std::vector<Bytes> pieces;
    while (true) {
      auto piece = co_await request.body().read();
      EXPECT_TRUE(piece);
      if (!piece || !piece->has_value()) co_return pieces;
      pieces.push_back(*std::move(*piece));
    }
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

TEST_F(OutgoingRequestTest, TinyPiecesAreOneHoweverTheyCome) {
  run([](net::Shard& shard) -> Task<void> {
    const auto request = make(shard);
    for (std::size_t i = 0; i < kEgressWindowBytes; ++i) {
      write(*request, i % 2 == 0 ? "a" : "b");
      if (i % 3 == 0) request->takeContent();
    }
    request->mailBodyEnd(nullptr, 0);
    co_await request->contentBegun(hours(1));
    request->takeContent();
    const std::vector<Bytes> pieces = co_await readPieces(*request);
    EXPECT_EQ(pieces.size(), 1U);
    if (pieces.size() != 1) co_return;
    EXPECT_EQ(pieces[0].size(), kEgressWindowBytes);
    EXPECT_TRUE(pieces[0].text().starts_with("abab"));
  });
}

TEST_F(OutgoingRequestTest, LargePiecesAreSharedAndKeepTheirPlace) {
  run([](net::Shard& shard) -> Task<void> {
    const auto request = make(shard);
    const std::string large(JoinedPieces::kShareBytes, 'x');
    int released = 0;
    write(*request, "1");
    write(*request, "2");
    request->mailBody({asBytes(large).data(), large.size(), &released,
                       [](void* count) { ++*static_cast<int*>(count); }});
    request->takeContent();
    write(*request, "3");
    request->mailBodyEnd(nullptr, 0);
    request->takeContent();
    {
      const std::vector<Bytes> pieces = co_await readPieces(*request);
      EXPECT_EQ(pieces.size(), 3U);
      if (pieces.size() != 3) co_return;
      EXPECT_EQ(pieces[0].text(), "12");
      EXPECT_EQ(pieces[1].view().data(), asBytes(large).data()) << "not copied";
      EXPECT_EQ(pieces[2].text(), "3");
      EXPECT_EQ(released, 0);
    }
    EXPECT_EQ(released, 1);
  });
}

TEST(JoinedPiecesTest, NoTwoNeighboursAreBothSmall) {
  JoinedPieces joined;
  std::string sent;
  for (std::size_t i = 0; i < 100; ++i) {
    JoinedPieces mail;
    for (const std::size_t size : {i % 7, std::size_t{1}, JoinedPieces::kShareBytes - i % 2}) {
      const std::string piece(size, static_cast<char>('a' + i % 26));
      mail.append(Bytes::copyOf(piece));
      sent += piece;
    }
    joined.append(std::move(mail));
  }
  EXPECT_EQ(joined.bytes(), sent.size());
  EXPECT_LE(joined.count(), 2 * sent.size() / JoinedPieces::kShareBytes + 1);
  std::string received;
  while (const auto piece = joined.take()) received += piece->text();
  EXPECT_EQ(received, sent);
  EXPECT_TRUE(joined.empty());
}

}  // namespace
}  // namespace nimbus::engine
