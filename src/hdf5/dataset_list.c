/* What a file holds: its numeric data sets, visited and listed. */
#include "hdf5/dataset.h"

#include "hdf5/describe.h"
#include "hdf5/home.h"
#include "hdf5/library.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#if H5_VERSION_GE(1, 12, 0)
typedef H5O_info2_t object_info;
#define VISIT H5Ovisit3
#else
typedef H5O_info_t object_info;
#define VISIT H5Ovisit2
#endif

typedef struct visitor {
    void (*visit)(const char *name, const flo_dataset_info *info, void *argument);
    void *argument;
} visitor;

static herr_t visit_object(hid_t root, const char *name, const object_info *object,
                           void *data)
{
    const visitor *const target = data;
    if (object->type != H5O_TYPE_DATASET)
        return 0;
    const hid_t dataset = H5Dopen2(root, name, H5P_DEFAULT);
    flo_dataset_info info;
    char flaw[256];
    if (dataset >= 0 && flo_hdf5_describe(dataset, &info, flaw, sizeof flaw))
        target->visit(name, &info, target->argument);
    if (dataset >= 0)
        H5Dclose(dataset);
    return 0;
}

static herr_t visit_all(hid_t file, visitor *target)
{
    const herr_t status =
        VISIT(file, H5_INDEX_NAME, H5_ITER_INC, visit_object, target, H5O_INFO_BASIC);
    return status < 0 ? status
                      : flo_hdf5_visit_links(file, target->visit, target->argument);
}

typedef struct listing {
    char *text;
    size_t bytes;
    int64_t count, left_out;
} listing;

static void add_line(const char *name, const flo_dataset_info *info, void *argument)
{
    listing *const list = argument;
    char line[512];
    int length = snprintf(line, sizeof line, "%s%.300s [%lld", list->count ? ", " : "",
                          name, (long long)info->shape[0]);
    for (int d = 1; d < info->rank; ++d)
        length += snprintf(line + length, sizeof line - (size_t)length, ", %lld",
                           (long long)info->shape[d]);
    snprintf(line + length, sizeof line - (size_t)length, "] %s", info->type);
    ++list->count;
    const size_t used = strlen(list->text);
    if (list->left_out || used + strlen(line) + 32 > list->bytes)
        ++list->left_out; /* 32: room for the words that say so */
    else
        snprintf(list->text + used, list->bytes - used, "%s", line);
}

void flo_hdf5_list(hid_t file, char *text, size_t bytes)
{
    listing list = {text, bytes, 0, 0};
    visitor target = {add_line, &list};
    text[0] = '\0';
    visit_all(file, &target);
    const size_t used = strlen(text);
    if (!list.count)
        snprintf(text, bytes, "(it has none)");
    else if (list.left_out)
        snprintf(text + used, bytes - used, " and %lld more", (long long)list.left_out);
}

flo_status flo_dataset_each(flo_context *context, const char *file,
                            void (*visit)(const char *name,
                                          const flo_dataset_info *info, void *argument),
                            void *argument)
{
    const flo_hdf5_use use = flo_hdf5_begin_file(file);
    int descriptor;
    hid_t id;
    flo_status status = flo_hdf5_open(context, file, &descriptor, &id);
    if (status == FLO_OK) {
        visitor target = {visit, argument};
        if (visit_all(id, &target) < 0) {
            char reason[512];
            status = flo_fail(context, FLO_ERROR_FILE,
                              "%s: its objects cannot be listed: %s; the file is "
                              "damaged: copy it again",
                              file, flo_hdf5_reason(reason, sizeof reason));
        }
        H5Fclose(id);
        close(descriptor);
    }
    flo_hdf5_end(use);
    return status;
}

bool flo_dataset_exists(const char *file, const char *name)
{
    const flo_hdf5_use use = flo_hdf5_begin_file(file);
    const hid_t access = flo_hdf5_access();
    const hid_t id = H5Fopen(file, H5F_ACC_RDONLY, access);
    const hid_t object = id < 0 ? -1 : flo_hdf5_open_object(id, name);
    if (object >= 0)
        H5Oclose(object);
    if (id >= 0)
        H5Fclose(id);
    H5Pclose(access);
    flo_hdf5_end(use);
    return object >= 0;
}
