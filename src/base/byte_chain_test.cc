#include "base/byte_chain.h"

#include <random>
#include <string>
#include <utility>

#include <gtest/gtest.h>

namespace nimbus {
namespace {

std::string textOf(const ByteChain& chain) {
  std::string text;
  for (std::size_t i = 0; i < chain.pieceCount(); ++i) {
    EXPECT_FALSE(chain.piece(i).empty());
    text += asText(chain.piece(i));
  }
  EXPECT_EQ(text.size(), chain.size());
  return text;
}

Bytes large(char filler) { return Bytes::take(std::string(2 * ByteChain::kShareBytes, filler)); }

TEST(ByteChain, StartsEmpty) {
  ByteChain chain;
  EXPECT_TRUE(chain.empty());
  EXPECT_EQ(chain.pieceCount(), 0U);
  EXPECT_TRUE(chain.flatten().empty());
  EXPECT_TRUE(chain.toBytes().empty());
  chain.append(ByteView());
  chain.append(Bytes());
  chain.append(ByteChain());
  EXPECT_EQ(chain.pieceCount(), 0U);
}

TEST(ByteChain, CollectsSmallWritesInOnePiece) {
  ByteChain chain;
  std::string expected;
  for (int i = 0; i < 300; ++i) {
    const std::string part = std::to_string(i) + ";";
    chain.append(asBytes(part));
    expected += part;
  }
  chain.append(std::uint8_t{'.'});
  EXPECT_EQ(textOf(chain), expected + ".");
  EXPECT_EQ(chain.pieceCount(), 1U);
}

TEST(ByteChain, SharesLargePiecesAndCopiesSmallOnes) {
  const Bytes shared = large('x');
  const Bytes small = Bytes::copyOf("small");
  ByteChain chain;
  chain.append(small);
  chain.append(shared);
  ASSERT_EQ(chain.pieceCount(), 2U);
  EXPECT_NE(chain.piece(0).data(), small.view().data());
  EXPECT_EQ(chain.piece(1).data(), shared.view().data());
  EXPECT_EQ(chain.sharePiece(1).view().data(), shared.view().data());
  EXPECT_EQ(chain.sharePiece(1, 5, 7).view().data(), shared.view().data() + 5);
  EXPECT_EQ(chain.sharePiece(0, 1, 2).text(), "ma");
}

TEST(ByteChain, MovesInEveryState) {
  for (const std::size_t small : {std::size_t{0}, std::size_t{5}, std::size_t{500}}) {
    for (const bool with_large : {false, true}) {
      ByteChain chain;
      chain.append(asBytes(std::string(small, 's')));
      if (with_large) chain.append(large('l'));
      chain.append(asBytes("end"));
      const std::string expected = textOf(chain);
      ByteChain moved(std::move(chain));
      EXPECT_TRUE(chain.empty());         // NOLINT(bugprone-use-after-move): it is empty then
      EXPECT_EQ(chain.pieceCount(), 0U);  // NOLINT(bugprone-use-after-move)
      EXPECT_EQ(textOf(moved), expected);
      chain.append(asBytes("again"));
      EXPECT_EQ(textOf(chain), "again");
      chain = std::move(moved);
      EXPECT_EQ(textOf(chain), expected);
      moved.append(asBytes("x"));  // NOLINT(bugprone-use-after-move)
      EXPECT_EQ(textOf(moved), "x");
    }
  }
}

TEST(ByteChain, FlattensIntoOnePieceAndGrowsOn) {
  ByteChain chain;
  chain.append(asBytes("head"));
  chain.append(large('l'));
  chain.append(asBytes("tail"));
  const std::string expected = textOf(chain);
  EXPECT_EQ(chain.toBytes().text(), expected);
  EXPECT_EQ(chain.pieceCount(), 3U);
  EXPECT_EQ(asText(chain.flatten()), expected);
  EXPECT_EQ(chain.pieceCount(), 1U);
  chain.append(asBytes("more"));
  EXPECT_EQ(textOf(chain), expected + "more");
}

TEST(ByteChain, KeepsASharedPieceThatIsTheOnlyOneWhenFlattened) {
  const Bytes shared = large('x');
  ByteChain chain(shared);
  EXPECT_EQ(chain.flatten().data(), shared.view().data());
  EXPECT_EQ(chain.toBytes().view().data(), shared.view().data());
}

TEST(ByteChain, SharesItselfWithoutCopyingLargePieces) {
  ByteChain chain;
  chain.append(asBytes("head"));
  chain.append(large('l'));
  ByteChain second = chain.share();
  EXPECT_EQ(textOf(second), textOf(chain));
  EXPECT_EQ(second.piece(1).data(), chain.piece(1).data());
  second.append(asBytes("only here"));
  EXPECT_NE(textOf(second), textOf(chain));
}

TEST(ByteChain, IsTheConcatenationOfWhateverIsAppended) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 200; ++round) {
    ByteChain chain;
    std::string expected;
    for (int step = 0; step < 12; ++step) {
      const std::size_t size = random() % (random() % 4 == 0 ? 3000 : 40);
      const std::string part(size, static_cast<char>('a' + step));
      switch (random() % 4) {
        case 0: chain.append(asBytes(part)); break;
        case 1: chain.append(Bytes::copyOf(part)); break;
        case 2: {
          ByteChain other;
          other.append(asBytes(part));
          other.append(Bytes::copyOf(part));
          chain.append(std::move(other));
          expected += part;
          break;
        }
        default: {
          ByteChain moved = std::move(chain);
          chain = std::move(moved);
          chain.append(asBytes(part));
        }
      }
      expected += part;
    }
    ASSERT_EQ(textOf(chain), expected);
    ASSERT_EQ(chain.toBytes().text(), expected);
  }
}

}  // namespace
}  // namespace nimbus
