module example.com/{{project-name}}

go 1.24.0

tool go.bytecodealliance.org/cmd/wit-bindgen-go

require (
	go.bytecodealliance.org v0.7.0
	go.bytecodealliance.org/cm v0.3.0
)
