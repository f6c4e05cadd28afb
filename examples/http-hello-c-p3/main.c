// Says hello and names the path that was asked for, with WASI 0.3 driven by hand: the task returns
// its response first and then writes the body and the trailers, called back whenever a write is
// done.

#include <stdlib.h>
#include <string.h>

#include "hello.h"

typedef wasi_http_types_result_option_own_fields_error_code_t trailers_t;
typedef wasi_http_types_future_result_option_own_fields_error_code_t trailers_reader_t;
typedef wasi_http_types_future_result_option_own_fields_error_code_writer_t trailers_writer_t;

enum { kLineSize = 512 };

// One request. Lives until the last write is acknowledged.
struct task {
  hello_waitable_set_t writes;
  bool body_open;
  wasi_http_types_stream_u8_writer_t body;
  bool trailers_open;
  trailers_writer_t trailers;
  trailers_t no_trailers;
  size_t length;
  size_t sent;
  char line[kLineSize];
};

static void close_body(struct task* task) {
  hello_waitable_join(task->body, 0);
  wasi_http_types_stream_u8_drop_writable(task->body);
  task->body_open = false;
}

static void close_trailers(struct task* task) {
  hello_waitable_join(task->trailers, 0);
  wasi_http_types_future_result_option_own_fields_error_code_drop_writable(task->trailers);
  task->trailers_open = false;
}

// Goes on with the body until a write has to wait, all is sent, or the reader has gone away.
static void continue_body(struct task* task, hello_waitable_status_t status) {
  while (status != HELLO_WAITABLE_STATUS_BLOCKED) {
    task->sent += HELLO_WAITABLE_COUNT(status);
    if (HELLO_WAITABLE_STATE(status) != HELLO_WAITABLE_COMPLETED || task->sent >= task->length) {
      close_body(task);
      return;
    }
    status = wasi_http_types_stream_u8_write(task->body, (const uint8_t*)task->line + task->sent,
                                             task->length - task->sent);
  }
}

static hello_callback_code_t next(struct task* task) {
  if (task->body_open || task->trailers_open) return HELLO_CALLBACK_CODE_WAIT(task->writes);
  hello_waitable_set_drop(task->writes);
  free(task);
  return HELLO_CALLBACK_CODE_EXIT;
}

// Fills in "hello from c p3 PATH\n"; a long path is cut.
static void greet(struct task* task, const hello_string_t* path) {
  static const char greeting[] = "hello from c p3 ";
  task->length = sizeof greeting - 1;
  memcpy(task->line, greeting, task->length);
  size_t room = kLineSize - task->length - 1;
  size_t shown = path->len < room ? path->len : room;
  memcpy(task->line + task->length, path->ptr, shown);
  task->length += shown;
  task->line[task->length++] = '\n';
}

static void return_response(struct task* task) {
  wasi_http_types_stream_u8_t body = wasi_http_types_stream_u8_new(&task->body);
  trailers_reader_t trailers =
      wasi_http_types_future_result_option_own_fields_error_code_new(&task->trailers);
  task->body_open = task->trailers_open = true;
  wasi_http_types_tuple2_own_response_future_result_void_error_code_t made;
  wasi_http_types_static_response_new(wasi_http_types_constructor_fields(), &body, trailers, &made);
  wasi_http_types_future_result_void_error_code_drop_readable(made.f1);
  exports_wasi_http_handler_result_own_response_error_code_t answer = {.is_err = false,
                                                                       .val.ok = made.f0};
  exports_wasi_http_handler_handle_return(answer);
}

hello_callback_code_t exports_wasi_http_handler_handle(
    exports_wasi_http_handler_own_request_t request) {
  struct task* task = calloc(1, sizeof *task);
  hello_string_t path = {0};
  wasi_http_types_method_request_get_path_with_query(wasi_http_types_borrow_request(request),
                                                     &path);
  greet(task, &path);
  hello_string_free(&path);
  wasi_http_types_request_drop_own(request);

  return_response(task);

  task->writes = hello_waitable_set_new();
  hello_context_set_0(task);
  hello_waitable_join(task->body, task->writes);
  hello_waitable_join(task->trailers, task->writes);
  // The trailers must be written before their end is dropped, even when there are none.
  task->no_trailers = (trailers_t){.is_err = false, .val.ok.is_some = false};
  if (wasi_http_types_future_result_option_own_fields_error_code_write(
          task->trailers, &task->no_trailers) != HELLO_WAITABLE_STATUS_BLOCKED) {
    close_trailers(task);
  }
  continue_body(
      task, wasi_http_types_stream_u8_write(task->body, (const uint8_t*)task->line, task->length));
  return next(task);
}

hello_callback_code_t exports_wasi_http_handler_handle_callback(hello_event_t* event) {
  struct task* task = hello_context_get_0();
  if (event->event == HELLO_EVENT_STREAM_WRITE) {
    continue_body(task, event->code);
  } else if (event->event == HELLO_EVENT_FUTURE_WRITE) {
    close_trailers(task);
  }
  return next(task);
}
