#include <algorithm>

#include "http/http1_connection.h"

namespace nimbus::http {

Task<void> Http1Connection::run() {
  serving_ = serve();
  serving_->start();
  while (!ended_) {
    if (!input_.wantsMore()) {
      co_await waitForRoom();
      continue;
    }
    in_stream_ = true;
    if (input_.empty() && !filled_) {
      // Without a buffer: most connections are idle most of the time.
      auto ready = co_await stream_->readable();
      if (!ready || ended_) break;
    }
    reading_ = true;
    const std::span<std::uint8_t> room = input_.prepare();
    auto count = co_await stream_->read(room);
    reading_ = false;
    in_stream_ = false;
    if (!count || *count == 0) break;
    input_.commit(*count);
    filled_ = *count == room.size();
    received();
  }
  in_stream_ = false;
  endOfInput();
  while (!ended_) co_await waitForRoom();
  cancelExchange();
}

Event::Awaiter Http1Connection::waitForRoom() {
  in_room_ = true;
  room_.clear();
  return room_.wait();
}

Event::Awaiter Http1Connection::waitForNextTurn() {
  burst_ = 0;
  in_turn_ = true;
  turn_.clear();
  shard_.defer(*this);
  return turn_.wait();
}

void Http1Connection::received() {
  burst_ = 0;
  if (phase_ == Phase::kClosing || phase_ == Phase::kLingering) {
    input_.consume(input_.size());
  } else if (phase_ == Phase::kIdle || phase_ == Phase::kHead) {
    arrived_.set();
  } else {
    body_.inputArrived();
  }
}

// The client finished sending, or the stream broke. A handler at work is cancelled: nobody waits
// for it, and if its response is complete it is sent all the same.
void Http1Connection::endOfInput() {
  input_ended_ = true;
  if (ended_) return;
  switch (phase_) {
    case Phase::kIdle:
    case Phase::kHead: arrived_.set(); break;
    case Phase::kHandler:
      if (response_.complete()) {
        cancelExchange();
        serving_ = close();
        serving_->start();
      } else {
        ended_ = true;
      }
      break;
    case Phase::kDraining: body_.inputEnded(); break;
    case Phase::kClosing: break;
    case Phase::kLingering: ended_ = true; break;
  }
}

// Only from run(): serve() is not on the stack then.
void Http1Connection::cancelExchange() {
  serving_.reset();
  if (exchange_active_) finishExchange();
}

void Http1Connection::end() {
  ended_ = true;
  shard_.defer(*this);
}

// A client that was promised neither a length nor chunks takes an orderly end for that of the
// content.
bool Http1Connection::endWouldMislead() const {
  const bool all_sent = response_.complete() && !output_.failed() && output_.unsent() == 0;
  return response_.lastsUntilClose() && !all_sent;
}

void Http1Connection::runDeferred() {
  if (in_turn_) {
    in_turn_ = false;
    turn_.set();
  }
  // Either of these may end run(), and with it this object.
  if (ended_ && in_stream_) {
    endWouldMislead() ? stream_->reset() : stream_->close();
  } else if (in_room_) {
    in_room_ = false;
    room_.set();
  }
}

void Http1Connection::inputConsumed() {
  if (in_room_ && input_.wantsMore()) shard_.defer(*this);
}

void Http1Connection::sendContinue() {
  if (response_.headSent()) return;
  output_.text().append("HTTP/1.1 100 Continue\r\n\r\n");
  output_.textAdded();
}

void Http1Connection::bodyDeadlineChanged() {
  deadline_ = body_.deadline();
  updateTimer();
}

// Never moves the timer to a later time: it looks again when it fires.
void Http1Connection::updateTimer() {
  TimePoint next = deadline_;
  if (output_.unsent() > 0) {
    next = std::min(next, output_.lastProgress() + limits_.write_idle_timeout);
  }
  if (next >= armed_for_) return;
  armed_for_ = next;
  timer_.armAt(next);
}

void Http1Connection::onTimer() {
  armed_for_ = TimePoint::max();
  const TimePoint now = shard_.now();
  const auto peer_rests = [&] {
    return output_.unsent() > 0 && now >= output_.lastProgress() + limits_.write_idle_timeout;
  };
  if (peer_rests()) output_.offerAgain();
  if (peer_rests()) {
    end();
    output_.fail();
    return;
  }
  if (now >= deadline_) onDeadline();
  updateTimer();
}

void Http1Connection::onDeadline() {
  deadline_ = TimePoint::max();
  switch (phase_) {
    case Phase::kIdle:
      if (!memory_released_ && !draining_) {
        releaseMemory();
        deadline_ = idle_since_ + limits_.idle_timeout;
      } else {
        stop_ = true;
        arrived_.set();
      }
      break;
    case Phase::kHead:
      timed_out_ = true;
      arrived_.set();
      break;
    case Phase::kHandler:
    case Phase::kDraining: body_.deadlinePassed(); break;
    case Phase::kClosing:
    case Phase::kLingering: end(); break;
  }
}

void Http1Connection::releaseMemory() {
  memory_released_ = true;
  if (!reading_) input_.release();
  output_.releaseMemory();
  body_.releaseMemory();
  parser_.releaseMemory();
  request_.head = RequestHead();
}

}  // namespace nimbus::http
