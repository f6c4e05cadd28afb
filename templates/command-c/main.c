// Greets whom its arguments name.

#include <stdio.h>
#include <stdlib.h>

int main(int count, char** words) {
  printf("Hello, %s", count > 1 ? words[1] : "world");
  for (int i = 2; i < count; ++i) printf(", %s", words[i]);
  printf("!\n");
  return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
