/* The HDF5 library's word on itself. */
#include "hdf5/build.h"

#include "hdf5/library.h"

flo_hdf5_build flo_hdf5_build_look(void)
{
    flo_hdf5_build build = {.deflate = false};
    hbool_t safe = 0;
    const flo_hdf5_use use = flo_hdf5_begin();
    H5get_libversion(&build.version[0], &build.version[1], &build.version[2]);
    build.thread_safe = H5is_library_threadsafe(&safe) >= 0 && safe;
    build.deflate = H5Zfilter_avail(H5Z_FILTER_DEFLATE) > 0;
    flo_hdf5_end(use);
    return build;
}
