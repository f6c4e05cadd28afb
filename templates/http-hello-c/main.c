// Answers every request with a line of text that names its path.

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "hello.h"

enum { kLineSize = 512 };

// Writes "Hello from C: PATH\n" to `line`, which holds kLineSize bytes; a long path is cut.
static size_t greet(char* line, const hello_string_t* path) {
  static const char greeting[] = "Hello from C: ";
  size_t length = sizeof greeting - 1;
  memcpy(line, greeting, length);
  size_t room = kLineSize - length - 1;
  size_t shown = path->len < room ? path->len : room;
  memcpy(line + length, path->ptr, shown);
  length += shown;
  line[length++] = '\n';
  return length;
}

static void send(wasi_http_types_borrow_outgoing_body_t body, uint8_t* bytes, size_t length) {
  wasi_io_streams_own_output_stream_t stream;
  if (!wasi_http_types_method_outgoing_body_write(body, &stream)) return;
  hello_list_u8_t contents = {bytes, length};
  wasi_io_streams_stream_error_t error;
  // A client that has gone away is no reason to complain.
  if (!wasi_io_streams_method_output_stream_blocking_write_and_flush(
          wasi_io_streams_borrow_output_stream(stream), &contents, &error)) {
    wasi_io_streams_stream_error_free(&error);
  }
  wasi_io_streams_output_stream_drop_own(stream);
}

void exports_wasi_http_incoming_handler_handle(
    exports_wasi_http_incoming_handler_own_incoming_request_t request,
    exports_wasi_http_incoming_handler_own_response_outparam_t response_out) {
  hello_string_t path = {0};
  wasi_http_types_method_incoming_request_path_with_query(
      wasi_http_types_borrow_incoming_request(request), &path);
  char line[kLineSize];
  size_t length = greet(line, &path);
  hello_string_free(&path);
  wasi_http_types_incoming_request_drop_own(request);

  wasi_http_types_own_outgoing_response_t response =
      wasi_http_types_constructor_outgoing_response(wasi_http_types_constructor_fields());
  wasi_http_types_own_outgoing_body_t body;
  wasi_http_types_method_outgoing_response_body(wasi_http_types_borrow_outgoing_response(response),
                                                &body);
  wasi_http_types_result_own_outgoing_response_error_code_t answer = {.is_err = false,
                                                                      .val.ok = response};
  wasi_http_types_static_response_outparam_set(response_out, &answer);

  send(wasi_http_types_borrow_outgoing_body(body), (uint8_t*)line, length);
  wasi_http_types_error_code_t error;
  if (!wasi_http_types_static_outgoing_body_finish(body, NULL, &error)) {
    wasi_http_types_error_code_free(&error);
  }
}
