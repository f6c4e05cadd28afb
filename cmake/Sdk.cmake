# What the author of a provider in C++ needs, as `cmake --install BUILD --component sdk` or
# `make install-sdk` puts it below a prefix: the folders of src/ that providers are made of, as
# static libraries with their headers; wash, which makes the bindings; a package for
# `find_package(nimbus)` (sdk/nimbus-config.cmake.in). The target nimbus_sdk builds all of it.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(sdk_folders base net nats wrpc)
set(sdk_package ${CMAKE_INSTALL_LIBDIR}/cmake/nimbus)

add_custom_target(nimbus_sdk DEPENDS wash)
foreach(folder ${sdk_folders})
  add_dependencies(nimbus_sdk nimbus_${folder})
  install(TARGETS nimbus_${folder} COMPONENT sdk
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}/nimbus)
  # Values of types known at run time are for hosts, and need what reads WIT.
  install(DIRECTORY src/${folder} COMPONENT sdk
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/nimbus
    FILES_MATCHING PATTERN "*.h"
    PATTERN "*test*" EXCLUDE PATTERN "dynamic_*" EXCLUDE)
endforeach()
# As it is: CMake would want to change the search path for libraries, which is right already.
install(PROGRAMS $<TARGET_FILE:wash> COMPONENT sdk DESTINATION ${CMAKE_INSTALL_BINDIR})

configure_package_config_file(cmake/sdk/nimbus-config.cmake.in
  ${CMAKE_BINARY_DIR}/sdk/nimbus-config.cmake
  INSTALL_DESTINATION ${sdk_package}
  PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_BINDIR)
# Before 1.0 any version may differ from any other.
write_basic_package_version_file(${CMAKE_BINARY_DIR}/sdk/nimbus-config-version.cmake
  COMPATIBILITY ExactVersion)
install(FILES
  ${CMAKE_BINARY_DIR}/sdk/nimbus-config.cmake
  ${CMAKE_BINARY_DIR}/sdk/nimbus-config-version.cmake
  cmake/sdk/nimbus-bindings.cmake
  COMPONENT sdk DESTINATION ${sdk_package})
