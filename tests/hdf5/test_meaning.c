/* What attributes of netCDF and CF say of stored numbers: missing, packed, out of
 * range.
 */
#include "hdf5/dataset_fixture.h"

#include <math.h>

/* An attribute of one number, or of an array of `count`. */
typedef struct attribute {
    const char *name;
    int type; /* of types[] */
    int count;
    double value[3];
} attribute;

enum { I8, I16, I32, I64, U8, F32, F64, BE16, TYPES };

static hid_t type_of(int type)
{
    const hid_t types[TYPES] = {H5T_STD_I8LE,   H5T_STD_I16LE, H5T_STD_I32LE,
                                H5T_STD_I64LE,  H5T_STD_U8LE,  H5T_IEEE_F32LE,
                                H5T_IEEE_F64LE, H5T_STD_I16BE};
    return types[type];
}

static void add_attribute(hid_t dataset, const attribute *a)
{
    const hsize_t count = (hsize_t)a->count;
    const hid_t space =
        a->count ? H5Screate_simple(1, &count, NULL) : H5Screate(H5S_SCALAR);
    const hid_t made =
        H5Acreate2(dataset, a->name, type_of(a->type), space, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5Awrite(made, H5T_NATIVE_DOUBLE, a->value) >= 0);
    H5Aclose(made);
    H5Sclose(space);
}

static void add_text(hid_t dataset, const char *name, const char *text, bool variable)
{
    const hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
    H5Tset_size(type, variable ? H5T_VARIABLE : strlen(text));
    const hid_t made = H5Acreate2(dataset, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5Awrite(made, type, variable ? (const void *)&text : text) >= 0);
    H5Aclose(made);
    H5Sclose(space);
    H5Tclose(type);
}

enum { N = 5 };

typedef struct example {
    int type;
    double stored[N];
    attribute attribute[3];
    bool is_unsigned;
    double wanted[N];
    const char *meaning;
} example;

static const example examples[] = {
    {F32, {1, 2, 3, 4, 5}, {{0}}, false, {1, 2, 3, 4, 5}, ""},
    {I16,
     {-32768, 0, 1000, -5000, 23758},
     {{"_FillValue", I16, 1, {-32768}},
      {"scale_factor", F64, 0, {0.001}},
      {"add_offset", F64, 1, {10}}},
     false,
     {NAN, 10, 11, 5, 33.758},
     "-32768 is missing, times 0.001, plus 10"},
    {BE16,
     {7, -1, 3, 2, 1},
     {{"missing_value", I32, 2, {7, -1}}, {"scale_factor", F32, 0, {0.5}}},
     false,
     {NAN, NAN, 1.5, 1, 0.5},
     "7 is missing, -1 is missing, times 0.5"},
    /* Attributes of another type than the data: compared as the data are stored. */
    {F32,
     {1e20, 1, 1e19, -999.9, 0},
     {{"_FillValue", F64, 0, {1e20}}, {"missing_value", F64, 1, {-999.9}}},
     false,
     {NAN, 1, 1e19, NAN, 0},
     "1e+20 is missing, -999.9 is missing"},
    {F64,
     {1e20, 1, 9.96920996838687e36, 4, (double)1e20f},
     {{"_FillValue", F32, 0, {1e20}}},
     false,
     {NAN, 1, 9.96920996838687e36, 4, NAN},
     NULL},
    /* No number of this type: nothing is missing. */
    {I8,
     {1, 2, 3, 4, -128},
     {{"_FillValue", F64, 0, {1e20}}},
     false,
     {1, 2, 3, 4, -128},
     ""},
    {U8,
     {0, 255, 3, 4, 5},
     {{"_FillValue", F64, 0, {NAN}}},
     false,
     {0, 255, 3, 4, 5},
     ""},
    {I64,
     {-9223372036854775807.0, 1, 2, 3, 1700000000},
     {{"_FillValue", I64, 0, {-9223372036854775807.0}}},
     false,
     {NAN, 1, 2, 3, 1700000000},
     NULL},
    /* Limits: of stored numbers; floating point ones over packed integers of others. */
    {I16,
     {-1, 0, 50, 100, 101},
     {{"valid_range", I16, 2, {0, 100}}, {"scale_factor", F64, 0, {0.5}}},
     false,
     {NAN, 0, 25, 50, NAN},
     "below 0 is missing, above 100 is missing, times 0.5"},
    {I16,
     {-2, 0, 50, 100, 102},
     {{"valid_min", F32, 0, {0}},
      {"valid_max", F32, 0, {50}},
      {"scale_factor", F64, 0, {0.5}}},
     false,
     {NAN, 0, 25, 50, NAN},
     NULL},
    {F32,
     {-1, 0, NAN, 3, INFINITY},
     {{"valid_min", F64, 0, {0}}},
     false,
     {NAN, 0, NAN, 3, INFINITY},
     "below 0 is missing"},
    {I16,
     {-2, 0, 1, 3, -4},
     {{"valid_min", F32, 0, {-1}},
      {"valid_max", I16, 0, {1}},
      {"scale_factor", F64, 0, {0.5}}},
     false,
     {-1, 0, 0.5, NAN, NAN},
     NULL},
    /* Unsigned numbers in a signed type; its attributes are of the signed one. */
    {I8,
     {-1, -2, 3, 127, -128},
     {{"_FillValue", I8, 0, {-1}}, {"scale_factor", F32, 0, {2}}},
     true,
     {NAN, 508, 6, 254, 256},
     "unsigned, 255 is missing, times 2"},
    {I16, {-1, -2, 3, 4, 5}, {{0}}, true, {65535, 65534, 3, 4, 5}, "unsigned"},
};

/* The numbers, as a matrix of two equal columns and one more row of their own. */
static void write_example(fixture *f, const example *e, const scratch_layout *layout)
{
    const hsize_t shape[2] = {N, 2};
    double values[2 * N];
    for (int i = 0; i < 2 * N; ++i)
        values[i] = e->stored[i / 2];
    const hid_t file = scratch_file(f->path, 0);
    scratch_add(file, "x", type_of(e->type), 2, shape, layout, H5T_NATIVE_DOUBLE,
                values);
    const hid_t dataset = H5Dopen2(file, "x", H5P_DEFAULT);
    for (int a = 0; a < 3 && e->attribute[a].name; ++a)
        add_attribute(dataset, &e->attribute[a]);
    if (e->is_unsigned)
        add_text(dataset, "_Unsigned", "true", e->type == I8);
    H5Dclose(dataset);
    H5Fclose(file);
}

/* As flo_real has it, but for what unpacking or a stored float rounds. */
static bool is_same(double found, double wanted)
{
    if (isnan(wanted))
        return isnan(found);
    return (flo_real)found == (flo_real)wanted ||
           fabs(found - wanted) <= 1e-7 * fabs(wanted);
}

static void check_example(fixture *f, const example *e)
{
    static const int64_t one[1] = {1};
    flo_dataset *dataset;
    flo_real found[2 * N];
    double wide[2 * N];
    if (flo_dataset_open(f->context, f->path, "x", &dataset) != FLO_OK)
        fail_msg("%s", flo_context_message(f->context));
    if (e->meaning)
        assert_string_equal(flo_dataset_describe(dataset)->meaning, e->meaning);
    for (int64_t columns = 2; columns > 0; --columns) {
        if (columns == 1)
            assert_int_equal(flo_dataset_choose(dataset, 1, one), FLO_OK);
        assert_int_equal(flo_dataset_read(dataset, 0, N, columns, found), FLO_OK);
        assert_int_equal(flo_dataset_read_wide(dataset, 0, N, columns, wide), FLO_OK);
        for (int64_t i = 0; i < N * columns; ++i)
            if (!is_same((double)found[i], e->wanted[i / columns]) ||
                !is_same(wide[i], e->wanted[i / columns]))
                fail_msg("example %d, number %d: %.9g and %.9g, wanted %.9g",
                         (int)(e - examples), (int)(i / columns), (double)found[i],
                         wide[i], e->wanted[i / columns]);
    }
    flo_dataset_close(&dataset);
}

static void attributes_are_honoured(void **state)
{
    static const scratch_layout layouts[] = {{{0}, 0, 0, 0}, {{2, 1}, 1, 0, 0}};
    for (size_t i = 0; i < sizeof examples / sizeof *examples; ++i)
        for (int l = 0; l < 2; ++l) {
            write_example(*state, &examples[i], &layouts[l]);
            check_example(*state, &examples[i]);
        }
}

/* (value - origin) * factor is of what a number stands for. */
static void a_shift_comes_behind_the_unpacking(void **state)
{
    fixture *const f = *state;
    static const double origin[2] = {10, 0}, factor[2] = {100, 1};
    flo_dataset *dataset;
    flo_real found[2 * N];
    write_example(f, &examples[1], NULL);
    assert_int_equal(flo_dataset_open(f->context, f->path, "x", &dataset), FLO_OK);
    flo_dataset_shift(dataset, origin, factor);
    assert_int_equal(flo_dataset_choose(dataset, 2, NULL), FLO_OK);
    assert_int_equal(flo_dataset_read(dataset, 0, N, 2, found), FLO_OK);
    for (int i = 0; i < N; ++i) {
        const double wanted = examples[1].wanted[i];
        assert_true(is_same((double)found[2 * i], (wanted - 10) * 100) ||
                    fabs((double)found[2 * i] - (wanted - 10) * 100) < 1e-4);
        assert_true(is_same((double)found[2 * i + 1], wanted));
    }
    flo_dataset_close(&dataset);
}

/* Columns of a group: each by its own attributes. netCDF's dimensions are none. */
static void members_of_a_group_have_their_own(void **state)
{
    fixture *const f = *state;
    static const double values[3][3] = {{1, 2, 3}, {1, 2, 3}, {1, 2, 3}};
    static const char *const names[] = {"a", "b", "dim"};
    const hsize_t shape[1] = {3};
    const attribute fill = {"_FillValue", F32, 0, {2}};
    const hid_t file = scratch_file(f->path, 0);
    for (int i = 0; i < 3; ++i)
        scratch_add(file, names[i], H5T_IEEE_F32LE, 1, shape, NULL, H5T_NATIVE_DOUBLE,
                    i < 2 ? values[i] : NULL);
    hid_t dataset = H5Dopen2(file, "b", H5P_DEFAULT);
    add_attribute(dataset, &fill);
    H5Dclose(dataset);
    dataset = H5Dopen2(file, "dim", H5P_DEFAULT);
    add_text(dataset, "NAME",
             "This is a netCDF dimension but not a netCDF variable.         3", false);
    H5Dclose(dataset);
    H5Fclose(file);
    flo_dataset *group;
    flo_real found[6];
    assert_int_equal(flo_dataset_open(f->context, f->path, "/", &group), FLO_OK);
    assert_int_equal(flo_dataset_describe(group)->columns, 2);
    assert_int_equal(flo_dataset_choose(group, 2, NULL), FLO_OK);
    assert_string_equal(flo_dataset_describe(group)->meaning, "b: 2 is missing");
    assert_int_equal(flo_dataset_read(group, 0, 3, 2, found), FLO_OK);
    for (int i = 0; i < 3; ++i) {
        assert_true(found[2 * i] == (flo_real)(i + 1));
        assert_true(is_same((double)found[2 * i + 1], i == 1 ? (double)NAN : i + 1));
    }
    flo_dataset_close(&group);
}

/* A compound: its attributes are compounds of the same fields, or numbers for all. */
static void fields_of_a_compound_have_their_own(void **state)
{
    fixture *const f = *state;
    typedef struct record {
        double a;
        float b;
    } record;
    static const record rows[3] = {{1, 1}, {-9, -9}, {-8, -8}}, fill = {-9, -8};
    const hsize_t shape[1] = {3};
    const hid_t type = H5Tcreate(H5T_COMPOUND, sizeof(record));
    H5Tinsert(type, "a", HOFFSET(record, a), H5T_NATIVE_DOUBLE);
    H5Tinsert(type, "b", HOFFSET(record, b), H5T_NATIVE_FLOAT);
    const hid_t file = scratch_file(f->path, 0), space = H5Screate(H5S_SCALAR);
    scratch_add(file, "t", type, 1, shape, NULL, type, rows);
    const hid_t dataset = H5Dopen2(file, "t", H5P_DEFAULT);
    const hid_t made =
        H5Acreate2(dataset, "_FillValue", type, space, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(made, type, &fill);
    H5Aclose(made);
    H5Sclose(space);
    H5Tclose(type);
    H5Dclose(dataset);
    H5Fclose(file);
    flo_dataset *table;
    flo_real found[6];
    static const double wanted[6] = {1, 1, NAN, -9, -8, NAN};
    assert_int_equal(flo_dataset_open(f->context, f->path, "t", &table), FLO_OK);
    assert_int_equal(flo_dataset_read(table, 0, 3, 2, found), FLO_OK);
    for (int i = 0; i < 6; ++i)
        assert_true(is_same((double)found[i], wanted[i]));
    flo_dataset_close(&table);
}

/* astropy keeps masks beside masked columns, as truth values; pandas' times are whole
   numbers, of which the least is no time. With a text of any length beside them, HDF5
   gives records of our making. */
static void masks_and_times_of_tables(void **state)
{
    fixture *const f = *state;
    typedef struct record {
        float a, b[2];
        int64_t time;
        int8_t mask, masks[2];
        const char *text;
    } record;
    static const record rows[3] = {{1, {2, 3}, INT64_MIN, 0, {0, 1}, "x"},
                                   {4, {5, 6}, -5, 1, {1, 0}, "y"},
                                   {7, {8, 9}, 3, 0, {0, 0}, "z"}};
    static const double wanted[12] = {1, 2, NAN, NAN, NAN, NAN, 6, -5, 7, 8, 9, 3};
    const hsize_t shape[1] = {3}, two[1] = {2};
    const int8_t no = 0, yes = 1;
    const hid_t truth = H5Tenum_create(H5T_NATIVE_INT8);
    H5Tenum_insert(truth, "FALSE", &no);
    H5Tenum_insert(truth, "TRUE", &yes);
    for (int with_text = 0; with_text < 2; ++with_text) {
        const hid_t type = H5Tcreate(H5T_COMPOUND, sizeof(record));
        const hid_t pair = H5Tarray_create2(H5T_NATIVE_FLOAT, 1, two);
        const hid_t truths = H5Tarray_create2(truth, 1, two), text = H5Tcopy(H5T_C_S1);
        H5Tset_size(text, H5T_VARIABLE);
        H5Tinsert(type, "a", HOFFSET(record, a), H5T_NATIVE_FLOAT);
        H5Tinsert(type, "b", HOFFSET(record, b), pair);
        H5Tinsert(type, "time", HOFFSET(record, time), H5T_NATIVE_INT64);
        H5Tinsert(type, "a.mask", HOFFSET(record, mask), truth);
        H5Tinsert(type, "b.mask", HOFFSET(record, masks), truths);
        if (with_text)
            H5Tinsert(type, "text", HOFFSET(record, text), text);
        const hid_t file = scratch_file(f->path, 0);
        scratch_add(file, "t", type, 1, shape, NULL, type, rows);
        const hid_t dataset = H5Dopen2(file, "t", H5P_DEFAULT);
        add_text(dataset, "time_dtype", "datetime64[ns]", false);
        H5Dclose(dataset);
        H5Fclose(file);
        H5Tclose(type);
        H5Tclose(pair);
        H5Tclose(truths);
        H5Tclose(text);
        flo_dataset *table;
        flo_real found[12];
        double wide[12];
        assert_int_equal(flo_dataset_open(f->context, f->path, "t", &table), FLO_OK);
        assert_int_equal(flo_dataset_describe(table)->columns, 4);
        assert_non_null(
            strstr(flo_dataset_describe(table)->meaning, "missing where a.mask says"));
        assert_int_equal(flo_dataset_read(table, 0, 3, 4, found), FLO_OK);
        assert_int_equal(flo_dataset_read_wide(table, 0, 3, 4, wide), FLO_OK);
        for (int i = 0; i < 12; ++i)
            assert_true(is_same((double)found[i], wanted[i]) &&
                        is_same(wide[i], wanted[i]));
        static const int64_t last[1] = {2};
        assert_int_equal(flo_dataset_choose(table, 1, last), FLO_OK);
        assert_int_equal(flo_dataset_read(table, 0, 3, 1, found), FLO_OK);
        for (int i = 0; i < 3; ++i)
            assert_true(is_same((double)found[i], wanted[4 * i + 2]));
        flo_dataset_close(&table);
    }
    H5Tclose(truth);
}

/* netCDF fills what was never written with numbers of its own, without an attribute;
   any other fill value of HDF5 may be data. */
static void netcdf_fills_are_missing(void **state)
{
    fixture *const f = *state;
    static const struct {
        int type;
        double fill;
        bool missing;
    } cases[] = {{F32, 9.9692099683868690e+36, true},
                 {F64, 9.9692099683868690e+36, true},
                 {I16, -32767, true},
                 {I32, -2147483647, true},
                 {I64, -9223372036854775806.0, true},
                 {I8, -127, false},
                 {F32, -1, false},
                 {I32, 0, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        const hsize_t shape[1] = {2};
        const double values[2] = {cases[i].fill, 5};
        const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
        H5Pset_fill_value(creation, H5T_NATIVE_DOUBLE, &cases[i].fill);
        const hid_t file = scratch_file(f->path, 0);
        const hid_t space = H5Screate_simple(1, shape, NULL);
        const hid_t dataset = H5Dcreate2(file, "x", type_of(cases[i].type), space,
                                         H5P_DEFAULT, creation, H5P_DEFAULT);
        H5Dwrite(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
        H5Dclose(dataset);
        H5Sclose(space);
        H5Fclose(file);
        H5Pclose(creation);
        flo_dataset *opened;
        flo_real found[2];
        assert_int_equal(flo_dataset_open(f->context, f->path, "x", &opened), FLO_OK);
        assert_int_equal(flo_dataset_read(opened, 0, 2, 1, found), FLO_OK);
        assert_true(is_same((double)found[0], cases[i].missing ? NAN : cases[i].fill));
        assert_true(found[1] == 5);
        flo_dataset_close(&opened);
    }
}

/* Rows [0, 4) of 10 x 3 x 2 elements by chunks of 2 x 2 x 2, but not of the last plane:
   HDF5 gives its fill value for all others. */
static void chunks_never_written_are_missing(void **state)
{
    fixture *const f = *state;
    const hsize_t shape[3] = {10, 3, 2}, chunk[3] = {2, 2, 2}, part[3] = {4, 2, 2};
    const hsize_t none[3] = {0};
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    const hid_t space = H5Screate_simple(3, shape, NULL);
    const hid_t memory = H5Screate_simple(3, part, NULL);
    static const double fill = -5;
    H5Pset_chunk(creation, 3, chunk);
    H5Pset_fill_value(creation, H5T_NATIVE_DOUBLE, &fill);
    const hid_t file = scratch_file(f->path, 0);
    const hid_t dataset =
        H5Dcreate2(file, "x", H5T_STD_I16LE, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    H5Sselect_hyperslab(space, H5S_SELECT_SET, none, NULL, part, NULL);
    H5Dwrite(dataset, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, f->values);
    H5Dclose(dataset);
    H5Sclose(memory);
    H5Sclose(space);
    H5Pclose(creation);
    H5Fclose(file);
    flo_dataset *opened;
    flo_real found[60];
    double wide[60];
    static const int64_t some[3] = {5, 1, 2};
    assert_int_equal(flo_dataset_open(f->context, f->path, "x", &opened), FLO_OK);
    assert_non_null(strstr(flo_dataset_describe(opened)->meaning,
                           "what nobody wrote is -5, HDF5's fill value of it, 10 of 10 "
                           "rows lie in chunks that were never written"));
    for (int64_t columns = 6; columns >= 3; columns -= 3) {
        if (columns == 3)
            assert_int_equal(flo_dataset_choose(opened, 3, some), FLO_OK);
        assert_int_equal(flo_dataset_read(opened, 1, 9, columns, found), FLO_OK);
        assert_int_equal(flo_dataset_read_wide(opened, 1, 9, columns, wide), FLO_OK);
        for (int64_t i = 0; i < 9 * columns; ++i) {
            const int64_t row = 1 + i / columns;
            const int64_t c = columns == 3 ? some[i % 3] : i % 6;
            const double wanted =
                row < 4 && c < 4 ? f->values[row * 4 + c] : (double)NAN;
            assert_true(is_same((double)found[i], wanted) && is_same(wide[i], wanted));
        }
    }
    flo_dataset_close(&opened);
}

static void attributes_without_sense_are_refused(void **state)
{
    fixture *const f = *state;
    static const struct {
        attribute attribute;
        const char *word;
    } cases[] = {{{"scale_factor", F64, 2, {1, 2}}, "of 2 numbers"},
                 {{"scale_factor", F64, 0, {0}}, "0 or not finite"},
                 {{"add_offset", F64, 0, {NAN}}, "not finite"},
                 {{"valid_range", F32, 2, {3, 2}}, "leaves no number"},
                 {{"valid_range", F32, 1, {3}}, "of one number"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        example wrong = examples[0];
        wrong.attribute[0] = cases[i].attribute;
        write_example(f, &wrong, NULL);
        expect_open_failure(f, f->path, "x", FLO_ERROR_DATA,
                            WORDS("'x'", cases[i].attribute.name, cases[i].word));
    }
    write_example(f, &examples[0], NULL);
    const hid_t file = H5Fopen(f->path, H5F_ACC_RDWR, H5P_DEFAULT);
    const hid_t dataset = H5Dopen2(file, "x", H5P_DEFAULT);
    add_text(dataset, "_FillValue", "3", false); /* a number all the same */
    add_text(dataset, "missing_value", "n/a", true);
    H5Dclose(dataset);
    H5Fclose(file);
    expect_open_failure(f, f->path, "x", FLO_ERROR_DATA,
                        WORDS("'x'", "missing_value", "no number", "del file["));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(attributes_are_honoured),
        FIXTURE_TEST(a_shift_comes_behind_the_unpacking),
        FIXTURE_TEST(members_of_a_group_have_their_own),
        FIXTURE_TEST(fields_of_a_compound_have_their_own),
        FIXTURE_TEST(masks_and_times_of_tables),
        FIXTURE_TEST(netcdf_fills_are_missing),
        FIXTURE_TEST(chunks_never_written_are_missing),
        FIXTURE_TEST(attributes_without_sense_are_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
