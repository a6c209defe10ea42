/* Columns by name: the fields of a compound, the data sets of a group, names beside the
   data; and any choice of them, in any order. */
#include "hdf5/dataset_fixture.h"

#include <math.h>

enum { ROWS = 5000, HITS = 3 };

/* A row of a table as a program has it. */
typedef struct event {
    int32_t id;
    char label[5];
    float x;
    double hits[HITS];
    uint8_t charge;
} event;

static double value_of(int64_t row, int64_t column)
{
    const double values[] = {(double)row,
                             (double)row / 4 + 0.5,
                             (double)(row % 100),
                             (double)(row % 100) + 1,
                             (double)(row % 100) + 2,
                             (double)(row % 200)};
    return values[column];
}
enum { COLUMNS = 6 }; /* id, x, hits[0..2], charge; the label is none */
static const char *const column_names[COLUMNS] = {"id",      "x",       "hits[0]",
                                                  "hits[1]", "hits[2]", "charge"};

/* The compound with members of given types; packed as h5py writes it, or as the struct
   lies in memory. */
static hid_t event_type(bool packed, hid_t integer, hid_t real, hid_t byte, hid_t text)
{
    const hsize_t hits = HITS;
    const hid_t array = H5Tarray_create2(real, 1, &hits);
    const hid_t type = H5Tcreate(H5T_COMPOUND, sizeof(event) + 64);
    const hid_t members[] = {integer, text, real, array, byte};
    static const char *const names[] = {"id", "label", "x", "hits", "charge"};
    size_t at = packed ? 0 : 3;
    for (int i = 0; i < 5; ++i) {
        H5Tinsert(type, names[i], at, members[i]);
        at += H5Tget_size(members[i]);
    }
    H5Tset_size(type, packed ? at : at + 5);
    H5Tclose(array);
    return type;
}

static hid_t memory_type(hid_t text)
{
    const hsize_t hits = HITS;
    const hid_t array = H5Tarray_create2(H5T_NATIVE_DOUBLE, 1, &hits);
    const hid_t type = H5Tcreate(H5T_COMPOUND, sizeof(event));
    H5Tinsert(type, "id", offsetof(event, id), H5T_NATIVE_INT32);
    H5Tinsert(type, "label", offsetof(event, label), text);
    H5Tinsert(type, "x", offsetof(event, x), H5T_NATIVE_FLOAT);
    H5Tinsert(type, "hits", offsetof(event, hits), array);
    H5Tinsert(type, "charge", offsetof(event, charge), H5T_NATIVE_UINT8);
    H5Tclose(array);
    return type;
}

static void write_table(const fixture *f, hid_t stored, const scratch_layout *layout)
{
    event *const events = calloc(ROWS, sizeof *events);
    const hid_t text = H5Tcopy(H5T_C_S1);
    H5Tset_size(text, 5);
    for (int64_t i = 0; i < ROWS; ++i) {
        events[i] = (event){.id = (int32_t)i,
                            .label = "abcd",
                            .x = (float)value_of(i, 1),
                            .charge = (uint8_t)value_of(i, 5)};
        for (int64_t k = 0; k < HITS; ++k)
            events[i].hits[k] = value_of(i, 2 + k);
    }
    const hid_t file = scratch_file(f->path, 0), memory = memory_type(text);
    const hsize_t shape[1] = {ROWS};
    scratch_add(file, "deep/table", stored, 1, shape, layout, memory, events);
    H5Fclose(file);
    H5Tclose(memory);
    H5Tclose(text);
    free(events);
}

/* All rows, and some, of a choice of columns. */
static void check_choice(const fixture *f, flo_dataset *dataset, int64_t count,
                         const int64_t *column)
{
    if (flo_dataset_choose(dataset, count, column) != FLO_OK)
        fail_msg("%s", flo_context_message(f->context));
    static const int64_t ranges[][2] = {{0, ROWS}, {ROWS - 1, 1}, {17, 3000}, {5, 0}};
    const int64_t stride = count + 2;
    flo_real *const out = malloc((size_t)(ROWS * stride) * sizeof *out);
    for (size_t r = 0; r < sizeof ranges / sizeof *ranges; ++r)
        for (int64_t s = count; s <= stride; s += 2) {
            for (int64_t i = 0; i < ROWS * stride; ++i)
                out[i] = -7;
            assert_int_equal(
                flo_dataset_read(dataset, ranges[r][0], ranges[r][1], s, out), FLO_OK);
            for (int64_t i = 0; i < ranges[r][1]; ++i)
                for (int64_t j = 0; j < s; ++j)
                    assert_true(
                        (double)out[i * s + j] ==
                        (j >= count ? -7 : value_of(ranges[r][0] + i, column[j])));
            assert_true(ranges[r][1] == ROWS || out[ranges[r][1] * s] == -7);
        }
    free(out);
}

/* The same less an origin, times a factor, of some of the columns; and in double. */
static void check_shifted(const fixture *f, flo_dataset *dataset, int64_t count,
                          const int64_t *column)
{
    double origin[COLUMNS], factor[COLUMNS];
    for (int64_t j = 0; j < count; ++j) {
        origin[j] = column[j] % 3 ? 16.5 : 0;
        factor[j] = column[j] == 4 ? 0.25 : 1;
    }
    flo_dataset_shift(dataset, origin, factor);
    if (flo_dataset_choose(dataset, count, column) != FLO_OK)
        fail_msg("%s", flo_context_message(f->context));
    flo_real *const out = malloc((size_t)(ROWS * (count + 1)) * sizeof *out);
    double *const wide = malloc((size_t)(ROWS * (count + 1)) * sizeof *wide);
    for (int64_t s = count; s <= count + 1; ++s) {
        assert_int_equal(flo_dataset_read(dataset, 3, ROWS - 3, s, out), FLO_OK);
        assert_int_equal(flo_dataset_read_wide(dataset, 3, ROWS - 3, s, wide), FLO_OK);
        for (int64_t i = 0; i < ROWS - 3; ++i)
            for (int64_t j = 0; j < count; ++j) {
                const double value = value_of(3 + i, column[j]);
                assert_true(wide[i * s + j] == value);
                assert_true((double)out[i * s + j] == (value - origin[j]) * factor[j]);
            }
    }
    flo_dataset_shift(dataset, NULL, NULL);
    free(wide);
    free(out);
}

/* Integers of 64 bits that double does not hold, less a whole origin. */
static void far_integers_keep_their_digits(void **state)
{
    fixture *const f = *state;
    static const int64_t base[] = {INT64_MIN + 5, -1, INT64_C(1) << 60, INT64_MAX - 7};
    enum { FEW = 8 };
    for (size_t b = 0; b < sizeof base / sizeof *base; ++b)
        for (int kind = 0; kind < 4; ++kind) {
            const bool is_signed = kind < 2;
            int64_t values[FEW];
            const double origin = (double)base[b] / 1024 * 1023, one = 1;
            const double whole = b == 1 ? -300 : nearbyint(origin / 4096) * 4096;
            for (int i = 0; i < FEW; ++i)
                values[i] = (int64_t)whole + i * 3 - 7;
            if (!is_signed && b < 2)
                continue;
            const hid_t stored[] = {H5T_STD_I64LE, H5T_STD_I64BE, H5T_STD_U64LE,
                                    H5T_STD_U64BE};
            const hsize_t shape[1] = {FEW};
            const hid_t file = scratch_file(f->path, 0);
            scratch_add(file, "x", stored[kind], 1, shape, NULL, H5T_NATIVE_INT64,
                        values);
            H5Fclose(file);
            flo_dataset *dataset;
            flo_real out[FEW];
            assert_int_equal(flo_dataset_open(f->context, f->path, "x", &dataset),
                             FLO_OK);
            flo_dataset_shift(dataset, &whole, &one);
            assert_int_equal(flo_dataset_choose(dataset, 1, NULL), FLO_OK);
            assert_int_equal(flo_dataset_read(dataset, 0, FEW, 1, out), FLO_OK);
            for (int i = 0; i < FEW; ++i)
                assert_true(out[i] == (flo_real)(i * 3 - 7));
            flo_dataset_close(&dataset);
        }
}

/* Unsigned numbers above those of signed ones, and an origin that is not whole. */
static void unsigned_integers_and_other_origins(void **state)
{
    fixture *const f = *state;
    const uint64_t values[3] = {UINT64_MAX, UINT64_MAX - 2047, 5};
    const hsize_t shape[1] = {3};
    const hid_t file = scratch_file(f->path, 0);
    scratch_add(file, "x", H5T_STD_U64BE, 1, shape, NULL, H5T_NATIVE_UINT64, values);
    H5Fclose(file);
    flo_dataset *dataset;
    flo_real out[3];
    const double origins[2] = {0x1p64 - 2048, 4.5}, one = 1;
    for (int k = 0; k < 2; ++k) {
        assert_int_equal(flo_dataset_open(f->context, f->path, "x", &dataset), FLO_OK);
        flo_dataset_shift(dataset, &origins[k], &one);
        assert_int_equal(flo_dataset_choose(dataset, 1, NULL), FLO_OK);
        assert_int_equal(flo_dataset_read(dataset, 0, 3, 1, out), FLO_OK);
        assert_true(k ? out[2] == (flo_real)0.5 : out[0] == 2047 && out[1] == 0);
        flo_dataset_close(&dataset);
    }
}

static void check_choices(const fixture *f, flo_dataset *dataset)
{
    static const struct {
        int64_t count, column[COLUMNS];
    } choices[] = {{COLUMNS, {0, 1, 2, 3, 4, 5}},
                   {1, {4}},
                   {3, {2, 3, 4}},
                   {4, {5, 4, 3, 0}},
                   {3, {1, 3, 4}},
                   {2, {0, 5}},
                   {3, {4, 2, 3}},
                   {0, {0}}};
    for (size_t c = 0; c < sizeof choices / sizeof *choices; ++c) {
        check_choice(f, dataset, choices[c].count, choices[c].column);
        check_shifted(f, dataset, choices[c].count, choices[c].column);
    }
}

static hid_t text_type(size_t bytes)
{
    const hid_t text = H5Tcopy(H5T_C_S1);
    H5Tset_size(text, bytes);
    return text;
}

static void fields_of_a_table_are_columns(void **state)
{
    fixture *const f = *state;
    const hid_t text = text_type(5), odd = H5Tcopy(H5T_STD_U32LE);
    H5Tset_size(odd, 3); /* a type that only HDF5 converts */
    const struct {
        hid_t integer, real, byte;
        bool packed, direct;
    } kinds[] = {{H5T_STD_I32LE, H5T_IEEE_F64LE, H5T_STD_U8LE, true, true},
                 {H5T_STD_I64BE, H5T_IEEE_F32BE, H5T_STD_I16BE, true, true},
                 {H5T_STD_I32LE, H5T_IEEE_F32LE, H5T_STD_U64LE, false, true},
                 {odd, H5T_IEEE_F64LE, H5T_STD_U8LE, true, false}};
    static const scratch_layout layouts[] = {{{0}, 0, 0, 0}, {{321}, 1, 0, 0}};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; ++k)
        for (int l = 0; l < 2; ++l) {
            const hid_t stored = event_type(kinds[k].packed, kinds[k].integer,
                                            kinds[k].real, kinds[k].byte, text);
            write_table(f, stored, &layouts[l]);
            H5Tclose(stored);
            flo_dataset *dataset;
            assert_int_equal(
                flo_dataset_open(f->context, f->path, "deep/table", &dataset), FLO_OK);
            const flo_dataset_info *const info = flo_dataset_describe(dataset);
            assert_true(info->by_name && !info->is_group);
            assert_string_equal(info->type, "compound");
            assert_int_equal(info->rows, ROWS);
            assert_int_equal(info->columns, COLUMNS);
            assert_int_equal(info->direct, kinds[k].direct && l == 0);
            for (int c = 0; c < COLUMNS; ++c)
                assert_string_equal(flo_dataset_column_name(dataset, c),
                                    column_names[c]);
            check_choices(f, dataset);
            flo_dataset_close(&dataset);
        }
    H5Tclose(odd);
    H5Tclose(text);
}

/* Texts of any length lie elsewhere in the file: HDF5 must leave them out. */
static void a_table_with_loose_texts_reads(void **state)
{
    fixture *const f = *state;
    const hid_t text = text_type(H5T_VARIABLE);
    const hid_t stored =
        event_type(true, H5T_STD_I32LE, H5T_IEEE_F64LE, H5T_STD_U8LE, text);
    const struct {
        int32_t id;
        char *label;
    } rows[2] = {{7, "a"}, {8, "longer"}};
    const hid_t memory = H5Tcreate(H5T_COMPOUND, sizeof rows[0]);
    H5Tinsert(memory, "id", 0, H5T_NATIVE_INT32);
    H5Tinsert(memory, "label", offsetof(__typeof__(rows[0]), label), text);
    const hsize_t shape[1] = {2};
    const hid_t file = scratch_file(f->path, 0);
    scratch_add(file, "table", stored, 1, shape, NULL, memory, rows);
    H5Fclose(file);
    flo_dataset *dataset;
    assert_int_equal(flo_dataset_open(f->context, f->path, "table", &dataset), FLO_OK);
    assert_false(flo_dataset_describe(dataset)->direct);
    assert_int_equal(flo_dataset_describe(dataset)->columns, COLUMNS);
    flo_real out[2 * COLUMNS];
    assert_int_equal(flo_dataset_read(dataset, 0, 2, COLUMNS, out), FLO_OK);
    assert_true(out[0] == 7 && out[COLUMNS] == 8 && out[1] == 0);
    flo_dataset_close(&dataset);
    H5Tclose(memory);
    H5Tclose(stored);
    H5Tclose(text);
}

static void write_group(const fixture *f, int64_t short_rows)
{
    static const scratch_layout chunked = {{700}, 1, 0, 0};
    double *const values = malloc(ROWS * sizeof *values);
    const hid_t file = scratch_file(f->path, 0), text = text_type(4);
    const hid_t types[COLUMNS] = {H5T_STD_I32LE,  H5T_IEEE_F32BE, H5T_STD_U8LE,
                                  H5T_IEEE_F64LE, H5T_IEEE_F32LE, H5T_STD_I16BE};
    for (int c = 0; c < COLUMNS; ++c) {
        char name[32];
        const hsize_t shape[2] = {ROWS, 1};
        for (int64_t i = 0; i < ROWS; ++i)
            values[i] = value_of(i, c);
        snprintf(name, sizeof name, "group/%c%d", c % 2 ? 'a' : 'b', c);
        scratch_add(file, name, types[c], c == 4 ? 2 : 1, shape,
                    c == 2 ? &chunked : NULL, H5T_NATIVE_DOUBLE, values);
    }
    const hsize_t wide[2] = {ROWS / 2, 2}, few[1] = {(hsize_t)short_rows}, four = 4;
    scratch_add(file, "group/wide", H5T_IEEE_F32LE, 2, wide, NULL, H5T_NATIVE_DOUBLE,
                values);
    scratch_add(file, "group/few", H5T_IEEE_F32LE, 1, few, NULL, H5T_NATIVE_DOUBLE,
                values);
    scratch_add(file, "group/text", text, 1, &four, NULL, text, "abcdefghijklmno");
    scratch_add(file, "group/below/x", H5T_IEEE_F32LE, 1, few, NULL, H5T_NATIVE_DOUBLE,
                values);
    H5Tclose(text);
    H5Fclose(file);
    free(values);
}

/* In the order of their names: a1 a3 a5 b0 b2 b4 few. */
static void data_sets_of_a_group_are_columns(void **state)
{
    fixture *const f = *state;
    write_group(f, 3);
    static const int64_t order[COLUMNS] = {1, 3, 5, 0, 2, 4};
    static const char *const paths[] = {"group", "/group", "group/"};
    for (int p = 0; p < 3; ++p) {
        flo_dataset *dataset;
        assert_int_equal(flo_dataset_open(f->context, f->path, paths[p], &dataset),
                         FLO_OK);
        const flo_dataset_info *const info = flo_dataset_describe(dataset);
        assert_true(info->by_name && info->is_group);
        assert_int_equal(info->columns, COLUMNS + 1);
        assert_string_equal(flo_dataset_column_name(dataset, 0), "a1");
        assert_string_equal(flo_dataset_column_name(dataset, 5), "b4");
        assert_string_equal(flo_dataset_column_name(dataset, 6), "few");
        static const int64_t all[COLUMNS] = {0, 1, 2, 3, 4, 5}, some[2] = {5, 1};
        static const int64_t bad[2] = {2, 6};
        flo_real *const out = malloc(ROWS * COLUMNS * sizeof *out);
        for (int again = 0; again < 2; ++again) {
            assert_int_equal(flo_dataset_choose(dataset, COLUMNS, all), FLO_OK);
            assert_int_equal(info->rows, ROWS);
            assert_false(info->direct); /* one is compressed */
            assert_int_equal(info->chunk_rows, 700);
            assert_int_equal(flo_dataset_read(dataset, 100, 400, COLUMNS, out), FLO_OK);
            for (int64_t i = 0; i < 400; ++i)
                for (int64_t j = 0; j < COLUMNS; ++j)
                    assert_true((double)out[i * COLUMNS + j] ==
                                value_of(100 + i, order[j]));
            assert_int_equal(flo_dataset_choose(dataset, 2, some), FLO_OK);
            assert_true(info->direct);
            assert_int_equal(flo_dataset_read(dataset, 0, ROWS, 2, out), FLO_OK);
            for (int64_t i = 0; i < ROWS; ++i)
                for (int64_t j = 0; j < 2; ++j)
                    assert_true((double)out[i * 2 + j] == value_of(i, order[some[j]]));
        }
        assert_int_equal(flo_dataset_choose(dataset, 2, bad), FLO_ERROR_DATA);
        const char *const message = flo_context_message(f->context);
        assert_non_null(strstr(message, "few' has 3 rows, wanted 5000"));
        assert_non_null(strstr(message, "a5"));
        free(out);
        flo_dataset_close(&dataset);
    }
}

static void what_has_no_column_is_refused(void **state)
{
    fixture *const f = *state;
    const hid_t text = text_type(4), table = H5Tcreate(H5T_COMPOUND, 8);
    H5Tinsert(table, "a", 0, text);
    H5Tinsert(table, "b", 4, text);
    const hsize_t shape[2] = {2, 2};
    const hid_t file = scratch_file(f->path, 0);
    scratch_add(file, "g/texts", table, 1, shape, NULL, table, "abcdabcdabcdabcd");
    scratch_add(file, "g/square",
                event_type(true, H5T_STD_I8LE, H5T_IEEE_F32LE, H5T_STD_I8LE, text), 2,
                shape, NULL, table, NULL);
    H5Fclose(file);
    H5Tclose(table);
    H5Tclose(text);
    static const struct {
        const char *name, *words;
    } cases[] = {{"g/texts", "compound without a numeric field"},
                 {"g/square", "table of rank 2"},
                 {"g", "a group"}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; ++c) {
        flo_dataset *dataset;
        assert_int_equal(flo_dataset_open(f->context, f->path, cases[c].name, &dataset),
                         FLO_ERROR_DATA);
        assert_null(dataset);
        if (!strstr(flo_context_message(f->context), cases[c].words))
            fail_msg("'%s' does not say '%s'", flo_context_message(f->context),
                     cases[c].words);
    }
}

/* Adds the texts of a list as an attribute `columns`. */
static void name_columns(const fixture *f, hid_t type, hsize_t count, const void *texts)
{
    const hid_t file = H5Fopen(f->path, H5F_ACC_RDWR, H5P_DEFAULT);
    const hid_t dataset = H5Dopen2(file, "df/block0_values", H5P_DEFAULT);
    const hid_t space = H5Screate_simple(1, &count, NULL);
    if (H5Aexists(dataset, "columns") > 0)
        H5Adelete(dataset, "columns");
    const hid_t attribute =
        H5Acreate2(dataset, "columns", type, space, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(attribute, type, texts);
    H5Aclose(attribute);
    H5Sclose(space);
    H5Dclose(dataset);
    H5Fclose(file);
}

static void expect_names(const fixture *f, const char *first, const char *second)
{
    flo_dataset *dataset;
    assert_int_equal(
        flo_dataset_open(f->context, f->path, "df/block0_values", &dataset), FLO_OK);
    assert_false(flo_dataset_describe(dataset)->by_name);
    const char *const found[2] = {flo_dataset_column_name(dataset, 0),
                                  flo_dataset_column_name(dataset, 1)};
    if (first) {
        assert_string_equal(found[0], first);
        assert_string_equal(found[1], second);
    } else
        assert_true(!found[0] && !found[1]);
    flo_dataset_close(&dataset);
}

static void names_beside_the_data_are_found(void **state)
{
    fixture *const f = *state;
    const double values[4] = {1, 2, 3, 4};
    const char *const loose[3] = {"energy", "", "more"};
    scratch_matrix(f->path, "df/block0_values", H5T_IEEE_F32LE, 2, 2, values);
    expect_names(f, NULL, NULL);
    const hid_t file = H5Fopen(f->path, H5F_ACC_RDWR, H5P_DEFAULT);
    const hid_t fixed = text_type(6), variable = text_type(H5T_VARIABLE);
    const hsize_t two = 2;
    H5Tset_strpad(fixed, H5T_STR_NULLPAD);
    scratch_add(file, "df/block0_items", fixed, 1, &two, NULL, fixed,
                "px\0\0\0\0energy");
    H5Fclose(file);
    expect_names(f, "px", "energy");
    name_columns(f, variable, 2, loose); /* an attribute goes before */
    expect_names(f, "energy", "");
    H5Tset_strpad(fixed, H5T_STR_SPACEPAD);
    name_columns(f, fixed, 2, "a     b c   ");
    expect_names(f, "a", "b c");
    name_columns(f, variable, 3, loose); /* not one a column */
    expect_names(f, "px", "energy");
    name_columns(f, H5T_NATIVE_DOUBLE, 2, values);
    expect_names(f, "px", "energy");
    H5Tclose(fixed);
    H5Tclose(variable);
}

static void a_failed_allocation_leaves_nothing(void **state)
{
    fixture *const f = *state;
    write_group(f, ROWS);
    flo_dataset *dataset = NULL;
    flo_status status = FLO_ERROR_MEMORY;
    for (int64_t n = 1; status != FLO_OK && n < 200; ++n) {
        f->context->fail_at = (int64_t)f->context->made + n;
        status = flo_dataset_open(f->context, f->path, "group", &dataset);
        if (status == FLO_OK)
            status = flo_dataset_choose(dataset, COLUMNS, NULL);
        assert_true(status == FLO_OK || status == FLO_ERROR_MEMORY);
        flo_dataset_close(&dataset);
    }
    f->context->fail_at = 0;
    assert_int_equal(status, FLO_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(fields_of_a_table_are_columns),
        FIXTURE_TEST(far_integers_keep_their_digits),
        FIXTURE_TEST(unsigned_integers_and_other_origins),
        FIXTURE_TEST(a_table_with_loose_texts_reads),
        FIXTURE_TEST(data_sets_of_a_group_are_columns),
        FIXTURE_TEST(what_has_no_column_is_refused),
        FIXTURE_TEST(names_beside_the_data_are_found),
        FIXTURE_TEST(a_failed_allocation_leaves_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
