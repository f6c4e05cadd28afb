# cmake -DTEMPLATES=folder -DWIT=folder -DOUTPUT=file.cc -P PackTemplates.cmake
#
# Writes the C++ source that holds all files below the folder, as src/project/builtin_templates.h
# declares them. The first folder level is the template; below `shared` it is the second. The WIT of
# plugins, wash/*.wit in the folder WIT, is there as `shared/wit-wash`.

set(arrays)
set(entries)
set(index 0)
# The hash makes a changed file a changed source, for caches that look at the source alone.
macro(pack folder file path)
  file(SHA256 ${path} hash)
  string(APPEND arrays
    "// ${hash}\nconstexpr unsigned char kFile${index}[] = {\n"
    "#embed \"${path}\" suffix(,)\n    0};\n")
  string(APPEND entries "    {\"${folder}\", \"${file}\", textOf(kFile${index})},\n")
  math(EXPR index "${index} + 1")
endmacro()

file(GLOB_RECURSE paths LIST_DIRECTORIES false RELATIVE ${TEMPLATES} ${TEMPLATES}/*)
list(SORT paths)
foreach(path ${paths})
  if(NOT path MATCHES "/" OR path MATCHES "^README")
    continue()
  endif()
  if(path MATCHES "^shared/")
    string(REGEX MATCH "^(shared/[^/]+)/(.+)$" matched ${path})
  else()
    string(REGEX MATCH "^([^/]+)/(.+)$" matched ${path})
  endif()
  set(folder ${CMAKE_MATCH_1})
  set(file ${CMAKE_MATCH_2})
  pack(${folder} ${file} ${TEMPLATES}/${path})
endforeach()
file(GLOB paths RELATIVE ${WIT}/wash ${WIT}/wash/*.wit)
foreach(path ${paths})
  pack(shared/wit-wash ${path} ${WIT}/wash/${path})
endforeach()

file(CONFIGURE OUTPUT ${OUTPUT} @ONLY CONTENT [[
// Written by cmake/PackTemplates.cmake.
#include <array>
#include <cstddef>

#include "project/builtin_templates.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

namespace nimbus::project {
namespace {

@arrays@
template <std::size_t size>
std::string_view textOf(const unsigned char (&bytes)[size]) {
  return {reinterpret_cast<const char*>(bytes), size - 1};
}

}  // namespace

std::span<const EmbeddedFile> embeddedFiles() {
  static const std::array<EmbeddedFile, @index@> kFiles = {{
@entries@  }};
  return kFiles;
}

}  // namespace nimbus::project
]])
