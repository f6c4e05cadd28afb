# nimbus_bindings(TARGET WIT path [WORLD world] [INTERFACES name…] [NAMESPACE a::b] [FILES file…])
#
# A static library TARGET of the C++ bindings of WIT interfaces (docs/bindings-cpp.md), which links
# nimbus::wrpc. WIT is a file, or a folder with dependencies below `deps`, relative to the calling
# folder. The bindings are made while CMake configures, which it does again when WIT has changed.
# With FILES ("wasi/keyvalue/store" is wasi/keyvalue/store.h and .cc) it is an error if something
# else comes out.
function(nimbus_bindings target)
  cmake_parse_arguments(ARG "" "WIT;WORLD;NAMESPACE" "INTERFACES;FILES" ${ARGN})
  if(NOT ARG_WIT OR ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "nimbus_bindings(TARGET WIT path [WORLD world] [INTERFACES name…] "
      "[NAMESPACE a::b] [FILES file…])")
  endif()
  get_filename_component(wit ${ARG_WIT} ABSOLUTE)
  set(inputs ${wit})
  if(IS_DIRECTORY ${wit})
    file(GLOB_RECURSE inputs CONFIGURE_DEPENDS ${wit}/*.wit)
  endif()
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${inputs} ${nimbus_WASH})

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

  # Made anew beside the folder that is compiled, so that what did not change is not compiled again.
  set(made ${CMAKE_CURRENT_BINARY_DIR}/${target}.made)
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${target}.bindings)
  file(REMOVE_RECURSE ${made})
  execute_process(
    COMMAND ${nimbus_WASH} bindgen cpp ${wit} ${options} --out ${made}
    OUTPUT_QUIET ERROR_VARIABLE complaint RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "nimbus_bindings(${target}): ${complaint}")
  endif()
  file(GLOB_RECURSE files RELATIVE ${made} ${made}/*.h ${made}/*.cc)
  nimbus_check_bindings_(${target} "${files}" "${ARG_FILES}")
  foreach(file ${files})
    configure_file(${made}/${file} ${out}/${file} COPYONLY)
  endforeach()

  list(TRANSFORM files PREPEND ${out}/)
  add_library(${target} STATIC ${files})
  target_include_directories(${target} PUBLIC ${out})
  target_link_libraries(${target} PUBLIC nimbus::wrpc)
endfunction()

function(nimbus_check_bindings_ target files expected)
  list(FILTER files INCLUDE REGEX "\\.h$")
  list(TRANSFORM files REPLACE "\\.h$" "")
  list(SORT files)
  list(SORT expected)
  if(expected AND NOT "${files}" STREQUAL "${expected}")
    list(JOIN files "\n  " list)
    message(FATAL_ERROR "nimbus_bindings(${target}): FILES must be:\n  ${list}")
  endif()
endfunction()
