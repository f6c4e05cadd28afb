#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "host/admin/admin_api.h"
#include "host/admin/admin_json.h"
#include "host/admin/admin_reply.h"

// The part of the administration API that streams events (the format is that of server-sent
// events, HTML living standard 9.2).
namespace nimbus::host {
namespace {

// Counts one reader for as long as it lives, however it ends.
class ReaderCount {
 public:
  explicit ReaderCount(std::size_t& count) : count_(count) { ++count_; }
  ReaderCount(const ReaderCount&) = delete;
  ReaderCount& operator=(const ReaderCount&) = delete;
  ~ReaderCount() { --count_; }

 private:
  std::size_t& count_;
};

std::string eventText(const EventLog& log, const HostEvent& event) {
  return fmt::format("id: {}.{}\nevent: {}\ndata: {}\n\n", log.epoch(), event.sequence,
                     eventKindName(event.kind), eventJson(event));
}

// Where to go on after the last event a client has seen. `gap` says that something may have been
// lost on the way.
struct StartPoint {
  std::uint64_t cursor = 0;
  bool other_run = false;
};

StartPoint startPoint(const EventLog& log, std::string_view last_event_id) {
  if (last_event_id.empty()) return {log.oldest() - 1, false};
  const auto parts = splitOnce(last_event_id, '.');
  const auto sequence = parts ? parseDecimal(parts->second) : std::nullopt;
  if (!sequence || parts->first != log.epoch() || *sequence > log.newest())
    return {log.oldest() - 1, true};
  return {*sequence, false};
}

bool concerns(const AdminCall& call, const HostEvent& event) {
  return call.workload.empty() || event.workload.empty() || event.workload == call.workload;
}

}  // namespace

Task<void> AdminApi::streamEvents(AdminCall call, std::string last_event_id,
                                  http::ResponseWriter& response) {
  if (event_readers_ >= options_.max_event_readers) {
    sendError(response, Error(ErrorCode::kResourceExhausted, "too many readers of events"));
    co_return;
  }
  const ReaderCount counted(event_readers_);
  http::ResponseHead head;
  head.headers.add("content-type", "text/event-stream");
  head.headers.add("cache-control", "no-store");
  response.sendHead(head, std::nullopt);
  if (call.head_only) {
    response.finish({});
    co_return;
  }

  const StartPoint start = startPoint(environment_.events, last_event_id);
  if (start.other_run &&
      !co_await response.write(
          Bytes::ofStatic("event: missed\ndata: {\"reason\":\"the host was started anew\"}\n\n")))
    co_return;
  if (co_await streamEventsAfter(start.cursor, std::move(call), response)) response.finish({});
}

// Ends without error when the log closes, or has been read and is not to be followed.
Task<Result<void>> AdminApi::streamEventsAfter(std::uint64_t cursor, AdminCall call,
                                               http::ResponseWriter& response) {
  EventLog& log = environment_.events;
  while (call.follow || cursor < log.newest()) {
    const EventLog::Item item = co_await log.next(cursor);
    std::string text;
    if (const auto* event = std::get_if<HostEvent>(&item)) {
      cursor = event->sequence;
      if (concerns(call, *event)) text = eventText(log, *event);
    } else if (const auto* missed = std::get_if<EventLog::Missed>(&item)) {
      cursor = log.oldest() - 1;
      text = fmt::format("event: missed\ndata: {{\"count\":{}}}\n\n", missed->count);
    } else if (std::holds_alternative<EventLog::Heartbeat>(item)) {
      text = ": alive\n\n";
    } else {
      break;
    }
    if (!text.empty()) CO_TRY_VOID(co_await response.write(Bytes::take(std::move(text))));
  }
  co_return Result<void>();
}

}  // namespace nimbus::host
