#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/sync.h"
#include "http/client.h"
#include "http/client_request.h"
#include "http/http2_limits.h"
#include "http/http2_session.h"

namespace nimbus::http {

class Http2ClientSession;

// Informational heads (1xx) that may come before the head of a response, with either version.
inline constexpr int kMaxInformational = 32;

// A request to send, checked.
struct ClientRequest {
  const RequestHead& head;
  RequestFraming framing;
  BodyReader* body;  // null if framing says that there is no content
  const RequestOptions& options;
};

// What came of one try to send a request.
struct ExchangeResult {
  Result<std::unique_ptr<ClientResponse>> response;
  // The request had no effect, or none that counts: it may be sent again on another connection.
  bool may_retry = false;
};

// One request of a client and its response.
struct Http2ClientStream final : Http2Stream {
  using Http2Stream::Http2Stream;
  void wake() override;

  ResponseHead head;
  std::size_t head_bytes = 0;
  bool head_received = false;
  bool head_informational = false;
  int informational_count = 0;
  bool refused = false;   // surely not processed
  bool can_move = false;  // nothing of it is lost if it is sent on another connection
  std::optional<Error> failure;
  Event head_came;  // or it never will
};

// The client's end of an HTTP/2 connection, shared by requests of one isolation key to one
// authority. Owned by the pool and by the exchanges under way.
class Http2ClientSession final : public Http2Session,
                                 public std::enable_shared_from_this<Http2ClientSession> {
 public:
  // `changed` is called in a turn in which a stream ended or the session did; it may drop the
  // session.
  static std::shared_ptr<Http2ClientSession> start(net::Shard& shard,
                                                   std::unique_ptr<net::Stream> stream,
                                                   std::size_t max_header_bytes,
                                                   std::function<void()> changed);
  ~Http2ClientSession() override;

  // Whether one more request may be sent here now.
  [[nodiscard]] bool hasRoom();
  // Whether that will be known soon: until the server has said how many it takes at once, there is
  // one. Not for ever, if it says nothing.
  [[nodiscard]] bool willTellRoom() const {
    return !settings_received_ && !settings_late_ && !suspected_ && !isDone();
  }
  // It is of no use to anybody who does not use it already.
  [[nodiscard]] bool isDone() const { return over() || terminating(); }
  [[nodiscard]] std::size_t streamCount() const { return streams_.size(); }
  [[nodiscard]] TimePoint idleSince() const { return idle_since_; }

  // Sends the request and waits for the head of the response.
  [[nodiscard]] Task<ExchangeResult> exchange(ClientRequest request);

  // Says GOAWAY, as well as that goes without waiting, and closes; streams under way fail.
  void shutDown();

 private:
  friend class Http2Exchange;
  // More streams than this at once go to another connection.
  static constexpr std::size_t kMaxStreams = 64;

  Http2ClientSession(net::Shard& shard, std::unique_ptr<net::Stream> stream,
                     std::size_t max_header_bytes, std::function<void()> changed);

  [[nodiscard]] Result<std::shared_ptr<Http2ClientStream>> submit(const ClientRequest& request);
  [[nodiscard]] std::size_t streamsAllowed();
  [[nodiscard]] Task<void> runReads();
  // A request got no answer in time: perhaps the connection is dead without saying so. No new
  // requests until it has answered a PING.
  void suspect();
  // A request that was made then was given up before its response ended. That says nothing of the
  // server, which may be slow; but if all was silent since, perhaps the connection is dead.
  void givenUp(TimePoint asked_at);
  // Something came.
  void heard();

  // Content counts against the window of its stream until it is read, but against that of the
  // connection only until it is here. So what nobody reads, of streams that go on or of those that
  // have ended, never holds up another response; its own window bounds what is kept of each.
  void contentConsumed(std::int32_t stream_id, std::size_t byte_count) override;

  int onBeginHeaders(const nghttp2_frame& frame) override;
  int onHeader(const nghttp2_frame& frame, std::string_view name, std::string_view value) override;
  void onFrame(const nghttp2_frame& frame) override;
  void onContent(Http2Stream& stream, ByteView bytes) override;
  void onStreamClosed(Http2Stream& stream) override;
  void onHeadersNotSent(Http2Stream& stream) override;
  void sweepStreams() override;
  void turnEnded() override;
  [[nodiscard]] bool quiet() const override { return streams_.empty(); }
  void connectionLost(const Error& error) override;
  void contentWanted(std::int32_t, bool) override {}
  [[nodiscard]] std::shared_ptr<void> keepAlive() override { return shared_from_this(); }

  void onHead(Http2ClientStream& stream, bool end_stream);
  void onEmptyContent(Http2ClientStream& stream);
  // Requests that wait for another one to end go to another connection.
  void moveUnsent();
  [[nodiscard]] bool takeStatus(Http2ClientStream& stream, std::string_view value);

  std::size_t max_header_bytes_;
  std::function<void()> changed_;
  std::unordered_map<std::int32_t, std::shared_ptr<Http2ClientStream>> streams_;
  std::vector<Http2ClientStream*> closed_;
  TimePoint idle_since_;
  TimePoint heard_at_;
  TimePoint first_unheard_ = TimePoint::max();  // when the first request since then was made
  TimePoint trusted_until_{};                   // it has answered a PING
  EventRate empty_frames_;
  net::Timer ping_limit_;
  net::Timer settings_limit_;
  bool settings_received_ = false;
  bool settings_late_ = false;
  bool suspected_ = false;
  bool goaway_received_ = false;
  bool change_pending_ = false;
  std::size_t unread_bytes_ = 0;
  std::optional<Task<void>> reads_;  // last: destroyed before what it uses
};

}  // namespace nimbus::http
