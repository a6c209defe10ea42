/* Names of the columns of a plain data set: its attribute `columns`, as h5py writes a
   list of texts, or beside NAME_values the texts NAME_items, as pandas writes a frame.
 */
#include "hdf5/dataset_parts.h"

#include "hdf5/home.h"
#include "hdf5/library.h"

#include <string.h>

enum { NAME_BYTES = 1024 };

typedef herr_t (*reader)(hid_t object, hid_t type, void *values);

static herr_t read_attribute(hid_t attribute, hid_t type, void *values)
{
    return H5Aread(attribute, type, values);
}

static herr_t read_dataset(hid_t dataset, hid_t type, void *values)
{
    return H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
}

/* A text of a fixed number of bytes, padded with NUL or spaces. */
static flo_status copy_padded(flo_arena *arena, const char *text, size_t bytes,
                              H5T_str_t pad, const char **name)
{
    size_t length = strnlen(text, bytes);
    while (pad == H5T_STR_SPACEPAD && length > 0 && text[length - 1] == ' ')
        --length;
    char *copy;
    FLO_TRY(flo_arena_print(arena, &copy, "%.*s", (int)length, text));
    *name = copy;
    return FLO_OK;
}

/* The bytes of all texts at once, for they are few. */
static flo_status copy_fixed(flo_arena *arena, hid_t object, reader read, hid_t type,
                             int64_t count, const char **names)
{
    const size_t bytes = H5Tget_size(type);
    flo_context *const context = flo_arena_context(arena);
    char *texts;
    FLO_TRY(flo_allocate(context, count, bytes, &texts));
    flo_status status = FLO_OK;
    const bool done = read(object, type, texts) >= 0;
    for (int64_t c = 0; done && status == FLO_OK && c < count; ++c)
        status = copy_padded(arena, texts + (size_t)c * bytes, bytes,
                             H5Tget_strpad(type), &names[c]);
    flo_free(context, &texts);
    return status;
}

static flo_status copy_variable(flo_arena *arena, hid_t object, reader read, hid_t type,
                                hid_t space, int64_t count, const char **names)
{
    flo_context *const context = flo_arena_context(arena);
    char **texts;
    FLO_TRY(flo_allocate(context, count, sizeof *texts, &texts));
    flo_status status = FLO_OK;
    const bool done = read(object, type, texts) >= 0;
    for (int64_t c = 0; done && status == FLO_OK && c < count; ++c) {
        char *copy;
        status = flo_arena_string(arena, texts[c] ? texts[c] : "", &copy);
        names[c] = copy;
    }
    if (done)
        H5Dvlen_reclaim(type, space, H5P_DEFAULT, texts);
    flo_free(context, &texts);
    return status;
}

/* The texts of an attribute or data set, if it is as many texts as there are columns.
 */
static flo_status copy_texts(flo_arena *arena, hid_t object, reader read, hid_t type,
                             hid_t space, int64_t columns, const char ***names)
{
    if (H5Tget_class(type) != H5T_STRING ||
        H5Sget_simple_extent_npoints(space) != columns || columns == 0)
        return FLO_OK;
    const char **made;
    FLO_TRY(flo_arena_take(arena, columns, sizeof *made, &made));
    if (H5Tis_variable_str(type) > 0)
        FLO_TRY(copy_variable(arena, object, read, type, space, columns, made));
    else
        FLO_TRY(copy_fixed(arena, object, read, type, columns, made));
    *names = made[columns - 1] ? made : NULL; /* NULL: could not be read */
    return FLO_OK;
}

static flo_status copy_attribute(flo_arena *arena, hid_t dataset, int64_t columns,
                                 const char ***names)
{
    const hid_t attribute = H5Aopen(dataset, "columns", H5P_DEFAULT);
    if (attribute < 0)
        return FLO_OK;
    const hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
    const flo_status status =
        copy_texts(arena, attribute, read_attribute, type, space, columns, names);
    H5Sclose(space);
    H5Tclose(type);
    H5Aclose(attribute);
    return status;
}

static flo_status copy_items(flo_arena *arena, hid_t file, const char *path,
                             int64_t columns, const char ***names)
{
    static const char end[] = "_values";
    const size_t length = strlen(path), tail = strlen(end);
    if (length < tail || strcmp(path + length - tail, end) != 0)
        return FLO_OK;
    char *items;
    FLO_TRY(flo_arena_print(arena, &items, "%.*s_items", (int)(length - tail), path));
    const hid_t dataset = flo_hdf5_open_dataset(file, items, -1);
    if (dataset < 0)
        return FLO_OK;
    const hid_t type = H5Dget_type(dataset), space = H5Dget_space(dataset);
    const flo_status status =
        copy_texts(arena, dataset, read_dataset, type, space, columns, names);
    H5Sclose(space);
    H5Tclose(type);
    H5Dclose(dataset);
    return status;
}

/* Beside the name that was given, else beside the data set's own: a link may lead to
 * it.
 */
static flo_status copy_beside(flo_arena *arena, hid_t file, hid_t dataset,
                              const char *path, int64_t columns, const char ***names)
{
    char own[NAME_BYTES];
    FLO_TRY(copy_items(arena, file, path, columns, names));
    if (*names || H5Iget_name(dataset, own, sizeof own) <= 0)
        return FLO_OK;
    const hid_t home = H5Iget_file_id(dataset);
    const flo_status status = copy_items(arena, home, own, columns, names);
    H5Fclose(home);
    return status;
}

flo_status flo_hdf5_column_names(flo_arena *arena, hid_t file, const char *path,
                                 int64_t columns, const char ***names)
{
    *names = NULL;
    const hid_t dataset = flo_hdf5_open_dataset(file, path, -1);
    if (dataset < 0)
        return FLO_OK;
    flo_status status = copy_attribute(arena, dataset, columns, names);
    if (status == FLO_OK && !*names)
        status = copy_beside(arena, file, dataset, path, columns, names);
    H5Dclose(dataset);
    return status;
}
