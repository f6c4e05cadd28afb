// A plain C program for preview 1. The first argument says what to do: `echo ARGS…` (also what
// happens without any), `env`, `cat FILE`, `stdin`, `stderr TEXT`, `exit N`.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern char** environ;

static int copy(FILE* from, FILE* to) {
  char piece[4096];
  size_t length;
  while ((length = fread(piece, 1, sizeof piece, from)) > 0) {
    if (fwrite(piece, 1, length, to) < length) return EXIT_FAILURE;
  }
  return ferror(from) ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int show(const char* path) {
  FILE* file = fopen(path, "rb");
  if (file == NULL) {
    perror(path);
    return EXIT_FAILURE;
  }
  int status = copy(file, stdout);
  fclose(file);
  return status;
}

static int echo(int count, char** words) {
  for (int i = 0; i < count; i++) {
    printf("%s%s", i == 0 ? "" : " ", words[i]);
  }
  printf("\n");
  return EXIT_SUCCESS;
}

static int print_environment(void) {
  for (char** variable = environ; *variable != NULL; variable++) {
    printf("%s\n", *variable);
  }
  return EXIT_SUCCESS;
}

static int run(int argc, char** argv) {
  const char* what = argc > 1 ? argv[1] : "echo";
  const char* operand = argc > 2 ? argv[2] : NULL;
  if (strcmp(what, "env") == 0) return print_environment();
  if (strcmp(what, "stdin") == 0) return copy(stdin, stdout);
  if (operand != NULL && strcmp(what, "cat") == 0) return show(operand);
  if (operand != NULL && strcmp(what, "exit") == 0) return atoi(operand);
  if (operand != NULL && strcmp(what, "stderr") == 0) {
    return fprintf(stderr, "%s\n", operand) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
  }
  int first = argc > 1 && strcmp(what, "echo") == 0 ? 2 : 1;
  return echo(argc - first, argv + first);
}

int main(int argc, char** argv) {
  int status = run(argc, argv);
  // What is written last leaves the buffer here.
  if (fflush(stdout) == 0 && !ferror(stdout)) return status;
  perror("standard output");
  return status == EXIT_SUCCESS ? EXIT_FAILURE : status;
}
