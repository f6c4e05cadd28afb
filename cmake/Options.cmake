# Compiler options and build variants, in one place.

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

option(NIMBUS_TESTS "Build the tests" ON)
option(NIMBUS_BENCH "Build the benchmarks' own programs" OFF)
option(NIMBUS_FUZZ "Build the fuzz targets (libFuzzer; wants NIMBUS_SANITIZER=address)" OFF)
option(NIMBUS_CHECK "Build also lone headers, fuzz targets, benchmarks; register build/asan" OFF)
option(NIMBUS_LONG "Register the tests of build/fuzz and build/tsan" OFF)
set(NIMBUS_SANITIZER "" CACHE STRING "address (with undefined) or thread; empty for none")

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1")

# Objects are shared between checkouts on one machine: ccache sees paths relative to the build
# folder, and __FILE__ and debug information name files relative to the source folder.
find_program(NIMBUS_CCACHE ccache)
if(NIMBUS_CCACHE)
  set(cache "$ENV{NIMBUS_CACHE}")
  if(NOT cache)
    set(cache "$ENV{XDG_CACHE_HOME}/nimbus")
    if(NOT DEFINED ENV{XDG_CACHE_HOME})
      set(cache "$ENV{HOME}/.cache/nimbus")
    endif()
  endif()
  set(CMAKE_CXX_COMPILER_LAUNCHER env CCACHE_DIR=${cache}/ccache
    CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${NIMBUS_CCACHE})
endif()

# Wasmtime handles the signals of guests' memory faults itself, and moves between stacks.
string(JOIN ":" asan_options handle_segv=0 handle_sigill=0 handle_sigfpe=0 handle_sigbus=0
  detect_stack_use_after_return=0)
set(NIMBUS_SANITIZER_ENVIRONMENT
  ASAN_OPTIONS=${asan_options}
  UBSAN_OPTIONS=print_stacktrace=1
  TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1)

add_library(nimbus_options INTERFACE)
target_compile_options(nimbus_options INTERFACE
  -Wall -Wextra -Werror -fno-omit-frame-pointer -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=)
target_compile_definitions(nimbus_options INTERFACE
  FMT_SHARED SPDLOG_FMT_EXTERNAL SPDLOG_COMPILED_LIB SPDLOG_SHARED_LIB
  NIMBUS_VERSION="${PROJECT_VERSION}")
target_include_directories(nimbus_options INTERFACE ${CMAKE_SOURCE_DIR}/src)
target_link_options(nimbus_options INTERFACE -fuse-ld=lld)

if(NIMBUS_SANITIZER STREQUAL "address")
  target_compile_options(nimbus_options INTERFACE
    -fsanitize=address,undefined -fno-sanitize-recover=undefined)
  target_link_options(nimbus_options INTERFACE -fsanitize=address,undefined)
elseif(NIMBUS_SANITIZER STREQUAL "thread")
  target_compile_options(nimbus_options INTERFACE -fsanitize=thread)
  target_link_options(nimbus_options INTERFACE -fsanitize=thread)
elseif(NOT NIMBUS_SANITIZER STREQUAL "")
  message(FATAL_ERROR "NIMBUS_SANITIZER must be address or thread")
endif()
if(NIMBUS_FUZZ)
  target_compile_options(nimbus_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
