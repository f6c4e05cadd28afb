"""Counts the requests to each path in the key-value bucket `default`; DELETE starts again."""

from componentize_py_types import Err, Ok
from wit_world import exports
from wit_world.imports import atomics, store
from wit_world.imports.types import (
    Fields,
    IncomingRequest,
    Method_Delete,
    OutgoingBody,
    OutgoingResponse,
    ResponseOutparam,
)


class IncomingHandler(exports.IncomingHandler):
    def handle(self, request: IncomingRequest, response_out: ResponseOutparam) -> None:
        key = "count" + (request.path_with_query() or "").replace("/", "-")
        reset = isinstance(request.method(), Method_Delete)
        try:
            answer(response_out, 200, f"{count(key, reset)}\n")
        except Err as error:
            answer(response_out, 500, f"cannot count: {error.value}\n")


def count(key: str, reset: bool) -> int:
    with store.open("default") as bucket:
        if reset:
            bucket.delete(key)
            return 0
        return atomics.increment(bucket, key, 1)


def answer(response_out: ResponseOutparam, status: int, text: str) -> None:
    response = OutgoingResponse(Fields.from_list([("content-type", b"text/plain")]))
    response.set_status_code(status)
    body = response.body()
    ResponseOutparam.set(response_out, Ok(response))
    with body.write() as stream:
        stream.blocking_write_and_flush(text.encode())
    OutgoingBody.finish(body, None)
