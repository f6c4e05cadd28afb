// Package export_wasi_http_incoming_handler answers every request with a line of text that names its
// path. The bindings expect its name and that of Handle.
package export_wasi_http_incoming_handler

import (
	"fmt"

	http "example.com/{{project-name}}/gen/wasi_http_types"
	wit "example.com/{{project-name}}/gen/wit/types"
)

func Handle(request *http.IncomingRequest, responseOut *http.ResponseOutparam) {
	path := request.PathWithQuery().SomeOr("")
	request.Drop()
	answer(responseOut, 200, fmt.Sprintf("Hello from Go: %s\n", path))
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
