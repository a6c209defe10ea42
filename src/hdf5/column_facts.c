/* What a file tells of columns beside their numbers: stored types and units. */
#include "hdf5/dataset_parts.h"

#include "hdf5/home.h"
#include "hdf5/library.h"

#include <unistd.h>

/* The texts of `units` of one data set of so many columns: *all of them have one unit,
   or each has its own; neither is NULL where it tells none. */
typedef struct units {
    const char **each, **all;
} units;

static flo_status read_units(flo_arena *arena, hid_t file, const char *path,
                             int64_t columns, units *u)
{
    *u = (units){NULL, NULL};
    const hid_t dataset = flo_hdf5_open_dataset(file, path, -1);
    if (dataset < 0)
        return FLO_OK;
    flo_status status =
        flo_hdf5_attribute_texts(arena, dataset, "units", columns, &u->each);
    if (status == FLO_OK && !u->each)
        status = flo_hdf5_attribute_texts(arena, dataset, "units", 1, &u->all);
    H5Dclose(dataset);
    return status;
}

static const char *type_of(const flo_member *member, int64_t column)
{
    const flo_record *const record = &member->stored.record;
    if (!member->stored.info.by_name)
        return member->stored.info.type;
    const flo_field *field = record->field;
    while (column >= field->first + field->columns)
        ++field;
    return field->type;
}

static flo_status copy_facts(flo_arena *arena, const flo_member *member, const units *u,
                             int64_t column, flo_column_facts *facts)
{
    char *type;
    FLO_TRY(flo_arena_string(arena, type_of(member, column), &type));
    *facts = (flo_column_facts){type, u->each  ? u->each[column]
                                      : u->all ? u->all[0]
                                               : NULL};
    if (facts->unit && !*facts->unit)
        facts->unit = NULL;
    return FLO_OK;
}

static flo_status read_facts(const flo_dataset *dataset, flo_arena *arena, hid_t file,
                             int64_t count, const int64_t *column,
                             flo_column_facts *facts)
{
    const flo_member *before = NULL;
    units u = {NULL, NULL};
    for (int64_t i = 0; i < count; ++i) {
        const flo_member *const member =
            &dataset->member[dataset->info.is_group ? column[i] : 0];
        if (member != before)
            FLO_TRY(
                read_units(arena, file, member->path, member->stored.info.columns, &u));
        before = member;
        FLO_TRY(copy_facts(arena, member, &u, column[i] - member->first, &facts[i]));
    }
    return FLO_OK;
}

flo_status flo_dataset_column_facts(const flo_dataset *dataset, flo_arena *arena,
                                    int64_t count, const int64_t *column,
                                    flo_column_facts *facts)
{
    int descriptor;
    hid_t file;
    const flo_hdf5_use use = flo_hdf5_begin_file(dataset->file);
    flo_status status =
        flo_hdf5_open(dataset->context, dataset->file, &descriptor, &file);
    if (status == FLO_OK) {
        status = read_facts(dataset, arena, file, count, column, facts);
        H5Fclose(file);
        close(descriptor);
    }
    flo_hdf5_end(use);
    return status;
}
