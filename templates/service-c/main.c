// Wakes up every second, or as often as the variable EVERY_SECONDS says. Runs until the host ends
// it; another exit status than 0, like a trap, has it started again.

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(void) {
  const char* every = getenv("EVERY_SECONDS");
  const int seconds = every != NULL ? atoi(every) : 1;
  for (unsigned long round = 1;; ++round) {
    printf("tick %lu\n", round);
    if (fflush(stdout) != 0) return EXIT_FAILURE;
    sleep(seconds > 0 ? (unsigned)seconds : 1);
  }
}
