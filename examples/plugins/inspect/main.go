// A plugin of wash in Go: what a component consists of, and how many bytes each part takes.
package main

import _ "inspect_sections/wit_exports"

// A component has no main function; the compiler wants one.
func main() {}
