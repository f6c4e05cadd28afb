// Answers every request with a line of text that names its path.
package main

//go:generate go tool wit-bindgen-go generate --world hello --out gen ./wit

import (
	"fmt"

	incominghandler "example.com/{{project-name}}/gen/wasi/http/incoming-handler"
	"example.com/{{project-name}}/gen/wasi/http/types"
	"go.bytecodealliance.org/cm"
)

type responseResult = cm.Result[types.ErrorCodeShape, types.OutgoingResponse, types.ErrorCode]

func init() {
	incominghandler.Exports.Handle = handle
}

// Not called: a component is a library.
func main() {}

func handle(request types.IncomingRequest, responseOut types.ResponseOutparam) {
	path := request.PathWithQuery()
	text := fmt.Sprintf("Hello from TinyGo: %s\n", path.Value())
	request.ResourceDrop()
	answer(responseOut, 200, text)
}

func answer(responseOut types.ResponseOutparam, status types.StatusCode, text string) {
	response := types.NewOutgoingResponse(types.NewFields())
	response.SetStatusCode(status)
	body := response.Body()
	types.ResponseOutparamSet(responseOut, cm.OK[responseResult](response))

	stream := body.OK().Write()
	// A client that has gone away is no reason to trap.
	stream.OK().BlockingWriteAndFlush(cm.ToList([]uint8(text)))
	stream.OK().ResourceDrop()
	types.OutgoingBodyFinish(*body.OK(), cm.None[types.Fields]())
}
