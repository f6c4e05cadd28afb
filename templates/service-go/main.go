// Wakes up every second, or as often as the variable EVERY_SECONDS says. Runs until the host ends
// it; a panic, or another exit status than 0, has it started again.
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

func main() {
	pause := time.Second
	if seconds, err := strconv.Atoi(os.Getenv("EVERY_SECONDS")); err == nil && seconds > 0 {
		pause = time.Duration(seconds) * time.Second
	}
	for round := 1; ; round++ {
		fmt.Printf("tick %d\n", round)
		time.Sleep(pause)
	}
}
