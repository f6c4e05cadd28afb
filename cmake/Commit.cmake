# nimbus_commit(FILE): compiles FILE, and it alone, with NIMBUS_COMMIT, the commit of the checkout.
function(nimbus_commit file)
  execute_process(COMMAND git -C ${CMAKE_SOURCE_DIR} rev-parse --short=12 HEAD
    OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    set(commit unknown)
  endif()
  set_source_files_properties(${file} PROPERTIES COMPILE_DEFINITIONS NIMBUS_COMMIT="${commit}")
  # Git appends here on each commit and checkout.
  set(log ${CMAKE_SOURCE_DIR}/.git/logs/HEAD)
  if(EXISTS ${log})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${log})
  endif()
endfunction()
