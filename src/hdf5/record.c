/* Records: read as they are stored wherever our converters know the numbers in them, so
   that HDF5 need not convert (its float16 takes 0.1 microseconds an element); elsewhere
   HDF5 gives a record of our making. */
#include "hdf5/record.h"

#include "hdf5/describe.h"

#include <stdio.h>

enum { NAME_BYTES = 1024 };

static bool is_number(hid_t type)
{
    const H5T_class_t class = H5Tget_class(type);
    return class == H5T_FLOAT || class == H5T_INTEGER;
}

/* The elements of an array type; 1 of any other. */
static int64_t array_elements(hid_t type)
{
    hsize_t shape[H5S_MAX_RANK];
    if (H5Tget_class(type) != H5T_ARRAY)
        return 1;
    const int rank = H5Tget_array_dims2(type, shape);
    int64_t elements = 1;
    for (int d = 0; d < rank; ++d)
        elements *= (int64_t)shape[d];
    return elements;
}

/* The type of a number in a member of a compound: the member's, or that of its
   elements. To be closed. */
static hid_t open_element(hid_t member)
{
    return H5Tget_class(member) == H5T_ARRAY ? H5Tget_super(member) : H5Tcopy(member);
}

static int64_t member_columns(hid_t compound, unsigned index)
{
    const hid_t member = H5Tget_member_type(compound, index);
    const hid_t element = open_element(member);
    const int64_t columns = is_number(element) ? array_elements(member) : 0;
    H5Tclose(element);
    H5Tclose(member);
    return columns;
}

int64_t flo_record_columns(hid_t type)
{
    if (H5Tget_class(type) != H5T_COMPOUND)
        return is_number(type);
    int64_t columns = 0;
    for (int i = 0; i < H5Tget_nmembers(type); ++i)
        columns += member_columns(type, (unsigned)i);
    return columns;
}

static bool members_are_flat(hid_t compound)
{
    bool flat = true;
    for (int i = 0; flat && i < H5Tget_nmembers(compound); ++i) {
        const hid_t member = H5Tget_member_type(compound, (unsigned)i);
        flat = flo_record_is_flat(member);
        H5Tclose(member);
    }
    return flat;
}

bool flo_record_is_flat(hid_t type)
{
    const H5T_class_t class = H5Tget_class(type);
    if (class == H5T_COMPOUND)
        return members_are_flat(type);
    if (class == H5T_ARRAY) {
        const hid_t element = H5Tget_super(type);
        const bool flat = flo_record_is_flat(element);
        H5Tclose(element);
        return flat;
    }
    return class != H5T_VLEN && class != H5T_REFERENCE &&
           !(class == H5T_STRING && H5Tis_variable_str(type) != 0);
}

/* Whether records can be read as they are stored: all members flat, every number of a
   type that we convert. */
static bool is_readable_as_stored(hid_t compound)
{
    bool readable = flo_record_is_flat(compound);
    for (int i = 0; readable && i < H5Tget_nmembers(compound); ++i) {
        const hid_t member = H5Tget_member_type(compound, (unsigned)i);
        const hid_t element = open_element(member);
        readable = !is_number(element) || flo_converter_find(element) != NULL;
        H5Tclose(element);
        H5Tclose(member);
    }
    return readable;
}

/* Fills in the converter and size of a number; *type becomes what HDF5 shall give of
   it: the stored type, or where we have no converter double. To be closed. */
static void describe_element(hid_t element, flo_field *field, hid_t *type)
{
    flo_hdf5_type_name(element, field->type);
    field->convert = flo_converter_find(element);
    *type = H5Tcopy(field->convert ? element : H5T_NATIVE_DOUBLE);
    if (!field->convert)
        field->convert = flo_converter_find(*type);
    field->size = (int64_t)H5Tget_size(*type);
}

static flo_status make_plain(flo_arena *arena, hid_t type, int64_t elements,
                             flo_record *record)
{
    record->fields = 1;
    FLO_TRY(flo_arena_take(arena, 1, sizeof *record->field, &record->field));
    flo_field *const field = record->field;
    field->columns = record->columns = elements;
    record->as_stored = flo_converter_find(type) != NULL;
    describe_element(type, field, &record->type);
    record->bytes = elements * field->size;
    return FLO_OK;
}

static flo_status name_field(flo_arena *arena, hid_t compound, unsigned index,
                             flo_field *field)
{
    char *const name = H5Tget_member_name(compound, index), *copy;
    const flo_status status = flo_arena_string(arena, name ? name : "", &copy);
    H5free_memory(name);
    field->name = copy;
    return status;
}

/* Adds a member of ours to a compound type in memory; `stored` is the file's, which may
   be an array of it. */
static void insert(hid_t compound, const flo_field *field, hid_t element, hid_t stored)
{
    hsize_t shape[H5S_MAX_RANK];
    if (H5Tget_class(stored) != H5T_ARRAY) {
        H5Tinsert(compound, field->name, (size_t)field->offset, element);
        return;
    }
    const int rank = H5Tget_array_dims2(stored, shape);
    const hid_t array = H5Tarray_create2(element, (unsigned)rank, shape);
    H5Tinsert(compound, field->name, (size_t)field->offset, array);
    H5Tclose(array);
}

/* The index of the member NAME.mask beside a member NAME (astropy's masked columns), of
   truth values or of bytes; -1: there is none. */
static int find_mask(hid_t compound, const flo_field *field, int64_t *masks)
{
    char name[NAME_BYTES];
    *masks = 0;
    snprintf(name, sizeof name, "%s.mask", field->name);
    const int index = H5Tget_member_index(compound, name);
    if (index < 0)
        return -1;
    const hid_t member = H5Tget_member_type(compound, (unsigned)index);
    const hid_t element = open_element(member);
    const H5T_class_t class = H5Tget_class(element);
    const int64_t count = array_elements(member);
    if (H5Tget_size(element) == 1 && (class == H5T_ENUM || class == H5T_INTEGER) &&
        (count == 1 || count == field->columns))
        *masks = count;
    H5Tclose(element);
    H5Tclose(member);
    return *masks > 0 ? index : -1;
}

/* The mask of a field, where it has one, comes into the record. */
static void add_mask(hid_t compound, flo_record *record, flo_field *field)
{
    const int index = find_mask(compound, field, &field->masks);
    if (index < 0)
        return;
    if (record->as_stored) {
        field->mask_offset = (int64_t)H5Tget_member_offset(compound, (unsigned)index);
        return;
    }
    const hid_t member = H5Tget_member_type(compound, (unsigned)index);
    char *const name = H5Tget_member_name(compound, (unsigned)index);
    field->mask_offset = record->bytes;
    H5Tinsert(record->type, name, (size_t)record->bytes, member);
    record->bytes += field->masks;
    H5free_memory(name);
    H5Tclose(member);
}

/* One more field of a compound, if it is numeric: where it is stored, or next in a
   record of our making. */
static flo_status add_field(flo_arena *arena, hid_t compound, unsigned index,
                            flo_record *record)
{
    const int64_t columns = member_columns(compound, index);
    if (columns == 0)
        return FLO_OK;
    flo_field *const field = &record->field[record->fields++];
    FLO_TRY(name_field(arena, compound, index, field));
    field->columns = columns;
    field->first = record->columns;
    const hid_t member = H5Tget_member_type(compound, index);
    const hid_t stored = open_element(member);
    hid_t element;
    describe_element(stored, field, &element);
    field->offset = record->as_stored ? (int64_t)H5Tget_member_offset(compound, index)
                                      : record->bytes;
    if (!record->as_stored)
        insert(record->type, field, element, member);
    record->columns += columns;
    record->bytes += record->as_stored ? 0 : columns * field->size;
    add_mask(compound, record, field);
    H5Tclose(element);
    H5Tclose(stored);
    H5Tclose(member);
    return FLO_OK;
}

/* Bytes that the numbers of a compound can take in memory at most. */
static size_t most_bytes(hid_t compound)
{
    return (size_t)flo_record_columns(compound) * (sizeof(int64_t) + 1); /* and mask */
}

static flo_status make_compound(flo_arena *arena, hid_t type, flo_record *record)
{
    const int members = H5Tget_nmembers(type);
    record->as_stored = is_readable_as_stored(type);
    record->type =
        record->as_stored ? H5Tcopy(type) : H5Tcreate(H5T_COMPOUND, most_bytes(type));
    FLO_TRY(flo_arena_take(arena, members, sizeof *record->field, &record->field));
    for (int i = 0; i < members; ++i)
        FLO_TRY(add_field(arena, type, (unsigned)i, record));
    record->bytes = (int64_t)H5Tget_size(record->type);
    return FLO_OK;
}

flo_status flo_record_make(flo_arena *arena, hid_t type, int64_t elements,
                           flo_record *record)
{
    *record = (flo_record){.type = -1};
    return H5Tget_class(type) == H5T_COMPOUND
               ? make_compound(arena, type, record)
               : make_plain(arena, type, elements, record);
}

void flo_record_close(flo_record *record)
{
    if (record->type >= 0)
        H5Tclose(record->type);
    record->type = -1;
}
