// What the component exports is in the packages export_…; the bindings in gen are made of wit.
package main

//go:generate wash bindgen go ./wit --out gen

import _ "example.com/{{project-name}}/gen/wit_exports"

// Not called: a component is a library.
func main() {}
