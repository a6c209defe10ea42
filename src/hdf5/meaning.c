/* Rules of netCDF's users' guide and of CF: missing numbers are told by their stored
   value, the others are unpacked as value * scale_factor + add_offset. */
#include "hdf5/meaning.h"

#include "hdf5/attribute.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The data set that is looked at, and the field of it. */
typedef struct subject {
    flo_arena *arena;
    const char *file, *name;
    hid_t dataset;
    hid_t type;        /* of a stored number; unsigned where _Unsigned says so */
    bool is_unsigned;  /* _Unsigned does */
    const char *field; /* NULL: plain */
} subject;

static flo_status fail_attribute(const subject *s, const char *attribute,
                                 const char *found, const char *wanted)
{
    return flo_fail(flo_arena_context(s->arena), FLO_ERROR_DATA,
                    "%s: data set '%s' has an attribute %s %s, wanted %s: correct it, "
                    "or delete it if it means nothing (h5py: del "
                    "file['%s'].attrs['%s'])",
                    s->file, s->name, attribute, found, wanted, s->name, attribute);
}

/* An attribute of `most` numbers at most; absent ones have count 0. */
static flo_status read_attribute(const subject *s, const char *attribute, int64_t most,
                                 flo_attribute *found)
{
    char text[64];
    FLO_TRY(flo_attribute_read(s->arena, s->dataset, attribute, s->field, found));
    if (found->is_there && !found->is_number)
        return fail_attribute(s, attribute, "that is no number", "a number");
    if (found->count <= most)
        return FLO_OK;
    snprintf(text, sizeof text, "of %lld numbers", (long long)found->count);
    return fail_attribute(s, attribute, text, most == 1 ? "one" : "two");
}

/* As the stored type holds it, back in double; NaN where it cannot. An attribute of the
   signed type stands for an unsigned number, too, where _Unsigned is given. */
static double as_stored(const subject *s, double value)
{
    union {
        double number;
        unsigned char room[64]; /* a stored number may take more than a double */
    } buffer = {0};
    const size_t bits = 8 * H5Tget_size(s->type);
    if (s->is_unsigned && value < 0)
        value += ldexp(1, (int)bits);
    buffer.number = value;
    if (H5Tget_size(s->type) > sizeof buffer ||
        H5Tconvert(H5T_NATIVE_DOUBLE, s->type, 1, &buffer, NULL, H5P_DEFAULT) < 0 ||
        H5Tconvert(s->type, H5T_NATIVE_DOUBLE, 1, &buffer, NULL, H5P_DEFAULT) < 0)
        return NAN;
    const bool is_integer = H5Tget_class(s->type) == H5T_INTEGER;
    const bool lost =
        is_integer ? buffer.number != value : isinf(buffer.number) && !isinf(value);
    return lost ? NAN : buffer.number;
}

static void add_gap(flo_meaning *meaning, double gap)
{
    for (int64_t i = 0; i < meaning->gaps; ++i)
        if (meaning->gap[i] == gap)
            return;
    if (!isnan(gap))
        meaning->gap[meaning->gaps++] = gap;
}

/* The number that was written as a float, as it would be in double: 1e20. */
static double in_decimal(double value)
{
    char text[32];
    snprintf(text, sizeof text, "%.7g", value);
    return strtod(text, NULL);
}

static void add_gaps(const subject *s, const flo_attribute *from, flo_meaning *meaning)
{
    for (int64_t i = 0; i < from->count; ++i) {
        add_gap(meaning, as_stored(s, from->value[i]));
        if (from->is_float && from->bytes == 4)
            add_gap(meaning, as_stored(s, in_decimal(from->value[i])));
    }
}

/* What netCDF fills with where nobody says otherwise: it writes that as HDF5's fill
   value. Bytes have none: every one of them may be data. */
static bool is_netcdf_fill(hid_t type, double fill)
{
    const int bits = 8 * (int)H5Tget_size(type);
    if (H5Tget_class(type) == H5T_FLOAT)
        return (float)fill == 9.9692099683868690e+36f;
    if (H5Tget_sign(type) == H5T_SGN_NONE)
        return bits > 8 &&
               (fill == ldexp(1, bits) - 1 || (bits == 64 && fill == 0x1p64));
    return bits > 8 && fill == (bits == 64 ? -0x1p63 : 1 - ldexp(1, bits - 1));
}

/* HDF5's fill value where the writer set one. */
static bool find_fill(hid_t dataset, double *fill)
{
    const hid_t creation = H5Dget_create_plist(dataset);
    H5D_fill_value_t defined = H5D_FILL_VALUE_UNDEFINED;
    const bool found = H5Pfill_value_defined(creation, &defined) >= 0 &&
                       defined == H5D_FILL_VALUE_USER_DEFINED &&
                       H5Pget_fill_value(creation, H5T_NATIVE_DOUBLE, fill) >= 0;
    H5Pclose(creation);
    return found;
}

/* pandas keeps times as integers of 64 bits, of which the least is no time; it says so
   beside a data set, or beside a table for each of its fields. */
static bool is_time(const subject *s)
{
    char name[256] = "value_type", text[32];
    if (s->field)
        snprintf(name, sizeof name, "%s_dtype", s->field);
    flo_attribute_text(s->dataset, name, text, sizeof text);
    return H5Tget_class(s->type) == H5T_INTEGER && H5Tget_size(s->type) == 8 &&
           (strncmp(text, "datetime64", 10) == 0 ||
            strncmp(text, "timedelta64", 11) == 0);
}

static flo_status find_gaps(const subject *s, flo_meaning *meaning)
{
    flo_attribute fill, missing;
    double filled = 0;
    FLO_TRY(read_attribute(s, "_FillValue", INT64_MAX, &fill));
    FLO_TRY(read_attribute(s, "missing_value", INT64_MAX, &missing));
    FLO_TRY(flo_arena_take(s->arena, 2 * (fill.count + missing.count) + 2,
                           sizeof *meaning->gap, &meaning->gap));
    add_gaps(s, &fill, meaning);
    add_gaps(s, &missing, meaning);
    if (is_time(s))
        add_gap(meaning, as_stored(s, -0x1p63));
    if (!fill.is_there && !s->field && find_fill(s->dataset, &filled) &&
        is_netcdf_fill(s->type, filled))
        add_gap(meaning, as_stored(s, filled));
    return FLO_OK;
}

static flo_status find_unpacking(const subject *s, flo_meaning *meaning)
{
    flo_attribute scale, offset;
    FLO_TRY(read_attribute(s, "scale_factor", 1, &scale));
    FLO_TRY(read_attribute(s, "add_offset", 1, &offset));
    meaning->scale = scale.count ? scale.value[0] : 1;
    meaning->offset = offset.count ? offset.value[0] : 0;
    if (!isfinite(meaning->scale) || meaning->scale == 0)
        return fail_attribute(s, "scale_factor", "that is 0 or not finite",
                              "a finite number other than 0");
    if (!isfinite(meaning->offset))
        return fail_attribute(s, "add_offset", "that is not finite", "a finite number");
    return FLO_OK;
}

/* A limit; by the users' guide one of floating point over packed integers is that of
   the unpacked numbers. */
static void set_limit(const subject *s, const flo_attribute *from, int64_t i,
                      const flo_meaning *meaning, double *limit, bool *of_unpacked)
{
    const bool packed = meaning->scale != 1 || meaning->offset != 0;
    if (i >= from->count || isnan(from->value[i]))
        return;
    *of_unpacked = packed && from->is_float && H5Tget_class(s->type) == H5T_INTEGER;
    *limit = from->value[i];
    const double stored = *of_unpacked ? NAN : as_stored(s, *limit);
    *limit = isnan(stored) ? *limit : stored;
}

static flo_status find_limits(const subject *s, flo_meaning *meaning)
{
    flo_attribute range, low, high;
    meaning->low = -INFINITY;
    meaning->high = INFINITY;
    FLO_TRY(read_attribute(s, "valid_range", 2, &range));
    FLO_TRY(read_attribute(s, "valid_min", 1, &low));
    FLO_TRY(read_attribute(s, "valid_max", 1, &high));
    if (range.count == 1)
        return fail_attribute(s, "valid_range", "of one number", "two");
    set_limit(s, &low, 0, meaning, &meaning->low, &meaning->low_of_unpacked);
    set_limit(s, &high, 0, meaning, &meaning->high, &meaning->high_of_unpacked);
    set_limit(s, &range, 0, meaning, &meaning->low, &meaning->low_of_unpacked);
    set_limit(s, &range, 1, meaning, &meaning->high, &meaning->high_of_unpacked);
    if (meaning->low <= meaning->high ||
        meaning->low_of_unpacked != meaning->high_of_unpacked)
        return FLO_OK;
    return fail_attribute(s, range.count ? "valid_range" : "valid_min",
                          "that leaves no number", "a least one below the greatest");
}

static flo_status find_of_field(const subject *s, flo_field *field)
{
    flo_meaning *made;
    FLO_TRY(flo_arena_take(s->arena, 1, sizeof *made, &made));
    FLO_TRY(find_gaps(s, made));
    FLO_TRY(find_unpacking(s, made));
    FLO_TRY(find_limits(s, made));
    if (made->gaps || made->scale != 1 || made->offset != 0 || made->low > -INFINITY ||
        made->high < INFINITY)
        field->meaning = made;
    return FLO_OK;
}

/* netCDF's way to keep unsigned numbers in a format without them: the attribute
   _Unsigned = "true" beside a signed type. */
static void make_unsigned(subject *s, flo_field *field)
{
    char text[16];
    flo_attribute_text(s->dataset, "_Unsigned", text, sizeof text);
    if (H5Tget_class(s->type) != H5T_INTEGER || H5Tget_sign(s->type) != H5T_SGN_2 ||
        (strcmp(text, "true") != 0 && strcmp(text, "True") != 0))
        return;
    H5Tset_sign(s->type, H5T_SGN_NONE);
    const flo_converter convert = flo_converter_find(s->type);
    if (convert) {
        field->convert = convert;
        field->is_unsigned = s->is_unsigned = true;
    } else
        H5Tset_sign(s->type, H5T_SGN_2);
}

/* The type of a field's numbers, as they are stored. To be closed. */
static hid_t open_type(hid_t type, const flo_field *field)
{
    const int index = field->name ? H5Tget_member_index(type, field->name) : -1;
    if (index < 0)
        return H5Tcopy(type);
    const hid_t member = H5Tget_member_type(type, (unsigned)index);
    if (H5Tget_class(member) != H5T_ARRAY)
        return member;
    const hid_t element = H5Tget_super(member);
    H5Tclose(member);
    return element;
}

flo_status flo_meaning_find(flo_arena *arena, const char *file, const char *name,
                            hid_t dataset, hid_t type, flo_record *record)
{
    flo_status status = FLO_OK;
    for (int64_t f = 0; f < record->fields && status == FLO_OK; ++f) {
        flo_field *const field = &record->field[f];
        subject s = {arena, file,       name, dataset, open_type(type, field),
                     false, field->name};
        make_unsigned(&s, field);
        status = find_of_field(&s, field);
        H5Tclose(s.type);
    }
    return status;
}

void flo_meaning_apply(const flo_meaning *meaning, int64_t rows, int64_t count,
                       double *value, int64_t stride)
{
    const flo_meaning m = *meaning;
    for (int64_t i = 0; i < rows; ++i, value += stride)
        for (int64_t j = 0; j < count; ++j) {
            const double stored = value[j], unpacked = stored * m.scale + m.offset;
            bool missing = (m.low_of_unpacked ? unpacked : stored) < m.low ||
                           (m.high_of_unpacked ? unpacked : stored) > m.high;
            for (int64_t k = 0; k < m.gaps; ++k)
                missing = missing || stored == m.gap[k];
            value[j] = missing ? (double)NAN : unpacked;
        }
}

/* Adds "before NUMBER after" to a list; a float in as few digits as tell it. */
static void append(char *text, size_t bytes, const char *before, double value,
                   const char *after)
{
    const size_t used = strlen(text);
    char number[32];
    snprintf(number, sizeof number, "%.7g", value);
    if ((float)strtod(number, NULL) != (float)value || (double)(float)value != value)
        snprintf(number, sizeof number, "%.15g", value);
    snprintf(text + used, bytes - used, "%s%s%s%s", used ? ", " : "", before, number,
             after);
}

static void tell_one(const flo_field *field, char *text, size_t bytes)
{
    const flo_meaning *const m = field->meaning;
    if (field->is_unsigned)
        snprintf(text, bytes, "unsigned");
    for (int64_t k = 0; m && k < m->gaps; ++k)
        append(text, bytes, "", m->gap[k], " is missing");
    if (m && m->low > -INFINITY)
        append(text, bytes, "below ", m->low, " is missing");
    if (m && m->high < INFINITY)
        append(text, bytes, "above ", m->high, " is missing");
    if (m && m->scale != 1)
        append(text, bytes, "times ", m->scale, "");
    if (m && m->offset != 0)
        append(text, bytes, "plus ", m->offset, "");
    const size_t used = strlen(text);
    if (field->masks)
        snprintf(text + used, bytes - used, "%smissing where %.60s.mask says so",
                 used ? ", " : "", field->name);
}

static void tell_fill(hid_t dataset, const flo_field *field, char *text, size_t bytes)
{
    double fill = 0;
    const bool marked = field->meaning && field->meaning->gaps > 0;
    if (!field->name && !marked && find_fill(dataset, &fill) && fill != 0 &&
        isfinite(fill))
        append(text, bytes, "what nobody wrote is ", fill, ", HDF5's fill value of it");
}

void flo_meaning_tell(hid_t dataset, const flo_record *record, char *text, size_t bytes)
{
    text[0] = '\0';
    for (int64_t f = 0; f < record->fields; ++f) {
        char one[160] = "";
        const size_t used = strlen(text);
        tell_one(&record->field[f], one, sizeof one);
        tell_fill(dataset, &record->field[f], one, sizeof one);
        if (!one[0])
            continue;
        const char *const name = record->field[f].name;
        snprintf(text + used, bytes - used, "%s%.60s%s%s", used ? "; " : "",
                 name ? name : "", name ? ": " : "", one);
    }
}
