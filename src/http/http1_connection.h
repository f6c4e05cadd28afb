#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/sync.h"
#include "http/connection.h"
#include "http/http1_input.h"
#include "http/http1_output.h"
#include "http/http1_parser.h"
#include "http/http1_request_body.h"
#include "http/http1_response.h"

namespace nimbus::http {

// The server side of one HTTP/1 connection. Two coroutines share it:
//
// * run() reads from the stream whenever the input buffer has room, also while a handler works, so
//   that a client that vanishes is noticed; then it destroys the other coroutine, and the handler
//   with it.
// * serve() parses heads out of the input, runs the handler for one request after the other, and
//   closes the connection in an orderly way at the end.
//
// serve() never destroys anything of the connection: it marks its end and leaves the rest to the
// end of the loop's turn (runDeferred), when nothing of it is on the stack.
class Http1Connection final : public Connection,
                              private net::Deferred,
                              private OutputQueue::Owner,
                              private RequestBody::Owner {
 public:
  Http1Connection(ConnectionEnvironment& environment, std::unique_ptr<net::Stream> stream,
                  std::string received);
  ~Http1Connection() override;

  [[nodiscard]] Task<void> run() override;
  void startDrain() override;
  [[nodiscard]] std::optional<TimePoint> idleSince() const override;

 private:
  enum class Phase {
    kIdle,       // between requests
    kHead,       // in the middle of a head
    kHandler,    // the handler works
    kDraining,   // the response is complete, the request's content is not
    kClosing,    // the last response is being sent, and then the end of this side
    kLingering,  // everything is sent; waits for the client to end its side
  };

  // http1_connection.cc: the request side.
  [[nodiscard]] Task<void> serve();
  void startHead();
  bool parseAvailable();
  [[nodiscard]] bool mayWaitForHead() const;
  void refuseHead();
  bool acceptRequest();
  void endResponse();
  void finishExchange();
  void keepForLog(const RequestHead& head);
  void record(Duration duration);
  [[nodiscard]] Task<void> close();

  // http1_connection_io.cc: the socket side, timers and ends.
  void received();
  void endOfInput();
  [[nodiscard]] Event::Awaiter waitForRoom();
  [[nodiscard]] Event::Awaiter waitForNextTurn();
  void end();
  [[nodiscard]] bool endWouldMislead() const;
  void cancelExchange();
  void updateTimer();
  void onTimer();
  void onDeadline();
  void releaseMemory();
  void runDeferred() override;
  void outputFailed() override { end(); }
  void outputStalled() override { updateTimer(); }
  void inputConsumed() override;
  void sendContinue() override;
  void bodyDeadlineChanged() override;

  ConnectionEnvironment& environment_;
  const ServerLimits& limits_;
  net::Shard& shard_;
  const std::unique_ptr<net::Stream> stream_;

  InputBuffer input_;
  OutputQueue output_;
  RequestBody body_;
  Http1Response response_;
  ServerRequest request_;
  RequestParser parser_;

  Phase phase_ = Phase::kIdle;
  bool draining_ = false;
  bool stop_ = false;         // an idle connection ends
  bool timed_out_ = false;    // in the middle of a head
  bool input_ended_ = false;  // the client sends nothing more
  bool ended_ = false;        // nothing more happens here
  bool in_stream_ = false;    // run() waits for the stream
  bool in_room_ = false;      // run() waits for room_
  bool filled_ = false;       // the last read took all it could: there is probably more
  bool reading_ = false;      // … and the stream holds a part of input_
  bool in_turn_ = false;      // serve() waits for turn_
  std::size_t requests_ = 0;
  std::size_t burst_ = 0;  // requests answered since the last read

  bool exchange_active_ = false;
  TimePoint exchange_began_{};
  struct Logged {
    std::string method;
    std::string authority;
    std::string path;
    Version version = Version::kHttp11;
  };
  std::unique_ptr<Logged> logged_;  // only with an access log

  Event arrived_;  // for serve(): head bytes, their end, or a reason to stop
  Event turn_;     // for serve(): others had their turn
  Event room_;     // for run(): room in input_, or the end

  net::Timer timer_;
  TimePoint armed_for_ = TimePoint::max();
  TimePoint deadline_ = TimePoint::max();  // of the phase
  TimePoint idle_since_{};
  bool memory_released_ = false;

  std::optional<Task<void>> serving_;
};

}  // namespace nimbus::http
