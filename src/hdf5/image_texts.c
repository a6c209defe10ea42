/* An attribute of an image that is a list of texts. */
#include "hdf5/image_parts.h"

#include "hdf5/library.h"

bool flo_image_set_texts(flo_image *image, const char *path, const char *name,
                         int64_t count, const char *const *texts)
{
    const hsize_t length = (hsize_t)count;
    const flo_hdf5_use use = flo_hdf5_begin();
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5T_CSET_UTF8);
    const hid_t space = H5Screate_simple(1, &length, NULL);
    const hid_t attribute = H5Acreate_by_name(image->file, path, name, type, space,
                                              H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    const bool good = attribute >= 0 && H5Awrite(attribute, type, texts) >= 0;
    if (attribute >= 0)
        H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(type);
    flo_hdf5_end(use);
    return good;
}
