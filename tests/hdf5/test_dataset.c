/* Data sets: every type and layout gives the values written, or a clear error. */
#include "hdf5/dataset.h"

#include "hdf5/scratch.h"

#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/file.h>
#include <cmocka.h>

enum { ROWS = 3001, COLUMNS = 7 };

typedef struct fixture {
    flo_context *context;
    char folder[SCRATCH_BYTES], path[SCRATCH_PATH];
    double values[ROWS * COLUMNS];
} fixture;

static int set_up(void **state)
{
    fixture *const f = calloc(1, sizeof *f);
    assert_int_equal(flo_context_create(&f->context), FLO_OK);
    scratch_create(f->folder);
    snprintf(f->path, sizeof f->path, "%s/data.h5", f->folder);
    for (int i = 0; i < ROWS * COLUMNS; ++i)
        f->values[i] = i * 37 % 101; /* fits every type */
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *const f = *state;
    const int64_t leaks = flo_context_destroy(&f->context);
    scratch_remove(f->folder);
    free(f);
    assert_int_equal(leaks, 0);
    return 0;
}

/* A failure must have this status and these words in its message. */
static void expect_failure(const fixture *f, flo_status found, flo_status wanted,
                           const char *const *words)
{
    if (found != wanted)
        fail_msg("status %d (%s), wanted %d", found, flo_context_message(f->context),
                 wanted);
    for (; *words; ++words)
        if (!strstr(flo_context_message(f->context), *words))
            fail_msg("'%s' does not say '%s'", flo_context_message(f->context), *words);
}
#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void expect_open_failure(fixture *f, const char *path, const char *name,
                                flo_status wanted, const char *const *words)
{
    flo_dataset *dataset;
    const flo_status status = flo_dataset_open(f->context, path, name, &dataset);
    assert_null(dataset);
    expect_failure(f, status, wanted, words);
}

/* Ranges of rows, with and without room between rows, against the values written. */
static void check_rows(fixture *f, flo_dataset *dataset, int64_t columns)
{
    static const int64_t ranges[][2] = {{0, ROWS},  {0, 1},    {ROWS - 1, 1},
                                        {17, 1500}, {1234, 0}, {1, 2}};
    const int64_t stride = columns + 3;
    flo_real *const out = malloc((size_t)(ROWS * stride) * sizeof *out);
    for (size_t r = 0; r < sizeof ranges / sizeof *ranges; ++r)
        for (int64_t s = columns; s <= stride; s += 3) {
            const int64_t first = ranges[r][0], count = ranges[r][1];
            for (int64_t i = 0; i < ROWS * stride; ++i)
                out[i] = -7;
            assert_int_equal(flo_dataset_read(dataset, first, count, s, out), FLO_OK);
            for (int64_t i = 0; i < count; ++i)
                for (int64_t j = 0; j < s; ++j) {
                    const double wanted =
                        j < columns ? f->values[(first + i) * columns + j] : -7;
                    if ((double)out[i * s + j] != wanted)
                        fail_msg("row %lld column %lld: %g, wanted %g",
                                 (long long)(first + i), (long long)j,
                                 (double)out[i * s + j], wanted);
                }
            assert_true(count == ROWS || out[count * s] == -7);
        }
    free(out);
}

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

static void wrong_files_are_named(void **state)
{
    fixture *const f = *state;
    char path[SCRATCH_PATH];
    snprintf(path, sizeof path, "%s/none.h5", f->folder);
    expect_open_failure(f, path, "x", FLO_ERROR_FILE,
                        WORDS(path, "No such file or directory"));
    assert_false(flo_dataset_exists(path, "x"));
    expect_open_failure(f, f->folder, "x", FLO_ERROR_FILE,
                        WORDS(f->folder, "regular file"));
    FILE *file = fopen(path, "w");
    fclose(file);
    expect_open_failure(f, path, "x", FLO_ERROR_FILE,
                        WORDS(path, "not an HDF5 file", "0 bytes"));
    file = fopen(path, "w");
    fprintf(file, "%5000d", 1);
    fclose(file);
    expect_open_failure(f, path, "x", FLO_ERROR_FILE, WORDS(path, "not an HDF5 file"));
    assert_false(flo_dataset_exists(path, "x"));
    assert_int_equal(flo_dataset_each(f->context, path, NULL, NULL), FLO_ERROR_FILE);
}

static void every_truncation_is_refused(void **state)
{
    fixture *const f = *state;
    scratch_matrix(f->path, "x", H5T_IEEE_F32LE, 500, COLUMNS, f->values);
    const hid_t file = H5Fopen(f->path, H5F_ACC_RDONLY, H5P_DEFAULT);
    hsize_t size;
    H5Fget_filesize(file, &size);
    H5Fclose(file);
    for (int64_t cut = (int64_t)size - 1; cut > 0; cut -= 1 + cut / 7) {
        assert_int_equal(truncate(f->path, cut), 0);
        expect_open_failure(f, f->path, "x", FLO_ERROR_FILE, WORDS(f->path));
    }
}

static void a_file_cut_after_opening_is_named(void **state)
{
    fixture *const f = *state;
    scratch_matrix(f->path, "x", H5T_IEEE_F64LE, ROWS, COLUMNS, f->values);
    flo_dataset *dataset;
    assert_int_equal(flo_dataset_open(f->context, f->path, "x", &dataset), FLO_OK);
    assert_int_equal(truncate(f->path, 20000), 0);
    flo_real out[10 * COLUMNS];
    assert_int_equal(flo_dataset_read(dataset, 0, 10, COLUMNS, out), FLO_OK);
    expect_failure(f, flo_dataset_read(dataset, 2000, 10, COLUMNS, out), FLO_ERROR_FILE,
                   WORDS(f->path, "'x'", "2000", "2009", "cut short"));
    flo_dataset_close(&dataset);
}

static void a_damaged_chunk_is_named(void **state)
{
    fixture *const f = *state;
    const hid_t file = scratch_file(f->path, 0);
    const hsize_t shape[2] = {ROWS, COLUMNS};
    const scratch_layout layout = {{ROWS, COLUMNS}, 9, 0, 0};
    scratch_add(file, "x", H5T_IEEE_F64LE, 2, shape, &layout, H5T_NATIVE_DOUBLE,
                f->values);
    H5Fclose(file);
    flo_dataset *dataset;
    assert_int_equal(flo_dataset_open(f->context, f->path, "x", &dataset), FLO_OK);
    const int descriptor = open(f->path, O_RDWR);
    const off_t end = lseek(descriptor, 0, SEEK_END);
    static const char junk[256] = {1, 2, 3};
    for (off_t at = 2048; at + 256 < end; at += 256)
        assert_int_equal(pwrite(descriptor, junk, sizeof junk, at), sizeof junk);
    close(descriptor);
    flo_real out[COLUMNS];
    expect_failure(f, flo_dataset_read(dataset, 5, 1, COLUMNS, out), FLO_ERROR_FILE,
                   WORDS(f->path, "'x'", "rows 5 to 5", "damaged"));
    flo_dataset_close(&dataset);
}

static void wrong_datasets_are_named(void **state)
{
    fixture *const f = *state;
    const hid_t file = scratch_file(f->path, 512);
    const hsize_t shape[2] = {30, 7}, nine[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
    const hid_t text = H5Tcopy(H5T_C_S1);
    H5Tset_size(text, 4);
    scratch_add(file, "deep/train", H5T_IEEE_F32LE, 2, shape, NULL, H5T_NATIVE_DOUBLE,
                f->values);
    scratch_add(file, "scalar", H5T_IEEE_F32LE, 0, NULL, NULL, H5T_NATIVE_DOUBLE,
                f->values);
    scratch_add(file, "unwritten", H5T_IEEE_F32LE, 2, shape, NULL, H5T_NATIVE_DOUBLE,
                NULL);
    scratch_add(file, "text", text, 2, shape, NULL, text, f->values);
    scratch_add(file, "nine", H5T_IEEE_F32LE, 9, nine, NULL, H5T_NATIVE_DOUBLE,
                f->values);
    H5Tclose(text);
    H5Fclose(file);
    const char *const path = f->path;
    expect_open_failure(f, path, "trian", FLO_ERROR_DATA,
                        WORDS(path, "'trian'", "deep/train [30, 7] float32"));
    expect_open_failure(f, path, "deep", FLO_ERROR_DATA,
                        WORDS(path, "a group", "'deep'", "deep/train"));
    expect_open_failure(f, path, "scalar", FLO_ERROR_DATA,
                        WORDS(path, "'scalar'", "rank 0"));
    expect_open_failure(f, path, "text", FLO_ERROR_DATA,
                        WORDS(path, "'text'", "string", "wanted"));
    expect_open_failure(f, path, "nine", FLO_ERROR_DATA, WORDS(path, "'nine'", "rank"));
    /* Behind a user block its offset looks valid. */
    expect_open_failure(f, path, "unwritten", FLO_ERROR_DATA,
                        WORDS(path, "'unwritten'", "never written"));
    assert_true(flo_dataset_exists(path, "deep/train"));
    assert_true(flo_dataset_exists(path, "deep"));
    assert_false(flo_dataset_exists(path, "trian"));
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

/* A virtual data set of ROWS rows of which `mapped` come from the source, there from
   row `first` on. part.h5 holds `kept` rows: the values from row `first` on are ours.
 */
static void write_virtual(const fixture *f, const char *source, hsize_t first,
                          hsize_t mapped, hsize_t kept)
{
    char part[SCRATCH_PATH];
    snprintf(part, sizeof part, "%s/part.h5", f->folder);
    unlink(part);
    double *const values = calloc((first + ROWS) * COLUMNS, sizeof *values);
    memcpy(values + first * COLUMNS, f->values, sizeof f->values);
    scratch_matrix(part, "x", H5T_IEEE_F64LE, (int64_t)kept, COLUMNS, values);
    free(values);
    const hid_t file = scratch_file(f->path, 0);
    const hsize_t shape[2] = {ROWS, COLUMNS}, some[2] = {mapped, COLUMNS};
    const hsize_t start[2] = {0, 0}, from[2] = {first, 0};
    const hsize_t extent[2] = {first + mapped, COLUMNS};
    const hid_t space = H5Screate_simple(2, shape, NULL);
    const hid_t whole = H5Screate_simple(2, extent, NULL);
    if (first)
        H5Sselect_hyperslab(whole, H5S_SELECT_SET, from, NULL, some, NULL);
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, some, NULL);
    H5Pset_virtual(creation, space, source, "x", whole);
    const hid_t dataset = H5Dcreate2(file, "v", H5T_NATIVE_DOUBLE, space, H5P_DEFAULT,
                                     creation, H5P_DEFAULT);
    H5Dclose(dataset);
    H5Pclose(creation);
    H5Sclose(whole);
    H5Sclose(space);
    H5Fclose(file);
}

static void virtual_sources_must_be_there(void **state)
{
    fixture *const f = *state;
    for (hsize_t first = 0; first < 4; first += 3) {
        flo_dataset *dataset;
        write_virtual(f, "part.h5", first, ROWS, first + ROWS); /* beside the file */
        expect_failure(f, flo_dataset_open(f->context, f->path, "v", &dataset), FLO_OK,
                       WORDS(""));
        assert_string_equal(flo_dataset_describe(dataset)->layout, "virtual");
        assert_false(flo_dataset_describe(dataset)->direct);
        check_rows(f, dataset, COLUMNS);
        flo_dataset_close(&dataset);
        write_virtual(f, "part.h5", first, ROWS, first + ROWS - 1);
        expect_open_failure(f, f->path, "v", FLO_ERROR_DATA,
                            WORDS(f->path, "part.h5", "another size"));
    }
    write_virtual(f, "gone.h5", 0, ROWS, ROWS);
    expect_open_failure(f, f->path, "v", FLO_ERROR_DATA,
                        WORDS(f->path, "'v'", "gone.h5", "cannot be opened"));
    write_virtual(f, "part.h5", 0, ROWS - 1, ROWS - 1);
    expect_open_failure(f, f->path, "v", FLO_ERROR_DATA,
                        WORDS(f->path, "'v'", "21000", "21007"));
}

/* A source that HDF5 itself has open, through a virtual data set that was read, opens
   again; the other way round HDF5 would give fill values, so it is refused. */
static void a_virtual_source_can_be_read_beside(void **state)
{
    fixture *const f = *state;
    char part[SCRATCH_PATH];
    snprintf(part, sizeof part, "%s/part.h5", f->folder);
    write_virtual(f, "part.h5", 0, ROWS, ROWS);
    const scratch_layout chunked = {{100, COLUMNS}, 0, 0, 0};
    const hsize_t shape[2] = {ROWS, COLUMNS};
    const hid_t file = scratch_file(part, 0);
    scratch_add(file, "x", H5T_IEEE_F64LE, 2, shape, &chunked, H5T_NATIVE_DOUBLE,
                f->values);
    H5Fclose(file);
    flo_dataset *whole, *again, *source;
    assert_int_equal(flo_dataset_open(f->context, f->path, "v", &whole), FLO_OK);
    check_rows(f, whole, COLUMNS);
    assert_int_equal(flo_dataset_open(f->context, f->path, "v", &again), FLO_OK);
    assert_int_equal(flo_dataset_open(f->context, part, "x", &source), FLO_OK);
    check_rows(f, source, COLUMNS);
    check_rows(f, again, COLUMNS);
    flo_dataset_close(&whole);
    flo_dataset_close(&again);
    const flo_status status = flo_dataset_open(f->context, f->path, "v", &whole);
    if (status == FLO_OK) /* an HDF5 that opens sources as we do */
        check_rows(f, whole, COLUMNS);
    else
        expect_failure(f, status, FLO_ERROR_DATA, WORDS("part.h5", "by itself"));
    flo_dataset_close(&whole);
    flo_dataset_close(&source);
}

/* Sources part-0.h5, part-1.h5 .. as many as there are: how many is nobody's promise.
 */
static void virtual_sources_that_grow_are_refused(void **state)
{
    fixture *const f = *state;
    const hid_t file = scratch_file(f->path, 0);
    const hsize_t shape[2] = {0, 3}, most[2] = {H5S_UNLIMITED, 3}, one[2] = {1, 3};
    const hsize_t start[2] = {0, 0}, stride[2] = {1, 3}, count[2] = {H5S_UNLIMITED, 1};
    const hid_t space = H5Screate_simple(2, shape, most);
    const hid_t part = H5Screate_simple(2, one, NULL);
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Sselect_hyperslab(space, H5S_SELECT_SET, start, stride, count, one);
    H5Pset_virtual(creation, space, "part-%b.h5", "x", part);
    H5Dclose(H5Dcreate2(file, "v", H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, creation,
                        H5P_DEFAULT));
    H5Pclose(creation);
    H5Sclose(part);
    H5Sclose(space);
    H5Fclose(file);
    expect_open_failure(f, f->path, "v", FLO_ERROR_DATA, WORDS("'v'", "may grow"));
}

/* As a writer of HDF5 holds it: an exclusive lock of another open file. */
static void a_file_being_written_is_refused(void **state)
{
    fixture *const f = *state;
    scratch_matrix(f->path, "x", H5T_IEEE_F64LE, 10, COLUMNS, f->values);
    const int writer = open(f->path, O_RDONLY);
    assert_int_equal(flock(writer, LOCK_EX | LOCK_NB), 0);
    unsetenv("HDF5_USE_FILE_LOCKING");
    expect_open_failure(f, f->path, "x", FLO_ERROR_FILE,
                        WORDS(f->path, "another program", "HDF5_USE_FILE_LOCKING"));
    flo_dataset *dataset;
    static const char *const off[2] = {"FALSE", "0"};
    for (int i = 0; i < 2; ++i) {
        setenv("HDF5_USE_FILE_LOCKING", off[i], 1);
        assert_int_equal(flo_dataset_open(f->context, f->path, "x", &dataset), FLO_OK);
        flo_dataset_close(&dataset);
    }
    unsetenv("HDF5_USE_FILE_LOCKING");
    /* Other readers are welcome, and we are no hindrance to a writer. */
    assert_int_equal(flock(writer, LOCK_SH | LOCK_NB), 0);
    assert_int_equal(flo_dataset_open(f->context, f->path, "x", &dataset), FLO_OK);
    assert_int_equal(flock(writer, LOCK_EX | LOCK_NB), 0);
    flo_dataset_close(&dataset);
    close(writer);
}

typedef struct names {
    char text[400];
} names;

static void note_name(const char *name, const flo_dataset_info *info, void *argument)
{
    names *const seen = argument;
    const size_t used = strlen(seen->text);
    snprintf(seen->text + used, sizeof seen->text - used, "%s:%s:%d ", name, info->type,
             info->rank);
}

static void numeric_datasets_are_visited_by_name(void **state)
{
    fixture *const f = *state;
    const hid_t file = scratch_file(f->path, 0);
    const hsize_t shape[2] = {3, 4};
    scratch_add(file, "train", H5T_IEEE_F32LE, 2, shape, NULL, H5T_NATIVE_DOUBLE,
                f->values);
    scratch_add(file, "a/inner", H5T_STD_U8LE, 1, shape, NULL, H5T_NATIVE_DOUBLE,
                f->values);
    scratch_add(file, "scalar", H5T_STD_U8LE, 0, NULL, NULL, H5T_NATIVE_DOUBLE,
                f->values);
    scratch_add(file, "b", H5T_IEEE_F64BE, 2, shape, NULL, H5T_NATIVE_DOUBLE,
                f->values);
    H5Fclose(file);
    names seen = {""};
    assert_int_equal(flo_dataset_each(f->context, f->path, note_name, &seen), FLO_OK);
    assert_string_equal(seen.text, "a/inner:uint8:1 b:>f8:2 train:float32:2 ");
}

/* Many names do not overflow the message. */
static void a_long_list_is_cut(void **state)
{
    fixture *const f = *state;
    const hid_t file = scratch_file(f->path, 0);
    const hsize_t shape[2] = {3, 4};
    for (int i = 0; i < 300; ++i) {
        char name[64];
        snprintf(name, sizeof name, "a_rather_long_name_of_a_data_set_%03d", i);
        scratch_add(file, name, H5T_STD_U8LE, 2, shape, NULL, H5T_NATIVE_DOUBLE,
                    f->values);
    }
    H5Fclose(file);
    expect_open_failure(f, f->path, "x", FLO_ERROR_DATA,
                        WORDS("data_set_000", " more"));
}

/* HDF5 prints nothing on failures, and prints again for the program afterwards. */
static void hdf5_stays_silent(void **state)
{
    fixture *const f = *state;
    char log[SCRATCH_PATH];
    snprintf(log, sizeof log, "%s/stderr", f->folder);
    scratch_matrix(f->path, "x", H5T_IEEE_F32LE, 10, 2, f->values);
    fflush(stderr);
    const int kept = dup(2), file = open(log, O_RDWR | O_CREAT | O_TRUNC, 0600);
    dup2(file, 2);
    flo_dataset *dataset;
    const flo_status status = flo_dataset_open(f->context, f->path, "y", &dataset);
    flo_dataset_exists(f->path, "a/b/c");
    truncate(f->path, 1000);
    const flo_status second = flo_dataset_open(f->context, f->path, "x", &dataset);
    flo_dataset_exists(f->path, "x");
    fflush(stderr);
    const off_t ours = lseek(file, 0, SEEK_END);
    H5Fopen(f->path, H5F_ACC_RDONLY, H5P_DEFAULT);
    fflush(stderr);
    const off_t theirs = lseek(file, 0, SEEK_END);
    dup2(kept, 2);
    close(kept);
    close(file);
    assert_int_equal(status, FLO_ERROR_DATA);
    assert_int_equal(second, FLO_ERROR_FILE);
    assert_int_equal(ours, 0);
    assert_true(theirs > 0);
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

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(every_type_and_layout_reads_back),
                                       TEST(every_rank_reads_as_rows),
                                       TEST(extreme_values_agree_with_the_library),
                                       TEST(the_ends_of_integer_types_are_kept),
                                       TEST(every_float16_is_exact),
                                       TEST(large_integers_round_to_nearest),
                                       TEST(wrong_files_are_named),
                                       TEST(every_truncation_is_refused),
                                       TEST(a_file_cut_after_opening_is_named),
                                       TEST(a_damaged_chunk_is_named),
                                       TEST(wrong_datasets_are_named),
                                       TEST(an_empty_dataset_opens),
                                       TEST(external_files_go_through_the_library),
                                       TEST(virtual_sources_must_be_there),
                                       TEST(a_virtual_source_can_be_read_beside),
                                       TEST(virtual_sources_that_grow_are_refused),
                                       TEST(a_file_being_written_is_refused),
                                       TEST(numeric_datasets_are_visited_by_name),
                                       TEST(a_long_list_is_cut),
                                       TEST(hdf5_stays_silent),
                                       TEST(a_failed_allocation_leaves_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
