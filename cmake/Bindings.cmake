# nimbus_bindings(TARGET WIT path [WORLD world] [INTERFACES name…] [NAMESPACE a::b] FILES file…)
#
# A static library TARGET of the C++ bindings of WIT interfaces (docs/bindings-cpp.md). WIT is a
# file or folder, relative to the calling folder. FILES says what comes out, without extensions:
# "wasi/keyvalue/store" is wasi/keyvalue/store.h and .cc. The build fails with the right list if it
# is not that.
function(nimbus_bindings target)
  cmake_parse_arguments(ARG "" "WIT;WORLD;NAMESPACE" "INTERFACES;FILES" ${ARGN})
  get_filename_component(wit ${ARG_WIT} ABSOLUTE)
  if(IS_DIRECTORY ${wit})
    file(GLOB_RECURSE inputs CONFIGURE_DEPENDS ${wit}/*.wit)
  else()
    set(inputs ${wit})
  endif()
  set(out ${CMAKE_BINARY_DIR}/bindings/${target})

  set(options)
  if(ARG_WORLD)
    list(APPEND options --world ${ARG_WORLD})
  endif()
  foreach(interface ${ARG_INTERFACES})
    list(APPEND options --interface ${interface})
  endforeach()
  if(ARG_NAMESPACE)
    list(APPEND options --namespace ${ARG_NAMESPACE})
  endif()
  set(headers)
  set(sources)
  foreach(name ${ARG_FILES})
    list(APPEND options --expect ${name})
    list(APPEND headers ${out}/${name}.h)
    list(APPEND sources ${out}/${name}.cc)
  endforeach()

  add_custom_command(
    OUTPUT ${headers} ${sources}
    COMMAND nimbus-bindgen cpp ${wit} ${options} --out ${out}
    DEPENDS ${inputs} nimbus-bindgen
    COMMENT "Bindings of ${ARG_WIT}")
  add_library(${target} STATIC ${sources} ${headers})
  target_include_directories(${target} SYSTEM INTERFACE ${out})
  target_include_directories(${target} PRIVATE ${out})
  target_link_libraries(${target} PUBLIC nimbus_wrpc)
  # Whoever takes generated code into a build of their own may warn more than we do.
  target_compile_options(${target} PRIVATE -Wpedantic)
endfunction()
