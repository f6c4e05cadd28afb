#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "http/http2_server_fixture.h"
#include "http/http2_valve_stream.h"

namespace nimbus::http {

// Servers whose transport is in the hands of the test.
class Http2ValveTest : public Http2ServerTest {
 protected:
  // On the shard. `settings` are what the client's first frame holds.
  ValveStream& open(std::string_view settings = {}) {
    static constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    auto stream = std::make_unique<ValveStream>();
    ValveStream& valve = *stream;
    valve.feed(std::string(kPreface) + Http2TestPeer::bytesOf(NGHTTP2_SETTINGS, 0, 0, settings));
    connections_.push_back(makeHttp2Connection(*environment_, std::move(stream), {}));
    running_.spawn(connections_.back()->run());
    return valve;
  }

  // A GET of "/" as the tables of HPACK have it.
  [[nodiscard]] static std::string requestBytes(std::int32_t stream) {
    return Http2TestPeer::bytesOf(NGHTTP2_HEADERS,
                                  NGHTTP2_FLAG_END_STREAM | NGHTTP2_FLAG_END_HEADERS, stream,
                                  "\x82\x86\x84\x41\x01"
                                  "a");
  }

  static Task<void> turns(net::Shard& shard) {
    for (int i = 0; i < 5; ++i) co_await shard.sleepFor(std::chrono::milliseconds(0));
  }
};

}  // namespace nimbus::http
