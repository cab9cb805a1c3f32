# install.cmake -- the header, both libraries, the command, its manual page and completion, and the files by which
# pkg-config and CMake find them.
# SPDX-License-Identifier: Apache-2.0
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# Relative to where it lies, so that the prefix may be chosen when installing.
file(RELATIVE_PATH FOVEA_PC_UP /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(JOIN ", " FOVEA_PC_REQUIRES ${FOVEA_PC})
configure_file(cmake/fovea.pc.in fovea.pc @ONLY)
configure_package_config_file(cmake/fovea-config.cmake.in fovea-config.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/fovea
  PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR)
write_basic_package_version_file(fovea-config-version.cmake COMPATIBILITY SameMinorVersion)

install(TARGETS fovea_static fovea_shared
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES include/fovea.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES ${CMAKE_BINARY_DIR}/fovea.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES ${CMAKE_BINARY_DIR}/fovea-config.cmake ${CMAKE_BINARY_DIR}/fovea-config-version.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/fovea)

# The manual page and the completion are what the command says of itself.
if(TARGET fovea)
  add_custom_command(TARGET fovea POST_BUILD
    COMMAND fovea help --man > ${CMAKE_BINARY_DIR}/fovea.1
    COMMAND fovea completion bash > ${CMAKE_BINARY_DIR}/fovea.bash
    BYPRODUCTS ${CMAKE_BINARY_DIR}/fovea.1 ${CMAKE_BINARY_DIR}/fovea.bash)
  install(TARGETS fovea DESTINATION ${CMAKE_INSTALL_BINDIR})
  install(FILES ${CMAKE_BINARY_DIR}/fovea.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
  install(FILES ${CMAKE_BINARY_DIR}/fovea.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME fovea)
endif()
