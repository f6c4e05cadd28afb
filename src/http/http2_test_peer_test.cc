#include "http/http2_test_peer.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>

namespace nimbus::http {
namespace {

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr std::size_t kMaxFrameBytes = 16384;
constexpr time_t kPatienceSeconds = 10;

std::string bigEndian(std::uint32_t value, std::size_t bytes) {
  std::string text;
  for (std::size_t i = bytes; i-- > 0;) text += static_cast<char>(value >> (8 * i));
  return text;
}

}  // namespace

std::uint32_t TestFrame::number(std::size_t offset) const {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4 && offset + i < payload.size(); ++i) {
    value = value << 8 | static_cast<std::uint8_t>(payload[offset + i]);
  }
  return value;
}

std::uint32_t TestFrame::errorCode() const { return number(type == NGHTTP2_GOAWAY ? 4 : 0); }

std::string TestMessage::field(std::string_view name) const {
  for (const auto& [key, value] : fields) {
    if (key == name) return value;
  }
  return {};
}

Http2TestPeer::Http2TestPeer(int fd) : fd_(fd) {
  const timeval patience{.tv_sec = kPatienceSeconds, .tv_usec = 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  nghttp2_hd_deflate_new(&deflater_, 4096);
  nghttp2_hd_inflate_new(&inflater_);
}

Http2TestPeer::~Http2TestPeer() {
  nghttp2_hd_deflate_del(deflater_);
  nghttp2_hd_inflate_del(inflater_);
  ::close(fd_);
}

int Http2TestPeer::connectSocket(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  return fd;
}

std::unique_ptr<Http2TestPeer> Http2TestPeer::connect(std::uint16_t port,
                                                      const Settings& settings) {
  auto peer = std::make_unique<Http2TestPeer>(connectSocket(port));
  peer->raw(kPreface);
  peer->settings(settings);
  return peer;
}

bool Http2TestPeer::greet(const Settings& entries) {
  std::string preface;
  if (!readBytes(preface, kPreface.size()) || preface != kPreface) return false;
  settings(entries);
  return true;
}

void Http2TestPeer::raw(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;  // the other side has closed; what it said can still be read
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

std::string Http2TestPeer::bytesOf(std::uint8_t type, std::uint8_t flags, std::int32_t stream,
                                   std::string_view payload) {
  std::string bytes = bigEndian(static_cast<std::uint32_t>(payload.size()), 3);
  bytes += static_cast<char>(type);
  bytes += static_cast<char>(flags);
  bytes += bigEndian(static_cast<std::uint32_t>(stream), 4);
  bytes += payload;
  return bytes;
}

void Http2TestPeer::frame(std::uint8_t type, std::uint8_t flags, std::int32_t stream,
                          std::string_view payload) {
  raw(bytesOf(type, flags, stream, payload));
}

void Http2TestPeer::settings(const Settings& entries) {
  std::string payload;
  for (const auto& [id, value] : entries) payload += bigEndian(id, 2) + bigEndian(value, 4);
  frame(NGHTTP2_SETTINGS, 0, 0, payload);
}

std::string Http2TestPeer::encode(const TestFields& fields) {
  std::vector<nghttp2_nv> list;
  for (const auto& [name, value] : fields) {
    list.push_back({reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
                    reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(),
                    value.size(), NGHTTP2_NV_FLAG_NONE});
  }
  std::string block(nghttp2_hd_deflate_bound(deflater_, list.data(), list.size()), '\0');
  const ssize_t used =
      nghttp2_hd_deflate_hd(deflater_, reinterpret_cast<std::uint8_t*>(block.data()), block.size(),
                            list.data(), list.size());
  block.resize(used < 0 ? 0 : static_cast<std::size_t>(used));
  return block;
}

void Http2TestPeer::headers(std::int32_t stream, const TestFields& fields, std::uint8_t flags) {
  std::string block = encode(fields);
  const bool split = block.size() > kMaxFrameBytes;
  frame(NGHTTP2_HEADERS, static_cast<std::uint8_t>(flags | (split ? 0 : NGHTTP2_FLAG_END_HEADERS)),
        stream, block.substr(0, kMaxFrameBytes));
  for (std::size_t at = kMaxFrameBytes; at < block.size(); at += kMaxFrameBytes) {
    const bool last = at + kMaxFrameBytes >= block.size();
    frame(NGHTTP2_CONTINUATION, last ? NGHTTP2_FLAG_END_HEADERS : 0, stream,
          block.substr(at, kMaxFrameBytes));
  }
}

void Http2TestPeer::request(std::int32_t stream, std::string_view method, std::string_view path,
                            const TestFields& extra, bool end_stream) {
  TestFields fields = {{":method", std::string(method)},
                       {":scheme", "http"},
                       {":authority", "test.example"},
                       {":path", std::string(path)}};
  fields.insert(fields.end(), extra.begin(), extra.end());
  headers(stream, fields, end_stream ? NGHTTP2_FLAG_END_STREAM : 0);
}

void Http2TestPeer::data(std::int32_t stream, std::string_view content, bool end_stream) {
  connection_window_ -= static_cast<std::int64_t>(content.size());
  window_changes_[stream] -= static_cast<std::int64_t>(content.size());
  frame(NGHTTP2_DATA, end_stream ? NGHTTP2_FLAG_END_STREAM : 0, stream, content);
}

void Http2TestPeer::content(std::int32_t stream, std::string_view content, bool end_stream) {
  while (!content.empty()) {
    const std::int64_t room =
        std::min({window(stream), connection_window_, static_cast<std::int64_t>(kMaxFrameBytes)});
    if (room <= 0) {
      auto frame = readWire();
      if (!frame) return ADD_FAILURE() << "the other side gave no credit";
      aside_.push_back(std::move(*frame));
      continue;
    }
    const std::string_view part = content.substr(0, static_cast<std::size_t>(room));
    content.remove_prefix(part.size());
    data(stream, part, end_stream && content.empty());
  }
}

void Http2TestPeer::reset(std::int32_t stream, std::uint32_t code) {
  frame(NGHTTP2_RST_STREAM, 0, stream, bigEndian(code, 4));
}

void Http2TestPeer::windowUpdate(std::int32_t stream, std::uint32_t increment) {
  frame(NGHTTP2_WINDOW_UPDATE, 0, stream, bigEndian(increment, 4));
}

void Http2TestPeer::ping(std::string_view eight_bytes) { frame(NGHTTP2_PING, 0, 0, eight_bytes); }

void Http2TestPeer::finishSending() { ::shutdown(fd_, SHUT_WR); }

std::int64_t Http2TestPeer::window(std::int32_t stream) {
  return initial_window_ + window_changes_[stream];
}

bool Http2TestPeer::readBytes(std::string& into, std::size_t count) {
  while (into.size() < count) {
    char buffer[16384];
    const std::size_t wanted = std::min(sizeof buffer, count - into.size());
    const ssize_t got = ::recv(fd_, buffer, wanted, 0);
    if (got <= 0) return false;
    into.append(buffer, static_cast<std::size_t>(got));
  }
  return true;
}

std::optional<TestFrame> Http2TestPeer::readFrame() {
  std::string header;
  if (!readBytes(header, 9)) return std::nullopt;
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(header[i]); };
  TestFrame frame;
  const std::size_t length = std::size_t{byte(0)} << 16 | std::size_t{byte(1)} << 8 | byte(2);
  frame.type = byte(3);
  frame.flags = byte(4);
  frame.stream =
      static_cast<std::int32_t>(std::uint32_t{byte(5)} << 24 | std::uint32_t{byte(6)} << 16 |
                                std::uint32_t{byte(7)} << 8 | byte(8));
  if (!readBytes(frame.payload, length)) return std::nullopt;
  return frame;
}

std::optional<TestFrame> Http2TestPeer::readWire() {
  for (;;) {
    auto frame = readFrame();
    if (!frame) return std::nullopt;
    while (frame->type == NGHTTP2_HEADERS && (frame->flags & NGHTTP2_FLAG_END_HEADERS) == 0) {
      const auto more = readFrame();
      if (!more || more->type != NGHTTP2_CONTINUATION) return std::nullopt;
      frame->payload += more->payload;
      frame->flags |= more->flags & NGHTTP2_FLAG_END_HEADERS;
    }
    note(*frame);
    if (frame->type != NGHTTP2_SETTINGS) return frame;
  }
}

void Http2TestPeer::note(TestFrame& frame) {
  if (frame.type == NGHTTP2_HEADERS) decode(frame);
  if (frame.type == NGHTTP2_WINDOW_UPDATE && frame.stream == 0) {
    connection_window_ += frame.number(0);
  } else if (frame.type == NGHTTP2_WINDOW_UPDATE) {
    window_changes_[frame.stream] += frame.number(0);
  }
  if (frame.type != NGHTTP2_SETTINGS || (frame.flags & NGHTTP2_FLAG_ACK) != 0) return;
  for (std::size_t at = 0; at + 6 <= frame.payload.size(); at += 6) {
    const std::uint32_t id = frame.number(at) >> 16;
    if (id == NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE) initial_window_ = frame.number(at + 2);
  }
  this->frame(NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, {});
}

void Http2TestPeer::decode(TestFrame& frame) {
  const auto* at = reinterpret_cast<const std::uint8_t*>(frame.payload.data());
  std::size_t left = frame.payload.size();
  for (;;) {
    nghttp2_nv field;
    int flags = 0;
    const ssize_t used = nghttp2_hd_inflate_hd2(inflater_, &field, &flags, at, left, 1);
    if (used < 0) return ADD_FAILURE() << "undecodable header block";
    at += used;
    left -= static_cast<std::size_t>(used);
    if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
      frame.fields.emplace_back(
          std::string(reinterpret_cast<const char*>(field.name), field.namelen),
          std::string(reinterpret_cast<const char*>(field.value), field.valuelen));
    }
    if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) break;
    if ((flags & NGHTTP2_HD_INFLATE_EMIT) == 0 && left == 0) break;
  }
  nghttp2_hd_inflate_end_headers(inflater_);
}

std::optional<TestFrame> Http2TestPeer::read() {
  if (aside_.empty()) return readWire();
  TestFrame frame = std::move(aside_.front());
  aside_.pop_front();
  return frame;
}

std::optional<TestFrame> Http2TestPeer::readType(std::uint8_t type) {
  const auto found =
      std::ranges::find_if(aside_, [type](const TestFrame& frame) { return frame.type == type; });
  if (found != aside_.end()) {
    TestFrame frame = std::move(*found);
    aside_.erase(found);
    return frame;
  }
  for (;;) {
    auto frame = readWire();
    if (!frame || frame->type == type) return frame;
    aside_.push_back(std::move(*frame));
  }
}

TestMessage Http2TestPeer::readMessage(std::int32_t stream, Credit credit) {
  TestMessage message;
  std::deque<TestFrame> before = std::exchange(aside_, {});
  for (;;) {
    std::optional<TestFrame> frame;
    if (before.empty()) {
      frame = readWire();
    } else {
      frame = std::move(before.front());
      before.pop_front();
    }
    if (!frame) break;
    if (frame->stream != stream || frame->type == NGHTTP2_WINDOW_UPDATE) {
      aside_.push_back(std::move(*frame));
      continue;
    }
    if (frame->type == NGHTTP2_RST_STREAM) {
      message.reset = frame->errorCode();
      break;
    }
    if (frame->type == NGHTTP2_DATA) {
      message.content += frame->payload;
      const auto bytes = static_cast<std::uint32_t>(frame->payload.size());
      if (credit == Credit::kGive && bytes > 0) {
        windowUpdate(0, bytes);
        if (!frame->endsStream()) windowUpdate(stream, bytes);
      }
    } else if (frame->type == NGHTTP2_HEADERS) {
      const bool first = message.fields.empty();
      const bool informational = first && !frame->fields.empty() &&
                                 frame->fields[0].second.starts_with('1') &&
                                 frame->fields[0].first == ":status";
      if (informational) {
        message.informational.push_back(frame->fields[0].second);
      } else {
        (first ? message.fields : message.trailers) = frame->fields;
      }
    }
    if (frame->endsStream()) break;
  }
  aside_.insert(aside_.end(), before.begin(), before.end());
  return message;
}

std::vector<TestFrame> Http2TestPeer::readUntilPong() {
  ping("question");
  std::vector<TestFrame> frames(aside_.begin(), aside_.end());
  aside_.clear();
  for (;;) {
    auto frame = readWire();
    if (!frame) {
      ADD_FAILURE() << "no answer to a PING";
      return frames;
    }
    if (frame->type == NGHTTP2_PING && frame->payload == "question") return frames;
    frames.push_back(std::move(*frame));
  }
}

bool Http2TestPeer::readToEnd() {
  for (;;) {
    char buffer[16384];
    const ssize_t got = ::recv(fd_, buffer, sizeof buffer, 0);
    if (got == 0) return true;
    if (got < 0) return errno == ECONNRESET;
  }
}

std::optional<std::uint32_t> Http2TestPeer::readGoaway() {
  const auto frame = readType(NGHTTP2_GOAWAY);
  if (!frame) return std::nullopt;
  return frame->errorCode();
}

}  // namespace nimbus::http
