/* Data sets: every type and layout gives the values that were written. */
#include "hdf5/dataset_fixture.h"

#include <math.h>

enum { ROWS = VALUE_ROWS, COLUMNS = VALUE_COLUMNS };

static hid_t half_precision(void)
{
    const hid_t type = H5Tcopy(H5T_IEEE_F32LE);
    H5Tset_fields(type, 15, 10, 5, 0, 10);
    H5Tset_precision(type, 16);
    H5Tset_size(type, 2);
    H5Tset_ebias(type, 15);
    return type;
}

/* A type that only HDF5 converts. */
static hid_t three_bytes(void)
{
    const hid_t type = H5Tcopy(H5T_STD_U32LE);
    H5Tset_size(type, 3);
    return type;
}

static void every_type_and_layout_reads_back(void **state)
{
    fixture *const f = *state;
    const struct {
        hid_t type;
        const char *name;
        bool native;
    } types[] = {{H5T_IEEE_F32LE, "float32", true},   {H5T_IEEE_F64LE, "float64", true},
                 {H5T_STD_I8LE, "int8", true},        {H5T_STD_I16LE, "int16", true},
                 {H5T_STD_I32LE, "int32", true},      {H5T_STD_I64LE, "int64", true},
                 {H5T_STD_U8LE, "uint8", true},       {H5T_STD_U16LE, "uint16", true},
                 {H5T_STD_U32LE, "uint32", true},     {H5T_STD_U64LE, "uint64", true},
                 {H5T_IEEE_F32BE, ">f4", true},       {H5T_IEEE_F64BE, ">f8", true},
                 {H5T_STD_I16BE, ">i2", true},        {H5T_STD_U64BE, ">u8", true},
                 {half_precision(), "float16", true}, {three_bytes(), "uint24", false}};
    static const struct {
        scratch_layout layout;
        const char *text;
        int64_t chunk_rows;
        bool plain;
    } layouts[] = {{{{0}, 0, 0, 0}, "contiguous", 0, true},
                   {{{0}, 0, 0, 512}, "contiguous", 0, true},
                   {{{128, 7}, 0, 0, 0}, "chunked 128 x 7", 128, false},
                   {{{100, 3}, 6, 0, 512}, "chunked 100 x 3, deflate", 100, false}};
    const hsize_t shape[2] = {ROWS, COLUMNS};
    for (size_t t = 0; t < sizeof types / sizeof *types; ++t)
        for (size_t l = 0; l < sizeof layouts / sizeof *layouts; ++l) {
            const hid_t file = scratch_file(f->path, layouts[l].layout.user_block);
            scratch_add(file, "a/b", types[t].type, 2, shape, &layouts[l].layout,
                        H5T_NATIVE_DOUBLE, f->values);
            H5Fclose(file);
            flo_dataset *dataset;
            assert_int_equal(flo_dataset_open(f->context, f->path, "a/b", &dataset),
                             FLO_OK);
            const flo_dataset_info *const info = flo_dataset_describe(dataset);
            assert_string_equal(info->type, types[t].name);
            assert_string_equal(info->layout, layouts[l].text);
            assert_int_equal(info->direct, types[t].native && layouts[l].plain);
            assert_int_equal(info->chunk_rows, layouts[l].chunk_rows);
            assert_int_equal(info->rows, ROWS);
            assert_int_equal(info->columns, COLUMNS);
            assert_int_equal(info->rank, 2);
            assert_true(info->stored_bytes > 0);
            check_rows(f, dataset, COLUMNS);
            flo_dataset_close(&dataset);
            assert_null(dataset);
        }
}

static void every_rank_reads_as_rows(void **state)
{
    fixture *const f = *state;
    const hsize_t flat[1] = {ROWS}, image[4] = {ROWS, 7, 1, 1}, small[1] = {100};
    const scratch_layout chunked = {{1000}, 1, 0, 0}, compact = {{0}, 0, 1, 0};
    const hid_t file = scratch_file(f->path, 0);
    scratch_add(file, "flat", H5T_IEEE_F32LE, 1, flat, NULL, H5T_NATIVE_DOUBLE,
                f->values);
    scratch_add(file, "chunked", H5T_IEEE_F32LE, 1, flat, &chunked, H5T_NATIVE_DOUBLE,
                f->values);
    scratch_add(file, "image", H5T_IEEE_F64LE, 4, image, NULL, H5T_NATIVE_DOUBLE,
                f->values);
    scratch_add(file, "compact", H5T_IEEE_F32LE, 1, small, &compact, H5T_NATIVE_DOUBLE,
                f->values);
    H5Fclose(file);
    static const struct {
        const char *name;
        int64_t columns;
    } sets[] = {{"flat", 1}, {"chunked", 1}, {"/image", 7}};
    flo_dataset *dataset;
    for (size_t i = 0; i < sizeof sets / sizeof *sets; ++i) {
        assert_int_equal(flo_dataset_open(f->context, f->path, sets[i].name, &dataset),
                         FLO_OK);
        assert_int_equal(flo_dataset_describe(dataset)->columns, sets[i].columns);
        check_rows(f, dataset, sets[i].columns);
        flo_dataset_close(&dataset);
    }
    assert_int_equal(flo_dataset_open(f->context, f->path, "compact", &dataset),
                     FLO_OK);
    assert_string_equal(flo_dataset_describe(dataset)->layout, "compact");
    flo_real out[100];
    assert_int_equal(flo_dataset_read(dataset, 0, 100, 1, out), FLO_OK);
    for (int i = 0; i < 100; ++i)
        assert_true((double)out[i] == f->values[i]);
    flo_dataset_close(&dataset);
}

/* The whole range of a type, not only small values; our loops against HDF5's. */
static void extreme_values_agree_with_the_library(void **state)
{
    fixture *const f = *state;
    static const double extremes[8] = {0,        -1,  1e300,  -1e300,
                                       INFINITY, NAN, 0x1p53, 1e-310};
    static const int64_t integers[8] = {INT64_MIN,       INT64_MAX, -1, 0,
                                        (1LL << 53) + 1, 1LL << 62, 3,  -77};
    static const uint64_t naturals[8] = {UINT64_MAX, 1ULL << 63, 0, 1, 2, 3, 4, 5};
    const struct {
        hid_t type;
        const void *values;
    } sets[] = {{H5T_NATIVE_DOUBLE, extremes},
                {H5T_NATIVE_INT64, integers},
                {H5T_NATIVE_UINT64, naturals}};
    const hsize_t shape[1] = {8};
    const scratch_layout chunked = {{8}, 0, 0, 0};
    for (size_t s = 0; s < sizeof sets / sizeof *sets; ++s) {
        const hid_t file = scratch_file(f->path, 0);
        scratch_add(file, "direct", sets[s].type, 1, shape, NULL, sets[s].type,
                    sets[s].values);
        scratch_add(file, "library", sets[s].type, 1, shape, &chunked, sets[s].type,
                    sets[s].values);
        H5Fclose(file);
        flo_real out[2][8];
        static const char *const names[2] = {"direct", "library"};
        for (int i = 0; i < 2; ++i) {
            flo_dataset *dataset;
            assert_int_equal(flo_dataset_open(f->context, f->path, names[i], &dataset),
                             FLO_OK);
            assert_int_equal(flo_dataset_describe(dataset)->direct, i == 0);
            assert_int_equal(flo_dataset_read(dataset, 0, 8, 1, out[i]), FLO_OK);
            flo_dataset_close(&dataset);
        }
        for (int i = 0; i < 8; ++i)
            assert_true(out[0][i] == out[1][i] ||
                        (isnan(out[0][i]) && isnan(out[1][i])));
    }
}

/* The ends of the small integer types, where a wrong sign or width would show. */
static void the_ends_of_integer_types_are_kept(void **state)
{
    fixture *const f = *state;
    const struct {
        hid_t type;
        double low, high;
    } types[] = {{H5T_STD_I8LE, INT8_MIN, INT8_MAX},    {H5T_STD_U8LE, 0, UINT8_MAX},
                 {H5T_STD_I16LE, INT16_MIN, INT16_MAX}, {H5T_STD_U16LE, 0, UINT16_MAX},
                 {H5T_STD_I32LE, INT32_MIN, INT32_MAX}, {H5T_STD_U32LE, 0, UINT32_MAX},
                 {H5T_STD_I16BE, INT16_MIN, INT16_MAX}, {H5T_STD_U16BE, 0, UINT16_MAX}};
    for (size_t t = 0; t < sizeof types / sizeof *types; ++t) {
        const double values[2] = {types[t].low, types[t].high};
        unlink(f->path);
        scratch_matrix(f->path, "x", types[t].type, 1, 2, values);
        flo_dataset *dataset;
        assert_int_equal(flo_dataset_open(f->context, f->path, "x", &dataset), FLO_OK);
        flo_real out[2];
        assert_int_equal(flo_dataset_read(dataset, 0, 1, 2, out), FLO_OK);
        assert_true(out[0] == (flo_real)types[t].low);
        assert_true(out[1] == (flo_real)types[t].high);
        flo_dataset_close(&dataset);
    }
}

/* All 65536 numbers of 16 bits, from their definition, in both byte orders, in rows
   that are dense and in rows that are not. */
static void every_float16_is_exact(void **state)
{
    fixture *const f = *state;
    enum { ALL = 65536 };
    static uint16_t bits[ALL];
    static flo_real out[ALL * 2];
    const hid_t half = half_precision(), other = half_precision();
    H5Tset_order(other, H5T_ORDER_BE);
    const hsize_t shape[2] = {ALL, 1};
    for (int i = 0; i < ALL; ++i)
        bits[i] = (uint16_t)i;
    const hid_t file = scratch_file(f->path, 0);
    scratch_add(file, "half", half, 2, shape, NULL, half, bits);
    scratch_add(file, "other", other, 2, shape, NULL, half, bits);
    H5Fclose(file);
    static const char *const names[2] = {"half", "other"};
    for (int n = 0; n < 2; ++n)
        for (int64_t stride = 1; stride <= 2; ++stride) {
            flo_dataset *dataset;
            assert_int_equal(flo_dataset_open(f->context, f->path, names[n], &dataset),
                             FLO_OK);
            assert_int_equal(flo_dataset_read(dataset, 0, ALL, stride, out), FLO_OK);
            flo_dataset_close(&dataset);
            for (int i = 0; i < ALL; ++i) {
                const int exponent = i >> 10 & 31, mantissa = i & 1023;
                const double magnitude =
                    exponent == 31  ? (mantissa ? (double)NAN : (double)INFINITY)
                    : exponent == 0 ? ldexp(mantissa, -24)
                                    : ldexp(1024 + mantissa, exponent - 25);
                const double found = (double)out[i * stride];
                assert_int_equal(signbit(found) != 0, i >> 15);
                assert_true(fabs(found) == magnitude ||
                            (isnan(found) && isnan(magnitude)));
            }
        }
    H5Tclose(half);
    H5Tclose(other);
}

/* 64-bit integers between two values of flo_real go to the nearer, of two as near to
   the even one. */
static void large_integers_round_to_nearest(void **state)
{
    fixture *const f = *state;
    enum { BITS = sizeof(flo_real) == 4 ? 24 : 53 };
    const uint64_t unit = UINT64_C(1) << (63 - BITS + 1); /* of values above 2^63 */
    const uint64_t base = UINT64_C(1) << 63;
    const uint64_t naturals[6] = {
        base + unit / 2,     base + unit / 2 + 1, base + unit + unit / 2,
        base + unit / 2 - 1, UINT64_MAX,          0};
    const double wanted[6] = {
        0x1p63, 0x1p63 + (double)unit, 0x1p63 + 2 * (double)unit, 0x1p63, 0x1p64, 0};
    int64_t integers[6];
    for (int i = 0; i < 6; ++i)
        integers[i] = -(int64_t)(naturals[i] / 2);
    const hsize_t shape[2] = {6, 1};
    const struct {
        hid_t stored, memory;
        const void *values;
        double scale;
    } sets[] = {{H5T_STD_U64LE, H5T_NATIVE_UINT64, naturals, 1},
                {H5T_STD_U64BE, H5T_NATIVE_UINT64, naturals, 1},
                {H5T_STD_I64LE, H5T_NATIVE_INT64, integers, -0.5},
                {H5T_STD_I64BE, H5T_NATIVE_INT64, integers, -0.5}};
    for (size_t s = 0; s < sizeof sets / sizeof *sets; ++s) {
        const hid_t file = scratch_file(f->path, 0);
        scratch_add(file, "x", sets[s].stored, 2, shape, NULL, sets[s].memory,
                    sets[s].values);
        H5Fclose(file);
        flo_dataset *dataset;
        flo_real out[6];
        assert_int_equal(flo_dataset_open(f->context, f->path, "x", &dataset), FLO_OK);
        assert_int_equal(flo_dataset_read(dataset, 0, 6, 1, out), FLO_OK);
        flo_dataset_close(&dataset);
        /* Half of odd naturals is another number: those ends are left to the others. */
        for (int i = 0; i < 6; ++i)
            if (sets[s].scale > 0 || naturals[i] % 2 == 0)
                assert_true((double)out[i] == sets[s].scale * wanted[i]);
    }
}

static void an_empty_dataset_opens(void **state)
{
    fixture *const f = *state;
    scratch_matrix(f->path, "empty", H5T_IEEE_F32LE, 0, 4, NULL);
    flo_dataset *dataset;
    assert_int_equal(flo_dataset_open(f->context, f->path, "empty", &dataset), FLO_OK);
    assert_int_equal(flo_dataset_describe(dataset)->rows, 0);
    assert_int_equal(flo_dataset_describe(dataset)->columns, 4);
    assert_int_equal(flo_dataset_read(dataset, 0, 0, 4, NULL), FLO_OK);
    flo_dataset_close(&dataset);
}

static void external_files_go_through_the_library(void **state)
{
    fixture *const f = *state;
    const hid_t file = scratch_file(f->path, 0);
    const hsize_t shape[2] = {ROWS, COLUMNS};
    char raw[SCRATCH_PATH];
    snprintf(raw, sizeof raw, "%s/raw.bin", f->folder);
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    const hid_t space = H5Screate_simple(2, shape, NULL);
    H5Pset_external(creation, raw, 0, sizeof f->values);
    const hid_t dataset_id = H5Dcreate2(file, "x", H5T_NATIVE_DOUBLE, space,
                                        H5P_DEFAULT, creation, H5P_DEFAULT);
    H5Dwrite(dataset_id, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, f->values);
    H5Dclose(dataset_id);
    H5Sclose(space);
    H5Pclose(creation);
    H5Fclose(file);
    flo_dataset *dataset;
    assert_int_equal(flo_dataset_open(f->context, f->path, "x", &dataset), FLO_OK);
    assert_false(flo_dataset_describe(dataset)->direct);
    check_rows(f, dataset, COLUMNS);
    flo_dataset_close(&dataset);
}

static void a_failed_allocation_leaves_nothing(void **state)
{
    fixture *const f = *state;
    scratch_matrix(f->path, "x", H5T_IEEE_F64LE, 10, 2, f->values);
    flo_dataset *dataset = NULL;
    flo_status status = FLO_ERROR_MEMORY;
    for (int64_t n = 1; status != FLO_OK && n < 100; ++n) {
        f->context->fail_at = (int64_t)f->context->made + n;
        status = flo_dataset_open(f->context, f->path, "x", &dataset);
        assert_true(status == FLO_OK || status == FLO_ERROR_MEMORY);
        assert_true((status == FLO_OK) == (dataset != NULL));
    }
    f->context->fail_at = 0;
    assert_int_equal(status, FLO_OK);
    flo_dataset_close(&dataset);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(every_type_and_layout_reads_back),
        FIXTURE_TEST(every_rank_reads_as_rows),
        FIXTURE_TEST(extreme_values_agree_with_the_library),
        FIXTURE_TEST(the_ends_of_integer_types_are_kept),
        FIXTURE_TEST(every_float16_is_exact),
        FIXTURE_TEST(large_integers_round_to_nearest),
        FIXTURE_TEST(an_empty_dataset_opens),
        FIXTURE_TEST(external_files_go_through_the_library),
        FIXTURE_TEST(a_failed_allocation_leaves_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
