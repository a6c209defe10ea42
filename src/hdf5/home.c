/* Where an object lies when links lead to it: its file, by identity and not by name. */
#include "hdf5/home.h"

#include "hdf5/library.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Files behind external links are opened as all are: HDF5 refuses one that it has open
   with other locks. */
static void open_links_unlocked(hid_t access)
{
    const hid_t files = flo_hdf5_access();
    H5Pset_elink_fapl(access, files);
    H5Pclose(files);
}

/* A file that HDF5 has open with locks already it opens once more only so. */
hid_t flo_hdf5_open_object(hid_t at, const char *name)
{
    const hid_t access = H5Pcreate(H5P_LINK_ACCESS);
    open_links_unlocked(access);
    const hid_t object = H5Oopen(at, name, access);
    H5Pclose(access);
    return object >= 0 ? object : H5Oopen(at, name, H5P_DEFAULT);
}

hid_t flo_hdf5_open_dataset(hid_t at, const char *name, hid_t access)
{
    const hid_t unlocked = access < 0 ? H5Pcreate(H5P_DATASET_ACCESS) : H5Pcopy(access);
    open_links_unlocked(unlocked);
    const hid_t dataset = H5Dopen2(at, name, unlocked);
    H5Pclose(unlocked);
    if (dataset >= 0)
        return dataset;
    return H5Dopen2(at, name, access < 0 ? H5P_DEFAULT : access);
}

void flo_hdf5_home_name(hid_t object, char *path, size_t bytes)
{
    if (H5Fget_name(object, path, bytes) < 0)
        path[0] = '\0';
}

/* The descriptor by which HDF5 itself reads the file; -1 where it is not one plain file
   (family, split and others). */
static int own_descriptor(hid_t file)
{
    const hid_t access = H5Fget_access_plist(file);
    const bool plain = H5Pget_driver(access) == H5FD_SEC2;
    void *handle = NULL;
    H5Pclose(access);
    if (!plain || H5Fget_vfd_handle(file, H5P_DEFAULT, &handle) < 0 || !handle)
        return -1;
    return *(const int *)handle;
}

static bool look_at_home(hid_t object, struct stat *about)
{
    const hid_t file = H5Iget_file_id(object);
    const int descriptor = file < 0 ? -1 : own_descriptor(file);
    const bool known = descriptor >= 0 && fstat(descriptor, about) == 0;
    if (file >= 0)
        H5Fclose(file);
    return known;
}

bool flo_hdf5_is_home(hid_t object, int descriptor)
{
    struct stat ours, its;
    return fstat(descriptor, &ours) == 0 && look_at_home(object, &its) &&
           ours.st_dev == its.st_dev && ours.st_ino == its.st_ino;
}

flo_identity flo_hdf5_identify(hid_t object)
{
    flo_identity identity = {0};
    struct stat about;
    if (look_at_home(object, &about)) {
        identity.device = (uint64_t)about.st_dev;
        identity.number = (uint64_t)about.st_ino;
    }
#if H5_VERSION_GE(1, 12, 0)
    H5O_info2_t info;
    if (H5Oget_info3(object, &info, H5O_INFO_BASIC) >= 0)
        memcpy(&identity.address, &info.token, sizeof identity.address);
#else
    H5O_info_t info;
    if (H5Oget_info(object, &info) >= 0)
        identity.address = (uint64_t)info.addr;
#endif
    return identity;
}

static void tell_external(const void *value, size_t size, char *text, size_t bytes)
{
    unsigned flags;
    const char *file, *object;
    if (H5Lunpack_elink_val(value, size, &flags, &file, &object) >= 0)
        snprintf(text, bytes,
                 "goes through a link to '%.300s' in the file %.300s, which cannot be "
                 "opened there (looked for beside the file of the link, then in the "
                 "working directory)",
                 object, file);
}

void flo_hdf5_broken_link(hid_t file, const char *name, char *text, size_t bytes)
{
    text[0] = '\0';
    char part[1024];
    for (size_t length = 1; length < sizeof part && length <= strlen(name); ++length) {
        if (name[length] != '/' && name[length] != '\0')
            continue;
        snprintf(part, sizeof part, "%.*s", (int)length, name);
        H5L_info_t link;
        const hid_t object = flo_hdf5_open_object(file, part);
        if (object >= 0) {
            H5Oclose(object);
            continue;
        }
        if (H5Lget_info(file, part, &link, H5P_DEFAULT) < 0 ||
            link.type == H5L_TYPE_HARD)
            return;
        char *const value = calloc(1, link.u.val_size + 1);
        if (value && H5Lget_val(file, part, value, link.u.val_size, H5P_DEFAULT) >= 0) {
            if (link.type == H5L_TYPE_EXTERNAL)
                tell_external(value, link.u.val_size, text, bytes);
            else
                snprintf(text, bytes,
                         "goes through a link to '%.300s', where nothing can be opened",
                         value);
        }
        free(value);
        return;
    }
}
