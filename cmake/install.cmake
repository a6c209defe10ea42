# What `cmake --install` puts where: the program, the library, its headers and its package.
include(CMakePackageConfigHelpers)
install(TARGETS flotilla EXPORT flotillaTargets)
install(TARGETS flotilla_options flotilla_hdf5 flotilla_blas flotilla_small EXPORT flotillaTargets)
install(TARGETS flotilla_program RUNTIME)
install(DIRECTORY include/flotilla DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
