/* Opening what a name stands for: one data set, or the data sets of a group. */
#include "hdf5/dataset_parts.h"

#include "hdf5/home.h"
#include "hdf5/library.h"

#include <string.h>
#include <unistd.h>

enum { LIST_BYTES = 2048 };

/* Says what is there instead of a group of columns. */
static flo_status fail_group(const flo_dataset *dataset)
{
    char list[LIST_BYTES];
    flo_hdf5_list(dataset->file_id, list, sizeof list);
    return flo_fail(
        dataset->context, FLO_ERROR_DATA,
        "%s: found a group, not a data set, at '%s', and no data set [N] of "
        "numbers in it; wanted one of the file's numeric data sets: %s",
        dataset->file, dataset->name, list);
}

static flo_status open_group(flo_dataset *dataset, hid_t group)
{
    FLO_TRY(flo_hdf5_group_members(dataset, group));
    if (dataset->members == 0)
        return fail_group(dataset);
    dataset->info = dataset->member[0].stored.info;
    dataset->info.columns = dataset->members;
    dataset->info.by_name = dataset->info.is_group = true;
    return FLO_OK;
}

/* The names of the columns of a compound: its fields, or their elements. */
static flo_status name_fields(flo_dataset *dataset, const flo_record *record)
{
    FLO_TRY(flo_arena_take(dataset->arena, record->columns,
                           sizeof *dataset->column_name, &dataset->column_name));
    for (int64_t f = 0; f < record->fields; ++f) {
        const flo_field *const field = &record->field[f];
        for (int64_t j = 0; j < field->columns; ++j) {
            char *name;
            if (field->columns == 1)
                FLO_TRY(flo_arena_string(dataset->arena, field->name, &name));
            else
                FLO_TRY(flo_arena_print(dataset->arena, &name, "%s[%lld]", field->name,
                                        (long long)j));
            dataset->column_name[field->first + j] = name;
        }
    }
    return FLO_OK;
}

static flo_status open_one(flo_dataset *dataset)
{
    FLO_TRY(
        flo_arena_take(dataset->arena, 1, sizeof *dataset->member, &dataset->member));
    flo_member *const member = dataset->member;
    dataset->members = 1;
    member->path = dataset->name;
    FLO_TRY(flo_stored_open(dataset->arena, dataset->file, dataset->descriptor,
                            dataset->file_id, dataset->name, &member->stored));
    dataset->info = member->stored.info;
    if (dataset->info.by_name)
        FLO_TRY(name_fields(dataset, &member->stored.record));
    else
        FLO_TRY(flo_hdf5_column_names(dataset->arena, dataset->file_id, dataset->name,
                                      dataset->info.columns, &dataset->column_name));
    return flo_dataset_choose(dataset, dataset->info.columns, NULL);
}

static void close_file(flo_dataset *dataset)
{
    if (dataset->file_id >= 0)
        H5Fclose(dataset->file_id);
    dataset->file_id = -1;
}

static flo_status open_named(flo_dataset *dataset)
{
    FLO_TRY(flo_hdf5_open(dataset->context, dataset->file, &dataset->descriptor,
                          &dataset->file_id));
    const hid_t object = flo_hdf5_open_object(dataset->file_id, dataset->name);
    if (object >= 0 && H5Iget_type(object) == H5I_GROUP) {
        const flo_status status = open_group(dataset, object);
        H5Oclose(object);
        return status;
    }
    /* While a data set is open it keeps the chunk cache that it was opened with. */
    if (object >= 0)
        H5Oclose(object);
    const flo_status status = open_one(dataset);
    close_file(dataset);
    return status;
}

flo_status flo_dataset_open(flo_context *context, const char *file, const char *name,
                            flo_dataset **dataset)
{
    *dataset = NULL;
    flo_arena *arena;
    FLO_TRY(flo_arena_create(context, &arena));
    flo_dataset *made = NULL;
    flo_status status = flo_arena_take(arena, 1, sizeof *made, &made);
    if (status == FLO_OK) {
        made->context = context;
        made->arena = arena;
        made->descriptor = -1;
        made->file_id = -1;
        status = flo_arena_string(arena, file, &made->file);
    }
    if (status == FLO_OK)
        status = flo_arena_string(arena, name, &made->name);
    if (status == FLO_OK) {
        const flo_hdf5_use use = flo_hdf5_begin_file(made->file);
        status = open_named(made);
        flo_hdf5_end(use);
    }
    if (status == FLO_OK)
        *dataset = made;
    else if (made)
        flo_dataset_close(&made);
    else
        flo_arena_destroy(&arena);
    return status;
}

void flo_dataset_close(flo_dataset **dataset)
{
    if (!*dataset)
        return;
    const flo_hdf5_use use = flo_hdf5_begin_file((*dataset)->file);
    for (int64_t i = 0; i < (*dataset)->members; ++i)
        flo_stored_close(&(*dataset)->member[i].stored);
    close_file(*dataset);
    flo_hdf5_end(use);
    if ((*dataset)->descriptor >= 0)
        close((*dataset)->descriptor);
    flo_arena_destroy(&(*dataset)->choice);
    flo_arena *arena = (*dataset)->arena;
    flo_arena_destroy(&arena);
    *dataset = NULL;
}

const flo_dataset_info *flo_dataset_describe(const flo_dataset *dataset)
{
    return &dataset->info;
}

const char *flo_dataset_column_name(const flo_dataset *dataset, int64_t c)
{
    return dataset->column_name ? dataset->column_name[c] : NULL;
}
