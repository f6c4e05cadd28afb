# nimbus_templates(): the projects of templates/ become part of the folder `project`.
function(nimbus_templates)
  set(folder ${CMAKE_SOURCE_DIR}/templates)
  set(source ${CMAKE_BINARY_DIR}/templates/embedded_templates.cc)
  set(script ${CMAKE_SOURCE_DIR}/cmake/PackTemplates.cmake)
  file(GLOB_RECURSE files CONFIGURE_DEPENDS LIST_DIRECTORIES false ${folder}/*)
  add_custom_command(
    OUTPUT ${source}
    COMMAND ${CMAKE_COMMAND} -DTEMPLATES=${folder} -DOUTPUT=${source} -P ${script}
    DEPENDS ${files} ${script}
    COMMENT "Packing the templates of wash new")
  target_sources(nimbus_project PRIVATE ${source})
endfunction()
