/* The data sets of a group that are columns: [N] or [N, 1] numbers, in the order of
   their names. */
#include "hdf5/dataset_parts.h"

#include "hdf5/describe.h"
#include "hdf5/home.h"

#include <stdio.h>
#include <string.h>

enum { FLAW_BYTES = 1024 };

/* Whether a link of a group leads to a column. */
static bool is_column(hid_t group, const char *name, flo_dataset_info *info)
{
    char flaw[FLAW_BYTES];
    const hid_t object = flo_hdf5_open_object(group, name);
    const bool good = object >= 0 && H5Iget_type(object) == H5I_DATASET &&
                      flo_hdf5_describe(object, info, flaw, sizeof flaw) &&
                      info->columns == 1 && !info->by_name;
    if (object >= 0)
        H5Oclose(object);
    return good;
}

typedef struct visit {
    flo_dataset *dataset;
    flo_status status;
    int64_t room; /* members that there is room for: the links of the group */
} visit;

static flo_status add_member(flo_dataset *dataset, const char *name,
                             const flo_dataset_info *info)
{
    const int64_t index = dataset->members++;
    flo_member *const member = &dataset->member[index];
    char *path;
    *member = (flo_member){.first = index,
                           .stored = {.info = *info, .id = -1, .record.type = -1}};
    const size_t length = strlen(dataset->name);
    const bool ends = length > 0 && dataset->name[length - 1] == '/';
    FLO_TRY(flo_arena_print(dataset->arena, &path, "%s%s%s", dataset->name,
                            ends ? "" : "/", name));
    member->path = path;
    dataset->column_name[index] = path + length + !ends;
    return FLO_OK;
}

static herr_t visit_link(hid_t group, const char *name, const H5L_info_t *link,
                         void *data)
{
    visit *const state = data;
    flo_dataset_info info;
    (void)link;
    if (state->dataset->members < state->room && is_column(group, name, &info))
        state->status = add_member(state->dataset, name, &info);
    return state->status != FLO_OK;
}

flo_status flo_hdf5_group_members(flo_dataset *dataset, hid_t group)
{
    H5G_info_t about = {0};
    H5Gget_info(group, &about);
    visit state = {dataset, FLO_OK, (int64_t)about.nlinks};
    hsize_t place = 0;
    FLO_TRY(flo_arena_take(dataset->arena, state.room, sizeof *dataset->member,
                           &dataset->member));
    FLO_TRY(flo_arena_take(dataset->arena, state.room, sizeof *dataset->column_name,
                           &dataset->column_name));
    H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, &place, visit_link, &state);
    return state.status;
}
