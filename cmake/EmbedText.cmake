# nimbus_embed_text(FOLDER FILE FUNCTION): a text file becomes part of a folder of src/, as
# `std::string_view nimbus::FOLDER::FUNCTION()`.
function(nimbus_embed_text folder file function)
  set(path ${CMAKE_SOURCE_DIR}/${file})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${path})
  file(READ ${path} text)
  set(source ${CMAKE_BINARY_DIR}/embedded/${function}.cc)
  file(CONFIGURE OUTPUT ${source} @ONLY CONTENT
"#include <string_view>
namespace nimbus::@folder@ {
std::string_view @function@() {
  return R\"embedded(@text@)embedded\";
}
}  // namespace nimbus::@folder@
")
  target_sources(nimbus_${folder} PRIVATE ${source})
endfunction()
