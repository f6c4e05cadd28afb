#include "http/http1_connection.h"

#include <utility>

namespace nimbus::http {
namespace {

// An idle connection gives its buffers back after this; a busy one keeps them between requests.
constexpr Duration kReleaseMemoryAfter = std::chrono::seconds(2);
// How long we wait, after the last response, for a client to end its side. Closing at once could
// destroy a response that is still on its way (RFC 9112 9.6).
constexpr Duration kLingerTime = std::chrono::seconds(2);
// A draining connection that was answered on less than this ago may have the next request on its
// way, from a client that was told of no end.
constexpr Duration kDrainGrace = std::chrono::milliseconds(500);

// Pipelined requests answered before other connections get their turn.
constexpr std::size_t kMaxBurst = 32;

HeadLimits headLimits(const ServerLimits& limits) {
  return {.max_start_line_bytes = limits.max_request_line_bytes,
          .max_header_bytes = limits.max_header_bytes,
          .max_header_count = limits.max_header_count};
}

// What a client is told whose content could not be read, by a handler that said nothing.
std::uint16_t statusFor(const Error& body_error) {
  switch (body_error.code()) {
    case ErrorCode::kDeadlineExceeded: return 408;
    case ErrorCode::kResourceExhausted: return 413;
    case ErrorCode::kProtocol: return 400;
    default: return 500;
  }
}

}  // namespace

std::unique_ptr<Connection> makeHttp1Connection(ConnectionEnvironment& environment,
                                                std::unique_ptr<net::Stream> stream,
                                                std::string received) {
  return std::make_unique<Http1Connection>(environment, std::move(stream), std::move(received));
}

Http1Connection::Http1Connection(ConnectionEnvironment& environment,
                                 std::unique_ptr<net::Stream> stream, std::string received)
    : environment_(environment),
      limits_(environment.limits),
      shard_(environment.shard),
      stream_(std::move(stream)),
      input_(limits_.body_read_ahead_bytes),
      output_(shard_, *stream_, limits_.unsent_bytes_high_water, *this,
              TakePace(limits_.min_response_bytes_per_second, limits_.write_idle_timeout)),
      body_(shard_, limits_, input_, *this),
      response_(shard_, limits_, output_, body_),
      parser_(headLimits(limits_), request_.head),
      timer_(shard_, [this] { onTimer(); }) {
  input_.append(received);
  if (environment.access_log != nullptr) logged_ = std::make_unique<Logged>();
}

Http1Connection::~Http1Connection() {
  serving_.reset();
  if (exchange_active_) finishExchange();
  if (endWouldMislead()) stream_->reset();
}

Task<void> Http1Connection::serve() {
  while (!ended_) {
    phase_ = Phase::kIdle;
    if (output_.congested()) co_await output_.roomy();
    if (++burst_ > kMaxBurst) co_await waitForNextTurn();
    startHead();
    while (!parseAvailable() && mayWaitForHead()) {
      updateTimer();
      arrived_.clear();
      co_await arrived_.wait();
    }
    deadline_ = TimePoint::max();
    if (parser_.state() != ParseState::kDone) {
      refuseHead();
      break;
    }
    if (!acceptRequest()) break;
    co_await environment_.handler.handle(request_, response_);
    endResponse();
    finishExchange();
    if (response_.keepAlive() && !body_.complete()) {
      phase_ = Phase::kDraining;
      if (!co_await body_.drain()) response_.closeAfterwards();
    }
    if (!response_.keepAlive()) break;
  }
  co_await close();
}

void Http1Connection::startHead() {
  parser_.start();
  idle_since_ = shard_.now();
  memory_released_ = false;
  deadline_ =
      idle_since_ + (draining_ ? kDrainGrace : std::min(kReleaseMemoryAfter, limits_.idle_timeout));
}

std::optional<TimePoint> Http1Connection::idleSince() const {
  if (output_.unsent() > 0) return std::nullopt;
  switch (phase_) {
    case Phase::kIdle:
    case Phase::kLingering: return idle_since_;
    case Phase::kHead: return deadline_ - limits_.header_timeout;  // when it began
    default: return std::nullopt;
  }
}

void Http1Connection::startDrain() {
  draining_ = true;
  if (phase_ == Phase::kIdle) {
    deadline_ = idle_since_ + kDrainGrace;
    updateTimer();
  } else if (phase_ == Phase::kLingering) {
    deadline_ = std::min(deadline_, shard_.now() + kDrainGrace);
    updateTimer();
  } else if (!response_.headSent()) {
    response_.closeAfterwards();
  }
}

bool Http1Connection::mayWaitForHead() const {
  return !input_ended_ && !timed_out_ && !(stop_ && phase_ == Phase::kIdle);
}

// True once the head is complete or refused.
bool Http1Connection::parseAvailable() {
  if (!input_.empty()) {
    input_.consume(parser_.feed(input_.view()));
    inputConsumed();
  }
  if (parser_.state() != ParseState::kMore) return true;
  if (phase_ == Phase::kIdle && parser_.started()) {
    phase_ = Phase::kHead;
    deadline_ = shard_.now() + limits_.header_timeout;
  }
  return false;
}

// The head is wrong, came too slowly, or not at all.
void Http1Connection::refuseHead() {
  response_.start(Version::kHttp11, Http1Response::Method::kOther, false);
  body_.start({});
  if (parser_.state() == ParseState::kFailed) {
    environment_.protocol_errors.add();
    response_.sendError(parser_.failure().status, parser_.failure().reason);
  } else if (timed_out_) {
    response_.sendError(408, "the request's head came too slowly");
  } else {
    return;
  }
  keepForLog(request_.head);
  record(Duration::zero());
}

// False if the connection itself answered.
bool Http1Connection::acceptRequest() {
  const HeadControl& control = parser_.control();
  RequestHead& head = request_.head;
  const bool last =
      limits_.max_requests_per_connection > 0 && ++requests_ >= limits_.max_requests_per_connection;
  const auto method =
      head.method == "HEAD" ? Http1Response::Method::kHead : Http1Response::Method::kOther;
  head.scheme = stream_->peer().tls ? Scheme::kHttps : Scheme::kHttp;
  body_.start(control);
  response_.start(head.version, method, control.keep_alive && !draining_ && !last);
  request_.body = &body_;
  request_.peer = &stream_->peer();

  exchange_active_ = true;
  exchange_began_ = shard_.now();
  keepForLog(head);
  environment_.requests.add();
  environment_.active_requests.add(1);

  std::uint16_t refused = 0;
  if (control.expectation == Expectation::kUnknown) refused = 417;
  if (limits_.max_body_bytes > 0 && control.content_length.value_or(0) > limits_.max_body_bytes) {
    refused = 413;
  }
  if (refused != 0) {
    response_.closeAfterwards();
    response_.sendError(refused,
                        refused == 417 ? "unknown expectation" : "the content is too large");
    finishExchange();
    return false;
  }
  phase_ = Phase::kHandler;
  return true;
}

// The handler is done; its response perhaps is not.
void Http1Connection::endResponse() {
  if (body_.error()) response_.closeAfterwards();
  if (!response_.headSent()) {
    const std::uint16_t status = body_.error() ? statusFor(*body_.error()) : 500;
    if (body_.error() && body_.error()->code() == ErrorCode::kProtocol) {
      environment_.protocol_errors.add();
    }
    response_.sendError(status, body_.error() ? body_.error()->message() : "no response");
  } else if (!response_.complete()) {
    response_.abort();
  }
}

void Http1Connection::keepForLog(const RequestHead& head) {
  if (!logged_) return;
  logged_->method.assign(head.method);
  logged_->authority.assign(head.authority);
  logged_->path.assign(head.path);
  logged_->version = head.version;
}

void Http1Connection::finishExchange() {
  exchange_active_ = false;
  environment_.active_requests.add(-1);
  // The shard's time stands still during a turn, and a handler may have computed for long in it.
  record(std::chrono::steady_clock::now() - exchange_began_);
}

void Http1Connection::record(Duration duration) {
  AccessRecord record;
  if (logged_) {
    record.peer = stream_->peer().address;
    record.method = logged_->method;
    record.authority = logged_->authority;
    record.path = logged_->path;
    record.version = logged_->version == Version::kHttp10 ? "HTTP/1.0" : "HTTP/1.1";
  }
  record.status = response_.status();
  record.request_bytes = body_.received();
  record.response_bytes = response_.contentBytes();
  record.duration = duration;
  record.complete = response_.complete() && !output_.failed();
  recordExchange(environment_, record);
}

// Sends what is left and says that this is the end, then lets the client read it before the socket
// goes (RFC 9112 9.6 and 9.8). A client that had asked for the end may send more all the same, such
// as an empty line.
Task<void> Http1Connection::close() {
  phase_ = Phase::kClosing;
  deadline_ = TimePoint::max();
  co_await output_.flushed();
  if (response_.aborted() || output_.failed()) {
    end();
    co_return;
  }
  deadline_ = shard_.now() + limits_.write_idle_timeout;
  updateTimer();
  const bool said = (co_await stream_->shutdownWrite()).has_value();
  // When a drain ends an idle connection, nothing has been on its way for a while.
  if (!said || input_ended_ || (draining_ && stop_)) {
    end();
    co_return;
  }
  phase_ = Phase::kLingering;
  deadline_ = shard_.now() + (draining_ ? kDrainGrace : kLingerTime);
  updateTimer();
  input_.consume(input_.size());
  inputConsumed();
}

}  // namespace nimbus::http
