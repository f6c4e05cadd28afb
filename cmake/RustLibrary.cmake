# nimbus_rust: the Rust static library with Wasmtime and the WIT tools (src/rust). The script builds
# it once per content of src/rust and compiler version, and keeps it in the user's cache folder.
option(NIMBUS_RUST_LTO "Compile the Rust library as a whole: faster by a fifth, minutes longer" OFF)
if(NIMBUS_RUST_LTO)
  set(rust_lto ON)
else()
  set(rust_lto OFF)
endif()
if(NIMBUS_FUZZ)
  set(rust_fuzz ON)
else()
  set(rust_fuzz OFF)
endif()
file(GLOB_RECURSE rust_inputs CONFIGURE_DEPENDS
  ${CMAKE_SOURCE_DIR}/src/rust/src/*.rs ${CMAKE_SOURCE_DIR}/src/rust/build.rs
  ${CMAKE_SOURCE_DIR}/src/rust/Cargo.*)
set(rust_library ${CMAKE_BINARY_DIR}/rust/libnimbus_engine.a)
add_custom_command(
  OUTPUT ${rust_library}
  COMMAND ${CMAKE_COMMAND} -E env NIMBUS_RUST_LTO=${rust_lto} NIMBUS_RUST_FUZZ=${rust_fuzz}
          ${CMAKE_SOURCE_DIR}/scripts/build-rust.sh ${rust_library}
  DEPENDS ${rust_inputs} ${CMAKE_SOURCE_DIR}/scripts/build-rust.sh
  COMMENT "Building the Rust library (minutes the first time, then cached)"
  USES_TERMINAL)
# Only links wait for the library, by its file name (Ninja knows who makes it): a dependency between
# targets would hold up compilation too.
add_custom_target(nimbus_rust_build DEPENDS ${rust_library})
add_library(nimbus_rust INTERFACE)
if(NIMBUS_SANITIZER STREQUAL "thread")
  set(unseen_library ${CMAKE_BINARY_DIR}/rust/libnimbus_engine_unseen.a)
  add_custom_command(
    OUTPUT ${unseen_library}
    COMMAND ${CMAKE_SOURCE_DIR}/scripts/hide-from-tsan.sh ${rust_library} ${unseen_library}
    DEPENDS ${rust_library} ${CMAKE_SOURCE_DIR}/scripts/hide-from-tsan.sh
    COMMENT "Hiding memory and files of the Rust library from TSan")
  add_custom_target(nimbus_unseen_build DEPENDS ${unseen_library})
  add_library(nimbus_unseen STATIC ${CMAKE_SOURCE_DIR}/tests/unseen_memory.cc
    ${CMAKE_SOURCE_DIR}/tests/unseen_files.cc)
  target_compile_options(nimbus_unseen PRIVATE -O2 -fno-builtin -Wall -Wextra -Werror)
  target_link_libraries(nimbus_rust INTERFACE ${unseen_library} nimbus_unseen pthread dl m)
else()
  target_link_libraries(nimbus_rust INTERFACE ${rust_library} pthread dl m)
endif()
