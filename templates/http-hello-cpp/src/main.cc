// Answers every request with a line of text that names its path.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "hello.h"

namespace {

// A handle that is given back to the host at the end.
template <auto drop, typename Handle>
class Owned {
 public:
  explicit Owned(Handle handle) : handle_(handle) {}
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  ~Owned() { drop(handle_); }

  Handle get() const { return handle_; }

 private:
  Handle handle_;
};

using Request =
    Owned<wasi_http_types_incoming_request_drop_own, wasi_http_types_own_incoming_request_t>;
using Stream = Owned<wasi_io_streams_output_stream_drop_own, wasi_io_streams_own_output_stream_t>;

// The path that was asked for, as long as the object lives.
class Path {
 public:
  explicit Path(const Request& request) {
    wasi_http_types_method_incoming_request_path_with_query(
        wasi_http_types_borrow_incoming_request(request.get()), &text_);
  }
  Path(const Path&) = delete;
  Path& operator=(const Path&) = delete;
  ~Path() { hello_string_free(&text_); }

  std::string_view text() const { return {reinterpret_cast<const char*>(text_.ptr), text_.len}; }

 private:
  hello_string_t text_{};
};

// A line of limited length; what does not fit is cut.
class Line {
 public:
  Line& operator<<(std::string_view text) {
    const std::size_t shown = std::min(text.size(), characters_.size() - length_);
    std::copy_n(text.data(), shown, characters_.data() + length_);
    length_ += shown;
    return *this;
  }

  hello_list_u8_t bytes() { return {reinterpret_cast<std::uint8_t*>(characters_.data()), length_}; }

 private:
  std::array<char, 512> characters_;
  std::size_t length_ = 0;
};

void send(wasi_http_types_borrow_outgoing_body_t body, Line line) {
  wasi_io_streams_own_output_stream_t handle;
  if (!wasi_http_types_method_outgoing_body_write(body, &handle)) return;
  const Stream stream(handle);
  auto bytes = line.bytes();
  wasi_io_streams_stream_error_t error;
  // A client that has gone away is no reason to complain.
  if (!wasi_io_streams_method_output_stream_blocking_write_and_flush(
          wasi_io_streams_borrow_output_stream(stream.get()), &bytes, &error)) {
    wasi_io_streams_stream_error_free(&error);
  }
}

// Sends the head of the response, and returns its body.
wasi_http_types_own_outgoing_body_t start(wasi_http_types_own_response_outparam_t response_out) {
  const auto response =
      wasi_http_types_constructor_outgoing_response(wasi_http_types_constructor_fields());
  wasi_http_types_own_outgoing_body_t body;
  wasi_http_types_method_outgoing_response_body(wasi_http_types_borrow_outgoing_response(response),
                                                &body);
  wasi_http_types_result_own_outgoing_response_error_code_t answer{};
  answer.val.ok = response;
  wasi_http_types_static_response_outparam_set(response_out, &answer);
  return body;
}

}  // namespace

void exports_wasi_http_incoming_handler_handle(
    exports_wasi_http_incoming_handler_own_incoming_request_t handle,
    exports_wasi_http_incoming_handler_own_response_outparam_t response_out) {
  const Request request(handle);
  const Path path(request);
  Line line;
  line << "Hello from C++: " << path.text().substr(0, 400) << "\n";

  const auto body = start(response_out);
  send(wasi_http_types_borrow_outgoing_body(body), line);
  wasi_http_types_error_code_t error;
  if (!wasi_http_types_static_outgoing_body_finish(body, nullptr, &error)) {
    wasi_http_types_error_code_free(&error);
  }
}
