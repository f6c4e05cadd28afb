// Package export_wasi_http_incoming_handler says hello and names the path that was asked for. The
// generated code expects its name and that of Handle.
package export_wasi_http_incoming_handler

import (
	wit "go.bytecodealliance.org/pkg/wit/types"

	http "wit_component/wasi_http_types"
)

func Handle(request *http.IncomingRequest, responseOut *http.ResponseOutparam) {
	path := request.PathWithQuery().SomeOr("")
	request.Drop()

	response := http.MakeOutgoingResponse(http.MakeFields())
	body := response.Body().Ok()
	http.ResponseOutparamSet(responseOut, wit.Ok[*http.OutgoingResponse, http.ErrorCode](response))

	stream := body.Write().Ok()
	stream.BlockingWriteAndFlush([]byte("hello from go " + path + "\n"))
	stream.Drop()
	http.OutgoingBodyFinish(body, wit.None[*http.Fields]())
}
