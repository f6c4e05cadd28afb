#include "wrpc/stream.h"

#include <array>
#include <deque>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "wrpc/future.h"
#include "wrpc/stream_pipe.h"

namespace nimbus::wrpc {
namespace {

// Gives its pieces at once, then the end.
class Pieces final : public ByteSource {
 public:
  explicit Pieces(std::deque<std::string> pieces) : pieces_(std::move(pieces)) {}
  Eventual<Result<std::optional<ByteChain>>> read() override {
    if (pieces_.empty()) return Result<std::optional<ByteChain>>(std::nullopt);
    ByteChain piece(Bytes::take(std::move(pieces_.front())));
    pieces_.pop_front();
    return Result<std::optional<ByteChain>>(std::move(piece));
  }
  [[nodiscard]] std::size_t count() const { return pieces_.size(); }

 private:
  std::deque<std::string> pieces_;
};

std::deque<std::string> cut(const std::string& whole, std::size_t size) {
  std::deque<std::string> pieces;
  for (std::size_t at = 0; at < whole.size(); at += size) pieces.push_back(whole.substr(at, size));
  return pieces;
}

// Runs a task that never has to wait.
template <typename T>
T now(Eventual<T> eventual) {
  Task<T> task = std::move(eventual).intoTask();
  EXPECT_TRUE(task.start());
  return task.take();
}

// Everything until the end, or the failure's message.
template <typename T>
std::vector<T> all(StreamSource<T>& source, std::string* failure = nullptr) {
  std::vector<T> elements;
  while (true) {
    auto chunk = now(source.read());
    if (!chunk) {
      if (failure == nullptr) ADD_FAILURE() << chunk.error().describe();
      if (failure != nullptr) *failure = chunk.error().message();
      return elements;
    }
    if (!*chunk) return elements;
    if constexpr (std::is_same_v<T, std::uint8_t>) {
      elements.insert(elements.end(), (*chunk)->view().begin(), (*chunk)->view().end());
    } else {
      for (T& element : **chunk) elements.push_back(std::move(element));
    }
  }
}

std::string onTheWire(ByteSource& source) {
  std::string wire;
  while (auto piece = now(source.read()).value()) wire += piece->toBytes().text();
  return wire;
}

template <typename T>
std::string encoded(StreamReader<T> reader) {
  EncodingSource<T> source(std::move(reader).release());
  return onTheWire(source);
}

std::string failureOf(const std::string& wire) {
  DecodingSource<std::string> source(std::make_unique<Pieces>(cut(wire, 3)));
  std::string failure = "none";
  static_cast<void>(all(source, &failure));
  return failure;
}

TEST(Stream, IsListsAndAnEmptyOneOnTheWire) {
  EXPECT_EQ(encoded(StreamReader<std::uint64_t>({1, 2, 300})), std::string("\3\1\2\xac\2\0", 6));
  EXPECT_EQ(encoded(StreamReader<std::uint8_t>(Bytes::copyOf("ab"))), std::string("\2ab\0", 4));
  EXPECT_EQ(encoded(StreamReader<std::uint64_t>()), std::string("\0", 1));
  EXPECT_EQ(encoded(StreamReader<Unit>(std::vector<Unit>(3))), std::string("\3\0", 2));
}

TEST(Stream, DecodesElementsHoweverTheirBytesAreCut) {
  const std::vector<std::string> words = {"", "one", std::string(300, 'x'), "é"};
  std::string wire = encoded(StreamReader<std::string>(words));
  wire.pop_back();
  wire += encoded(StreamReader<std::string>(words));
  for (std::size_t size = 1; size <= wire.size(); ++size) {
    DecodingSource<std::string> source(std::make_unique<Pieces>(cut(wire, size)));
    std::vector<std::string> twice = words;
    twice.insert(twice.end(), words.begin(), words.end());
    ASSERT_EQ(all(source), twice) << "pieces of " << size;
    ASSERT_EQ(now(source.read()).value(), std::nullopt) << "after the end";
  }
}

TEST(Stream, DecodesBytesHoweverTheyAreCut) {
  std::string content;
  for (int i = 0; i < 1000; ++i) content += static_cast<char>(i);
  const std::string wire = encoded(StreamReader<std::uint8_t>(Bytes::copyOf(content)));
  for (std::size_t size = 1; size <= wire.size(); size += 1 + size / 5) {
    DecodingSource<std::uint8_t> source(std::make_unique<Pieces>(cut(wire, size)));
    const std::vector<std::uint8_t> bytes = all(source);
    ASSERT_EQ(asText(bytes), content) << "pieces of " << size;
  }
}

TEST(Stream, SharesTheBytesOfAPiece) {
  const Bytes large = Bytes::take(std::string(5000, 'x'));
  EncodingSource<std::uint8_t> source(StreamReader<std::uint8_t>(large).release());
  const ByteChain piece = now(source.read()).value().value();
  EXPECT_EQ(piece.piece(1).data(), large.view().data());
  StreamDecoder<std::uint8_t> decoder;
  decoder.append(piece.share());
  EXPECT_EQ(decoder.next()->value()->view().data(), large.view().data());
}

TEST(Stream, ReportsWhatIsWrong) {
  EXPECT_EQ(failureOf(""), "a stream was broken off");
  EXPECT_EQ(failureOf("\2\3one"), "a stream was broken off");
  EXPECT_EQ(failureOf("\1\3on"), "a stream was broken off");
  EXPECT_EQ(failureOf("\1\2\xff\xff"), "a string is not UTF-8");
  EXPECT_EQ(failureOf("\xff\xff\xff\xff\xff"), "an unsigned number does not fit its type");
  // An element that claims more than may be kept for it.
  EXPECT_EQ(failureOf("\1\xff\xff\xff\x7f"), "an element of a stream is too large");
  DecodingSource<std::uint8_t> bytes(std::make_unique<Pieces>(cut("\xff\xff\xff\xff\xff", 2)));
  std::string failure;
  static_cast<void>(all(bytes, &failure));
  EXPECT_EQ(failure, "the length of a piece of a stream is wrong");
}

TEST(Stream, GivesALongListInChunks) {
  const std::string wire = encoded(StreamReader<Unit>(std::vector<Unit>(10000)));
  DecodingSource<Unit> source(std::make_unique<Pieces>(cut(wire, 100)));
  EXPECT_EQ(now(source.read()).value()->size(), kMaxChunkElements);
  EXPECT_EQ(all(source).size(), 10000 - kMaxChunkElements);
}

// A list of so many texts of one byte.
std::string manyTexts(std::size_t texts) {
  std::array<std::uint8_t, kMaxLebBytes> length;
  std::string wire(asText(ByteView(length).first(writeUleb(texts, length.data()))));
  for (std::size_t i = 0; i < texts; ++i) wire += "\1x";
  return wire;
}

TEST(Stream, CostsNoMoreThanManyTimesItsBytes) {
  using Texts = std::vector<std::string>;
  constexpr std::size_t kTexts = 100'000;
  const std::string wire = "\1" + manyTexts(kTexts) + '\0';
  DecodingSource<Texts> fine(std::make_unique<Pieces>(cut(wire, 1000)));
  const auto elements = all(fine);
  ASSERT_EQ(elements.size(), 1U);
  EXPECT_EQ(elements[0].size(), kTexts);

  auto pieces = std::make_unique<Pieces>(cut(wire, 1));
  const Pieces& left = *pieces;
  DecodingSource<Texts> hostile(std::move(pieces));
  std::string failure;
  EXPECT_TRUE(all(hostile, &failure).empty());
  EXPECT_NE(failure.find("too many small pieces"), std::string::npos) << failure;
  EXPECT_GT(left.count(), kTexts / 2);
}

TEST(Stream, MayComeByteByByteForEver) {
  std::string wire;
  for (int i = 0; i < 20'000; ++i) wire += "\1\5hello";
  DecodingSource<std::string> source(std::make_unique<Pieces>(cut(wire + '\0', 1)));
  EXPECT_EQ(all(source).size(), 20'000U);
}

TEST(Stream, IsReadFromTheValuesThatAnnounceIt) {
  Encoder out;
  StreamReader<std::string> reader({"a", "b"});
  encodeAt(out, 3, reader);
  Values values = std::move(out).finish().value();
  EXPECT_EQ(values.channels.at(0).path, IndexPath({3}));
  Decoder in(values);
  auto decoded = decodeAt<StreamReader<std::string>>(in, 3);
  EXPECT_TRUE(in.finish().has_value());
  EXPECT_EQ(now(decoded.read()).value().value(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(now(decoded.read()).value(), std::nullopt);
  EXPECT_EQ(now(decoded.read()).value(), std::nullopt);
}

// The only stream of some results, read to its end.
Result<std::vector<std::string>> onlyStream(std::string_view results) {
  Values values;
  values.bytes.append(asBytes(results));
  Decoder in(values);
  auto stream = decodeAt<StreamReader<std::string>>(in, 0);
  TRY_VOID(in.finish());
  std::vector<std::string> all;
  while (true) {
    TRY(auto chunk, now(stream.read()));
    if (!chunk) return all;
    all.insert(all.end(), chunk->begin(), chunk->end());
  }
}

TEST(Stream, MayStandInlineAsAWhole) {
  EXPECT_EQ(onlyStream("\1\2\1a\1b"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(onlyStream(std::string("\1\0", 2)), std::vector<std::string>());
  EXPECT_FALSE(onlyStream("\2\1a\1b").has_value());
  EXPECT_FALSE(onlyStream("\1\2\1a").has_value());
}

TEST(StreamPipe, MakesTheWriterWaitForTheReader) {
  auto [writer, reader] = makeStream<int>();
  EXPECT_TRUE(now(Eventual<Result<void>>(writer.write({1}))).has_value());
  Task<Result<void>> second = writer.write({2, 3});
  EXPECT_FALSE(second.start());
  EXPECT_EQ(now(reader.read()).value(), std::vector<int>{1});
  ASSERT_TRUE(second.done());
  EXPECT_TRUE(second.take().has_value());
  writer.close();
  EXPECT_EQ(now(reader.read()).value(), (std::vector<int>{2, 3}));
  EXPECT_EQ(now(reader.read()).value(), std::nullopt);
}

TEST(StreamPipe, WakesAReaderThatWaits) {
  auto [writer, reader] = makeStream<std::uint8_t>();
  auto reading = reader.read().intoTask();
  EXPECT_FALSE(reading.start());
  EXPECT_TRUE(now(Eventual<Result<void>>(writer.write(Bytes()))).has_value());  // left out
  EXPECT_FALSE(reading.done());
  EXPECT_TRUE(now(Eventual<Result<void>>(writer.write(Bytes::copyOf("x")))).has_value());
  ASSERT_TRUE(reading.done());
  EXPECT_EQ(reading.take().value()->text(), "x");
  auto ending = reader.read().intoTask();
  EXPECT_FALSE(ending.start());
  writer.close();
  ASSERT_TRUE(ending.done());
  EXPECT_EQ(ending.take().value(), std::nullopt);
}

TEST(StreamPipe, TellsTheWriterThatNobodyReads) {
  auto [writer, reader] = makeStream<int>();
  EXPECT_TRUE(now(Eventual<Result<void>>(writer.write({1}))).has_value());
  Task<Result<void>> waiting = writer.write({2});
  EXPECT_FALSE(waiting.start());
  reader = StreamReader<int>();
  ASSERT_TRUE(waiting.done());
  EXPECT_EQ(waiting.take().error().code(), ErrorCode::kCancelled);
  EXPECT_EQ(now(Eventual<Result<void>>(writer.write({3}))).error().code(), ErrorCode::kCancelled);
}

TEST(StreamPipe, BreaksOffWithItsWriterOrByItsError) {
  StreamReader<int> reader;
  {
    auto [writer, other_end] = makeStream<int>();
    reader = std::move(other_end);
    EXPECT_TRUE(now(Eventual<Result<void>>(writer.write({1}))).has_value());
  }
  EXPECT_EQ(now(reader.read()).value(), std::vector<int>{1});
  EXPECT_EQ(now(reader.read()).error().code(), ErrorCode::kUnavailable);

  auto [writer, failing] = makeStream<int>();
  writer.fail(Error(ErrorCode::kIo, "the disk is gone"));
  EXPECT_EQ(now(failing.read()).error().message(), "the disk is gone");
  EncodingSource<int> on_the_wire(std::move(failing).release());
  EXPECT_FALSE(now(on_the_wire.read()).has_value());
}

template <typename T>
std::string futureOnTheWire(FutureReader<T> reader) {
  EncodingFuture<T> source(std::move(reader).release());
  return onTheWire(source);
}

TEST(Future, IsItsValueOnTheWire) {
  EXPECT_EQ(futureOnTheWire(FutureReader<std::string>("ab")), "\2ab");
  EXPECT_EQ(futureOnTheWire(FutureReader<Unit>(Unit())), "");
}

TEST(Future, IsDecodedHoweverItsBytesAreCut) {
  const std::string value(1000, 'v');
  const std::string wire = futureOnTheWire(FutureReader<std::string>(value));
  for (std::size_t size = 1; size < wire.size(); size += 1 + size / 5) {
    DecodingFuture<std::string> source(std::make_unique<Pieces>(cut(wire, size)));
    ASSERT_EQ(now(source.read()).value(), value);
  }
  DecodingFuture<Unit> unit(std::make_unique<Pieces>(cut("", 1)));
  EXPECT_TRUE(now(unit.read()).has_value());
}

TEST(Future, CostsNoMoreThanManyTimesItsBytes) {
  using Texts = std::vector<std::string>;
  const std::string wire = manyTexts(100'000);
  DecodingFuture<Texts> fine(std::make_unique<Pieces>(cut(wire, 1000)));
  EXPECT_TRUE(now(fine.read()));
  DecodingFuture<Texts> hostile(std::make_unique<Pieces>(cut(wire, 1)));
  const auto read = now(hostile.read());
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code(), ErrorCode::kResourceExhausted);
}

TEST(Future, ReportsWhatIsWrong) {
  const auto failure = [](const std::string& wire) {
    DecodingFuture<std::string> source(std::make_unique<Pieces>(cut(wire, 2)));
    return now(source.read()).error().message();
  };
  EXPECT_EQ(failure(""), "a future was broken off");
  EXPECT_EQ(failure("\3ab"), "a future was broken off");
  EXPECT_EQ(failure("\2abc"), "there are bytes behind the value");
  EXPECT_EQ(failure("\1\xff"), "a string is not UTF-8");
  EXPECT_EQ(failure("\xff\xff\xff\x7f"), "the value of a future is too large");
}

TEST(Future, IsSetLaterOrBrokenOff) {
  auto [writer, reader] = makeFuture<int>();
  auto reading = reader.read().intoTask();
  EXPECT_FALSE(reading.start());
  writer.set(7);
  ASSERT_TRUE(reading.done());
  EXPECT_EQ(reading.take().value(), 7);
  EXPECT_EQ(now(reader.read()).error().code(), ErrorCode::kCancelled);

  FutureReader<int> broken;
  {
    auto [gone, other_end] = makeFuture<int>();
    broken = std::move(other_end);
  }
  EXPECT_EQ(now(broken.read()).error().code(), ErrorCode::kUnavailable);
}

TEST(Future, IsReadFromTheValuesThatAnnounceIt) {
  Encoder out;
  FutureReader<std::string> reader("later");
  encodeAt(out, 0, reader);
  Values values = std::move(out).finish().value();
  Decoder in(values);
  auto decoded = decodeAt<FutureReader<std::string>>(in, 0);
  EXPECT_TRUE(in.finish().has_value());
  EXPECT_EQ(now(decoded.read()).value(), "later");

  Values ready;
  ready.bytes.append(asBytes("\1\3now"));
  Decoder ready_in(ready);
  auto there = decodeAt<FutureReader<std::string>>(ready_in, 0);
  EXPECT_TRUE(ready_in.finish().has_value());
  EXPECT_EQ(now(there.read()).value(), "now");
}

}  // namespace
}  // namespace nimbus::wrpc
