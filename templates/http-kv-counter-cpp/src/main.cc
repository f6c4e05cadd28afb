// Counts the requests to each path in the key-value bucket `default`; DELETE starts again.

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "counter.h"

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
using Bucket = Owned<wasi_keyvalue_store_bucket_drop_own, wasi_keyvalue_store_own_bucket_t>;

// A text of limited length; what does not fit is cut.
class Text {
 public:
  Text& operator<<(std::string_view text) {
    const std::size_t shown = std::min(text.size(), characters_.size() - length_);
    std::copy_n(text.data(), shown, characters_.data() + length_);
    length_ += shown;
    return *this;
  }
  Text& operator<<(std::uint64_t number) {
    std::array<char, 20> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    return *this << std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data()));
  }
  void replace(char from, char to) {
    std::replace(characters_.data(), characters_.data() + length_, from, to);
  }

  counter_string_t string() { return {data(), length_}; }
  counter_list_u8_t bytes() { return {data(), length_}; }

 private:
  std::uint8_t* data() { return reinterpret_cast<std::uint8_t*>(characters_.data()); }

  std::array<char, 512> characters_;
  std::size_t length_ = 0;
};

// Under which key the requests to a path are counted: a key has no slashes.
Text keyOf(const Request& request) {
  counter_string_t path{};
  const bool known = wasi_http_types_method_incoming_request_path_with_query(
      wasi_http_types_borrow_incoming_request(request.get()), &path);
  Text key;
  key << "count";
  if (known) {
    key << std::string_view(reinterpret_cast<const char*>(path.ptr), path.len);
    counter_string_free(&path);
  }
  key.replace('/', '-');
  return key;
}

bool isDelete(const Request& request) {
  wasi_http_types_method_t method;
  wasi_http_types_method_incoming_request_method(
      wasi_http_types_borrow_incoming_request(request.get()), &method);
  const bool found = method.tag == WASI_HTTP_TYPES_METHOD_DELETE;
  wasi_http_types_method_free(&method);
  return found;
}

struct Answer {
  std::uint16_t status = 200;
  Text text;
};

Answer failed(std::string_view what, wasi_keyvalue_store_error_t& error) {
  wasi_keyvalue_store_error_free(&error);
  Answer answer{500, {}};
  answer.text << what << "\n";
  return answer;
}

Answer count(Text key, bool reset) {
  Text name;
  name << "default";
  counter_string_t name_string = name.string();
  counter_string_t key_string = key.string();
  wasi_keyvalue_store_error_t error;
  wasi_keyvalue_store_own_bucket_t handle;
  if (!wasi_keyvalue_store_open(&name_string, &handle, &error))
    return failed("cannot open the bucket", error);
  const Bucket bucket(handle);
  const auto borrowed = wasi_keyvalue_store_borrow_bucket(bucket.get());
  std::uint64_t value = 0;
  if (reset) {
    if (!wasi_keyvalue_store_method_bucket_delete(borrowed, &key_string, &error))
      return failed("cannot delete the key", error);
  } else if (!wasi_keyvalue_atomics_increment(borrowed, &key_string, 1, &value, &error)) {
    return failed("cannot count", error);
  }
  Answer answer;
  answer.text << value << "\n";
  return answer;
}

void send(wasi_http_types_borrow_outgoing_body_t body, Text text) {
  wasi_io_streams_own_output_stream_t handle;
  if (!wasi_http_types_method_outgoing_body_write(body, &handle)) return;
  const Stream stream(handle);
  auto bytes = text.bytes();
  wasi_io_streams_stream_error_t error;
  // A client that has gone away is no reason to complain.
  if (!wasi_io_streams_method_output_stream_blocking_write_and_flush(
          wasi_io_streams_borrow_output_stream(stream.get()), &bytes, &error)) {
    wasi_io_streams_stream_error_free(&error);
  }
}

// Sends the head of the response, and returns its body.
wasi_http_types_own_outgoing_body_t start(wasi_http_types_own_response_outparam_t response_out,
                                          std::uint16_t status) {
  const auto response =
      wasi_http_types_constructor_outgoing_response(wasi_http_types_constructor_fields());
  const auto borrowed = wasi_http_types_borrow_outgoing_response(response);
  wasi_http_types_method_outgoing_response_set_status_code(borrowed, status);
  wasi_http_types_own_outgoing_body_t body;
  wasi_http_types_method_outgoing_response_body(borrowed, &body);
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
  const Answer answer = count(keyOf(request), isDelete(request));
  const auto body = start(response_out, answer.status);
  send(wasi_http_types_borrow_outgoing_body(body), answer.text);
  wasi_http_types_error_code_t error;
  if (!wasi_http_types_static_outgoing_body_finish(body, nullptr, &error)) {
    wasi_http_types_error_code_free(&error);
  }
}
