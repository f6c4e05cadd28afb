#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nghttp2/nghttp2.h>

namespace nimbus::http {

using TestFields = std::vector<std::pair<std::string, std::string>>;

// One frame as it was on the wire; HEADERS with their fields decoded.
struct TestFrame {
  std::uint8_t type = 0;
  std::uint8_t flags = 0;
  std::int32_t stream = 0;
  std::string payload;
  TestFields fields;

  [[nodiscard]] bool endsStream() const { return (flags & NGHTTP2_FLAG_END_STREAM) != 0; }
  // RST_STREAM and GOAWAY.
  [[nodiscard]] std::uint32_t errorCode() const;
  [[nodiscard]] std::uint32_t number(std::size_t offset) const;
};

// What came on one stream up to its end.
struct TestMessage {
  std::vector<std::string> informational;  // status of each
  TestFields fields;
  std::string content;
  TestFields trailers;
  std::optional<std::uint32_t> reset;  // the code, if the stream was reset

  [[nodiscard]] std::string field(std::string_view name) const;
  [[nodiscard]] std::string status() const { return field(":status"); }
};

// One end of an HTTP/2 connection in the hands of a test: blocking, frame by frame, and free to
// break every rule. Reads give up after some seconds and then return nothing, so that a test fails
// instead of hanging.
class Http2TestPeer {
 public:
  // Takes a connected socket.
  explicit Http2TestPeer(int fd);
  Http2TestPeer(const Http2TestPeer&) = delete;
  Http2TestPeer& operator=(const Http2TestPeer&) = delete;
  ~Http2TestPeer();

  // Client: connects to 127.0.0.1 and says preface and SETTINGS. `settings` are id, value.
  using Settings = std::vector<std::pair<std::uint16_t, std::uint32_t>>;
  [[nodiscard]] static std::unique_ptr<Http2TestPeer> connect(std::uint16_t port,
                                                              const Settings& settings = {});
  [[nodiscard]] static int connectSocket(std::uint16_t port);
  // Server: takes the client's preface and says SETTINGS.
  [[nodiscard]] bool greet(const Settings& settings = {});

  [[nodiscard]] static std::string bytesOf(std::uint8_t type, std::uint8_t flags,
                                           std::int32_t stream, std::string_view payload);
  void raw(std::string_view bytes);
  void frame(std::uint8_t type, std::uint8_t flags, std::int32_t stream, std::string_view payload);
  void settings(const Settings& entries);
  void headers(std::int32_t stream, const TestFields& fields, std::uint8_t flags);
  void request(std::int32_t stream, std::string_view method, std::string_view path,
               const TestFields& extra = {}, bool end_stream = true);
  void data(std::int32_t stream, std::string_view content, bool end_stream);
  // Sends content as the other side's windows allow, reading what it says meanwhile.
  void content(std::int32_t stream, std::string_view content, bool end_stream);
  void reset(std::int32_t stream, std::uint32_t code);
  void windowUpdate(std::int32_t stream, std::uint32_t increment);
  void ping(std::string_view eight_bytes);
  void finishSending();
  [[nodiscard]] std::string encode(const TestFields& fields);

  // The next frame; nothing at the end of the connection. SETTINGS are answered and not shown.
  [[nodiscard]] std::optional<TestFrame> read();
  // The next frame of that type; what comes before is put aside for others.
  [[nodiscard]] std::optional<TestFrame> readType(std::uint8_t type);
  // A whole message on one stream, giving credit for its content if `credit`.
  enum class Credit { kGive, kKeep };
  [[nodiscard]] TestMessage readMessage(std::int32_t stream, Credit credit = Credit::kGive);
  // Everything the other side said before it answered a PING sent now.
  [[nodiscard]] std::vector<TestFrame> readUntilPong();
  // True if the other side closed, after whatever else it said.
  [[nodiscard]] bool readToEnd();
  // The code of the GOAWAY that ends the connection.
  [[nodiscard]] std::optional<std::uint32_t> readGoaway();

  [[nodiscard]] std::int64_t window(std::int32_t stream);

 private:
  [[nodiscard]] bool readBytes(std::string& into, std::size_t count);
  [[nodiscard]] std::optional<TestFrame> readFrame();
  [[nodiscard]] std::optional<TestFrame> readWire();
  void note(TestFrame& frame);
  void decode(TestFrame& frame);

  int fd_;
  nghttp2_hd_deflater* deflater_ = nullptr;
  nghttp2_hd_inflater* inflater_ = nullptr;
  std::deque<TestFrame> aside_;
  std::int64_t connection_window_ = 65535;
  std::int64_t initial_window_ = 65535;
  std::map<std::int32_t, std::int64_t> window_changes_;
};

}  // namespace nimbus::http
