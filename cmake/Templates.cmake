# nimbus_templates(): the projects of templates/ become part of the folder `project`.
function(nimbus_templates)
  set(folder ${CMAKE_SOURCE_DIR}/templates)
  set(source ${CMAKE_BINARY_DIR}/templates/embedded_templates.cc)
  set(script ${CMAKE_SOURCE_DIR}/cmake/PackTemplates.cmake)
  set(wit ${CMAKE_SOURCE_DIR}/wit)
  file(GLOB_RECURSE files CONFIGURE_DEPENDS LIST_DIRECTORIES false ${folder}/* ${wit}/wash/*.wit)
  add_custom_command(
    OUTPUT ${source}
    COMMAND ${CMAKE_COMMAND} -DTEMPLATES=${folder} -DWIT=${wit} -DOUTPUT=${source} -P ${script}
    DEPENDS ${files} ${script}
    COMMENT "Packing the templates of wash new")
  target_sources(nimbus_project PRIVATE ${source})
endfunction()
