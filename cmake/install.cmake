# What `cmake --install` puts where: the program, the library, its headers, and the two
# packages by which others find it: find_package(flotilla), and pkg-config flotilla.
include(CMakePackageConfigHelpers)
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/flotilla)

# The program runs the OpenBLAS it was linked with, not the one the system prefers.
set_target_properties(flotilla_program PROPERTIES INSTALL_RPATH_USE_LINK_PATH ON)
install(TARGETS flotilla_program RUNTIME)
install(DIRECTORY include/flotilla DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

# A static library carries no list of what it needs: the export does, so the interface
# targets go with it (of flotilla_options only what the linker must know: LINK_ONLY).
install(TARGETS flotilla flotilla_options flotilla_hdf5 flotilla_blas flotilla_small
  EXPORT flotillaTargets)
install(EXPORT flotillaTargets NAMESPACE flotilla:: DESTINATION ${package_folder})

configure_package_config_file(cmake/flotillaConfig.cmake.in
  ${PROJECT_BINARY_DIR}/generated/flotillaConfig.cmake
  INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(
  ${PROJECT_BINARY_DIR}/generated/flotillaConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/generated/flotillaConfig.cmake
  ${PROJECT_BINARY_DIR}/generated/flotillaConfigVersion.cmake
  DESTINATION ${package_folder})

# pkg-config: files by their full names, so that the same OpenBLAS and HDF5 are linked.
get_filename_component(blas_folder ${FLOTILLA_OPENBLAS} DIRECTORY)
set(pc_libraries)
foreach(library ${HDF5_C_LIBRARIES} ${FLOTILLA_OPENBLAS})
  if(library MATCHES "^/" OR library MATCHES "^-")
    list(APPEND pc_libraries ${library})
  else()
    list(APPEND pc_libraries -l${library})
  endif()
endforeach()
list(JOIN pc_libraries " " pc_libraries)
string(APPEND pc_libraries " -Wl,-rpath,${blas_folder} ${OpenMP_C_FLAGS}")
if(FLOTILLA_SANITIZE)
  string(APPEND pc_libraries " -fsanitize=address,undefined")
endif()
set(pc_defines)
if(FLOTILLA_DOUBLE)
  set(pc_defines -DFLOTILLA_DOUBLE)
endif()
file(RELATIVE_PATH pc_prefix /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
configure_file(cmake/flotilla.pc.in ${PROJECT_BINARY_DIR}/generated/flotilla.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/generated/flotilla.pc
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
