/* Attributes, in whichever of the forms that writers give them. */
#include "hdf5/attribute.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_BYTES = 256 };

static void read_text(hid_t attribute, hid_t type, char *text, size_t bytes)
{
    const hid_t memory = H5Tcopy(type);
    if (H5Tis_variable_str(type) > 0) {
        char *found = NULL;
        if (H5Aread(attribute, memory, &found) >= 0 && found)
            snprintf(text, bytes, "%s", found);
        H5free_memory(found);
    } else if (H5Tget_size(type) < bytes) {
        memset(text, 0, bytes); /* it need not end in one */
        if (H5Aread(attribute, memory, text) < 0)
            text[0] = '\0';
    }
    H5Tclose(memory);
}

static int64_t count_elements(hid_t attribute)
{
    const hid_t space = H5Aget_space(attribute);
    const int64_t count = (int64_t)H5Sget_simple_extent_npoints(space);
    H5Sclose(space);
    return count;
}

void flo_attribute_text(hid_t object, const char *name, char *text, size_t bytes)
{
    text[0] = '\0';
    if (H5Aexists(object, name) <= 0)
        return;
    const hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
    const hid_t type = H5Aget_type(attribute);
    if (H5Tget_class(type) == H5T_STRING && count_elements(attribute) == 1)
        read_text(attribute, type, text, bytes);
    H5Tclose(type);
    H5Aclose(attribute);
}

static void number_of_text(hid_t attribute, hid_t type, flo_attribute *found)
{
    char text[TEXT_BYTES] = "", *end;
    if (found->count != 1)
        return;
    read_text(attribute, type, text, sizeof text);
    found->value[0] = strtod(text, &end);
    while (*end == ' ')
        ++end;
    found->is_number = end != text && !*end;
    found->is_float = true;
    found->bytes = 8;
}

/* The type of a number, or of the member `field` of a compound. To be closed. */
static hid_t open_number(hid_t type, const char *field)
{
    if (H5Tget_class(type) != H5T_COMPOUND)
        return H5Tcopy(type);
    const int index = field ? H5Tget_member_index(type, field) : -1;
    return index < 0 ? -1 : H5Tget_member_type(type, (unsigned)index);
}

static bool read_numbers(hid_t attribute, hid_t type, const char *field, double *value)
{
    if (H5Tget_class(type) != H5T_COMPOUND)
        return H5Aread(attribute, H5T_NATIVE_DOUBLE, value) >= 0;
    const hid_t member = H5Tcreate(H5T_COMPOUND, sizeof *value);
    H5Tinsert(member, field, 0, H5T_NATIVE_DOUBLE);
    const bool good = H5Aread(attribute, member, value) >= 0;
    H5Tclose(member);
    return good;
}

static flo_status read_open(flo_arena *arena, hid_t attribute, hid_t type,
                            const char *field, flo_attribute *found)
{
    found->count = count_elements(attribute);
    found->count = found->count < 0 ? 0 : found->count;
    FLO_TRY(
        flo_arena_take(arena, found->count + 1, sizeof *found->value, &found->value));
    if (H5Tget_class(type) == H5T_STRING) {
        number_of_text(attribute, type, found);
        return FLO_OK;
    }
    const hid_t number = open_number(type, field);
    const H5T_class_t class = number < 0 ? H5T_NO_CLASS : H5Tget_class(number);
    if (class == H5T_FLOAT || class == H5T_INTEGER) {
        found->is_float = class == H5T_FLOAT;
        found->bytes = (int)H5Tget_size(number);
        found->is_number = read_numbers(attribute, type, field, found->value);
    } else if (field && H5Tget_class(type) == H5T_COMPOUND) {
        found->is_there = false; /* for this member */
        found->count = 0;
    }
    if (number >= 0)
        H5Tclose(number);
    return FLO_OK;
}

flo_status flo_attribute_read(flo_arena *arena, hid_t object, const char *name,
                              const char *field, flo_attribute *found)
{
    *found = (flo_attribute){.is_there = H5Aexists(object, name) > 0};
    if (!found->is_there)
        return FLO_OK;
    const hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
    const hid_t type = H5Aget_type(attribute);
    const flo_status status = read_open(arena, attribute, type, field, found);
    H5Tclose(type);
    H5Aclose(attribute);
    return status;
}
