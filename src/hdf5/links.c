/* What a file holds behind soft and external links. */
#include "hdf5/describe.h"
#include "hdf5/home.h"

#include <stdio.h>
#include <stdlib.h>

enum { NAME_BYTES = 4096 };

typedef struct walk {
    void (*visit)(const char *name, const flo_dataset_info *info, void *argument);
    void *argument;
    flo_identity file;     /* that is visited: what lies in it is seen by itself */
    flo_identity *objects; /* [count] seen in other files */
    size_t count, room;
} walk;

/* A group, and the names that lead to it. */
typedef struct place {
    walk *all;
    const char *path;
    bool behind; /* a link, in another file: its hard links count, too */
} place;

/* Whether an object of another file was seen before; 1 yes, 0 no, -1: no memory. */
static int see(walk *all, const flo_identity *object)
{
    for (size_t i = 0; i < all->count; ++i)
        if (all->objects[i].address == object->address &&
            all->objects[i].number == object->number &&
            all->objects[i].device == object->device)
            return 1;
    if (all->count == all->room) {
        const size_t room = 2 * all->room + 64;
        flo_identity *const more = realloc(all->objects, room * sizeof *more);
        if (!more)
            return -1;
        all->objects = more;
        all->room = room;
    }
    all->objects[all->count++] = *object;
    return 0;
}

static herr_t visit_group(hid_t group, walk *all, const char *path, bool behind);

static herr_t visit_object(hid_t object, walk *all, const char *path, bool hard)
{
    const flo_identity identity = flo_hdf5_identify(object);
    const bool own =
        identity.device == all->file.device && identity.number == all->file.number;
    const bool is_group = H5Iget_type(object) == H5I_GROUP;
    flo_dataset_info info;
    char flaw[256];
    if (!is_group && (H5Iget_type(object) != H5I_DATASET ||
                      !flo_hdf5_describe(object, &info, flaw, sizeof flaw)))
        return 0;
    const int again = own ? 1 : see(all, &identity);
    if (again < 0)
        return -1;
    if (is_group)
        return again ? 0 : visit_group(object, all, path, true);
    info.again = again;
    if (!hard || !again)
        all->visit(path, &info, all->argument);
    return 0;
}

static herr_t visit_link(hid_t group, const char *name, const H5L_info_t *link,
                         void *data)
{
    const place *const at = data;
    const bool hard = link->type == H5L_TYPE_HARD;
    char path[NAME_BYTES];
    if (hard && !at->behind)
        return 0;
    const hid_t object = flo_hdf5_open_object(group, name);
    if (object < 0)
        return 0;
    snprintf(path, sizeof path, "%s%s%s", at->path, at->path[0] ? "/" : "", name);
    const herr_t status = hard && H5Iget_type(object) == H5I_GROUP
                              ? 0 /* its links come by themselves */
                              : visit_object(object, at->all, path, hard);
    H5Oclose(object);
    return status;
}

static herr_t visit_group(hid_t group, walk *all, const char *path, bool behind)
{
    place at = {all, path, behind};
    return H5Lvisit(group, H5_INDEX_NAME, H5_ITER_INC, visit_link, &at);
}

herr_t flo_hdf5_visit_links(hid_t file,
                            void (*visit)(const char *name,
                                          const flo_dataset_info *info, void *argument),
                            void *argument)
{
    walk all = {.visit = visit, .argument = argument, .file = flo_hdf5_identify(file)};
    const herr_t status = visit_group(file, &all, "", false);
    free(all.objects);
    return status;
}
