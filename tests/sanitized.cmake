# Tests of programs that scripts/check.sh and scripts/check-long.sh build in folders of their own
# inside this one, so that one ctest runs and reports all of them.
function(nimbus_sanitized_tests variant label timeout_seconds)
  foreach(folder ${ARGN})
    add_test(NAME ${variant}/${folder}
      COMMAND ${CMAKE_BINARY_DIR}/${variant}/nimbus_${folder}_test)
    set_tests_properties(${variant}/${folder} PROPERTIES
      LABELS ${label} TIMEOUT ${timeout_seconds} ENVIRONMENT "${NIMBUS_SANITIZER_ENVIRONMENT}")
  endforeach()
endfunction()

if(NIMBUS_CHECK)
  get_property(folders GLOBAL PROPERTY NIMBUS_TESTED_FOLDERS)
  nimbus_sanitized_tests(asan asan 600 ${folders})
endif()

file(GLOB_RECURSE fuzzers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/*_fuzz.cc)
foreach(fuzzer ${fuzzers})
  get_filename_component(target ${fuzzer} NAME_WE)
  file(GLOB corpus ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${target}/*)
  if(NOT corpus)
    message(FATAL_ERROR "${fuzzer} has nothing to begin with in tests/fuzz/corpus/${target}")
  endif()
endforeach()

if(NIMBUS_LONG)
  get_property(folders GLOBAL PROPERTY NIMBUS_TESTED_FOLDERS)
  nimbus_sanitized_tests(tsan long 1200 ${folders})

  # What a target finds and learns stays in the build folder; the corpus is read only.
  foreach(fuzzer ${fuzzers})
    get_filename_component(target ${fuzzer} NAME_WE)
    add_test(NAME fuzz/${target} COMMAND ${CMAKE_SOURCE_DIR}/scripts/check-fuzz.sh
      ${CMAKE_BINARY_DIR}/fuzz ${target})
    set_tests_properties(fuzz/${target} PROPERTIES
      LABELS long TIMEOUT 300 ENVIRONMENT "${NIMBUS_SANITIZER_ENVIRONMENT}")
  endforeach()
endif()
