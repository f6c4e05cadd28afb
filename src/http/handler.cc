#include "http/handler.h"

namespace nimbus::http {

void ResponseWriter::sendWhole(const ResponseHead& head, ByteView content) {
  sendHead(head, content.size());
  if (!content.empty()) {
    // The content is queued before the task first suspends; only the wait for the peer is dropped.
    auto written = write(Bytes::copyOf(content));
    written.start();
  }
  finish({});
}

void ResponseWriter::sendFailure(const Failure& failure) {
  Headers extra;
  if (failure.retry_soon) extra.add("retry-after", "1");
  sendText(*this, failure.status, failure.text, extra);
}

void sendText(ResponseWriter& response, std::uint16_t status, std::string_view text,
              const Headers& extra) {
  ResponseHead head;
  head.status = status;
  head.headers.add("content-type", "text/plain; charset=utf-8");
  for (std::size_t i = 0; i < extra.size(); ++i) head.headers.add(extra[i].name, extra[i].value);
  response.sendWhole(head, asBytes(text));
}

}  // namespace nimbus::http
