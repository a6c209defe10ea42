/* The data sets of a group that are columns: [N] or [N, 1] numbers, in the order of
   their names. */
#include "hdf5/dataset_parts.h"

#include "hdf5/describe.h"

#include <stdio.h>
#include <string.h>

enum { FLAW_BYTES = 1024 };

/* Whether a link of a group leads to a column. */
static bool is_column(hid_t group, const char *name, flo_dataset_info *info)
{
    char flaw[FLAW_BYTES];
    const hid_t object = H5Oopen(group, name, H5P_DEFAULT);
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
    int64_t room; /* members that there is room for; 0: they are counted */
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
    if (!is_column(group, name, &info))
        return 0;
    if (!state->room)
        ++state->dataset->members;
    else if (state->dataset->members < state->room)
        state->status = add_member(state->dataset, name, &info);
    return state->status != FLO_OK;
}

static void iterate(hid_t group, visit *state)
{
    hsize_t place = 0;
    H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, &place, visit_link, state);
}

flo_status flo_hdf5_group_members(flo_dataset *dataset, hid_t group)
{
    visit state = {dataset, FLO_OK, 0};
    iterate(group, &state);
    state.room = dataset->members;
    dataset->members = 0;
    if (state.room == 0)
        return FLO_OK;
    FLO_TRY(flo_arena_take(dataset->arena, state.room, sizeof *dataset->member,
                           &dataset->member));
    FLO_TRY(flo_arena_take(dataset->arena, state.room, sizeof *dataset->column_name,
                           &dataset->column_name));
    iterate(group, &state);
    return state.status;
}
