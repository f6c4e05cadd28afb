// Package export_wasi_http_incoming_handler counts the requests to each path in the key-value bucket
// `default`; DELETE starts again. The bindings expect its name and that of Handle.
package export_wasi_http_incoming_handler

import (
	"fmt"
	"strings"

	http "example.com/{{project-name}}/gen/wasi_http_types"
	atomics "example.com/{{project-name}}/gen/wasi_keyvalue_atomics"
	store "example.com/{{project-name}}/gen/wasi_keyvalue_store"
	wit "example.com/{{project-name}}/gen/wit/types"
)

func Handle(request *http.IncomingRequest, responseOut *http.ResponseOutparam) {
	key := "count" + strings.ReplaceAll(request.PathWithQuery().SomeOr(""), "/", "-")
	reset := request.Method().Tag() == http.MethodDelete
	request.Drop()
	status, text := count(key, reset)
	answer(responseOut, status, text)
}

func count(key string, reset bool) (uint16, string) {
	opened := store.Open("default")
	if opened.IsErr() {
		return 500, "cannot open the bucket\n"
	}
	bucket := opened.Ok()
	defer bucket.Drop()
	if reset {
		if bucket.Delete(key).IsErr() {
			return 500, "cannot delete the key\n"
		}
		return 200, "0\n"
	}
	counted := atomics.Increment(bucket, key, 1)
	if counted.IsErr() {
		return 500, "cannot count\n"
	}
	return 200, fmt.Sprintf("%d\n", counted.Ok())
}

func answer(responseOut *http.ResponseOutparam, status uint16, text string) {
	response := http.MakeOutgoingResponse(http.MakeFields())
	response.SetStatusCode(status)
	body := response.Body().Ok()
	http.ResponseOutparamSet(responseOut, wit.Ok[*http.OutgoingResponse, http.ErrorCode](response))

	stream := body.Write().Ok()
	stream.BlockingWriteAndFlush([]byte(text)) // a client that has gone away is no reason to trap
	stream.Drop()
	http.OutgoingBodyFinish(body, wit.None[*http.Fields]())
}
