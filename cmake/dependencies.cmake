# The libraries that flotilla stands on, each found with a message that says what to install.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS C)

function(flotilla_missing what debian fedora)
  message(FATAL_ERROR "${what} was not found. Debian and Ubuntu: apt install ${debian}. "
    "Fedora: dnf install ${fedora}. `scripts/setup` installs everything.")
endfunction()

find_package(MPI COMPONENTS C)
if(NOT MPI_C_FOUND)
  flotilla_missing("MPI" "libopenmpi-dev openmpi-bin" "openmpi-devel")
endif()
add_library(flotilla_mpi INTERFACE)
target_link_libraries(flotilla_mpi INTERFACE MPI::MPI_C)
# gcc takes MPICH's MPI_STATUSES_IGNORE, a pointer to nothing, for an array that overflows.
if("${MPI_C_INCLUDE_DIRS};${MPI_C_COMPILER_INCLUDE_DIRS}" MATCHES "mpich" AND
    CMAKE_C_COMPILER_ID STREQUAL "GNU")
  target_compile_options(flotilla_mpi INTERFACE -Wno-stringop-overflow)
endif()

set(HDF5_PREFER_PARALLEL OFF)
find_package(HDF5 1.10 COMPONENTS C)
if(NOT HDF5_FOUND)
  flotilla_missing("HDF5 1.10 or newer" "libhdf5-dev" "hdf5-devel")
endif()
add_library(flotilla_hdf5 INTERFACE)
target_include_directories(flotilla_hdf5 SYSTEM INTERFACE ${HDF5_C_INCLUDE_DIRS})
target_link_libraries(flotilla_hdf5 INTERFACE ${HDF5_C_LIBRARIES})

# The OpenMP flavour of OpenBLAS by its own folder: the system's alternative may point to the
# pthread flavour, which would start threads of its own inside ours.
find_path(FLOTILLA_CBLAS_INCLUDE cblas.h PATH_SUFFIXES
  ${CMAKE_LIBRARY_ARCHITECTURE}/openblas-openmp ${CMAKE_LIBRARY_ARCHITECTURE} openblas)
find_library(FLOTILLA_OPENBLAS NAMES openblaso openblas PATH_SUFFIXES
  ${CMAKE_LIBRARY_ARCHITECTURE}/openblas-openmp openblas-openmp)
if(NOT FLOTILLA_CBLAS_INCLUDE OR NOT FLOTILLA_OPENBLAS)
  flotilla_missing("OpenBLAS" "libopenblas-openmp-dev" "openblas-devel")
endif()
message(STATUS "OpenBLAS: ${FLOTILLA_OPENBLAS}")
add_library(flotilla_blas INTERFACE)
target_include_directories(flotilla_blas SYSTEM INTERFACE ${FLOTILLA_CBLAS_INCLUDE})
target_link_libraries(flotilla_blas INTERFACE ${FLOTILLA_OPENBLAS})

# The small ones.
add_library(flotilla_small INTERFACE)
pkg_check_modules(YAML IMPORTED_TARGET yaml-0.1)
if(NOT YAML_FOUND)
  flotilla_missing("libyaml" "libyaml-dev" "libyaml-devel")
endif()
pkg_check_modules(XXHASH IMPORTED_TARGET libxxhash>=0.8)
if(NOT XXHASH_FOUND)
  flotilla_missing("xxHash 0.8 or newer" "libxxhash-dev" "xxhash-devel")
endif()
find_path(FLOTILLA_RANDOM123_INCLUDE Random123/philox.h)
if(NOT FLOTILLA_RANDOM123_INCLUDE)
  flotilla_missing("Random123" "librandom123-dev" "Random123-devel")
endif()
target_include_directories(flotilla_small SYSTEM INTERFACE ${FLOTILLA_RANDOM123_INCLUDE})
target_link_libraries(flotilla_small INTERFACE PkgConfig::YAML PkgConfig::XXHASH)
