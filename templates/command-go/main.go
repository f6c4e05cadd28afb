// Greets whom its arguments name.
package main

import (
	"fmt"
	"os"
	"strings"
)

func main() {
	greeted := "world"
	if len(os.Args) > 1 {
		greeted = strings.Join(os.Args[1:], ", ")
	}
	fmt.Printf("Hello, %s!\n", greeted)
}
