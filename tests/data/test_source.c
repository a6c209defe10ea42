/* Sources: rows of many files are the rows of one; few files are open; what differs or
   changes is named by file. */
#include "data/source.h"

#include "data/example.h"
#include "data/files.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <sys/stat.h>

/* Where a sanitizer makes opening slow, fewer reads open and close all shards, too. */
#ifdef __SANITIZE_ADDRESS__
enum { READS = 60 };
#else
enum { READS = 300 };
#endif
enum { D = 3, SHARDS = 40 };

/* Rows of shard s: some have none. */
static int64_t rows_of(int64_t s)
{
    return s % 7 == 3 || s == 0 || s == SHARDS - 1 ? 0 : s * 37 % 101;
}

/* Writes rows [first, first + rows) of the example values as data set x. */
static void write_shard(const example *e, const char *name, int64_t first, int64_t rows,
                        const scratch_layout *layout)
{
    char path[2 * SCRATCH_PATH];
    double *const values = malloc((size_t)(rows * D + 1) * sizeof *values);
    for (int64_t i = 0; i < rows * D; ++i)
        values[i] = example_value(first + i / D, i % D);
    snprintf(path, sizeof path, "%s/%s", e->folder, name);
    const hid_t file = scratch_file(path, 0);
    const hsize_t shape[2] = {(hsize_t)rows, D};
    scratch_add(file, "x", H5T_IEEE_F64LE, 2, shape, layout, H5T_NATIVE_DOUBLE, values);
    H5Fclose(file);
    free(values);
}

/* Many of the shards are compressed. Returns the rows of all. */
static int64_t write_shards(const example *e)
{
    static const scratch_layout chunked = {{10, D}, 1, 0, 0};
    int64_t total = 0;
    for (int64_t s = 0; s < SHARDS; ++s) {
        char name[32];
        snprintf(name, sizeof name, "part-%02lld.h5", (long long)s);
        write_shard(e, name, total, rows_of(s),
                    s % 3 == 1 && rows_of(s) >= 10 ? &chunked : NULL);
        total += rows_of(s);
    }
    return total;
}

static flo_status open_pattern(example *e, const char *pattern, const char *name,
                               flo_source **source)
{
    char path[2 * SCRATCH_PATH];
    snprintf(path, sizeof path, "%s/%s", e->folder, pattern);
    const char *const files[] = {path};
    return flo_source_open(e->context, &(const flo_texts){1, files}, name, source);
}

static void check_range(flo_source *source, int64_t first, int64_t count,
                        int64_t columns, const int64_t *column)
{
    const int64_t stride = columns + 1;
    flo_real *const out = calloc((size_t)(count * stride + 1), sizeof *out);
    assert_int_equal(flo_source_read(source, first, count, stride, out), FLO_OK);
    for (int64_t i = 0; i < count; ++i)
        for (int64_t j = 0; j <= columns; ++j)
            assert_true(
                (double)out[i * stride + j] ==
                (j == columns ? 0 : example_value(first + i, column ? column[j] : j)));
    free(out);
}

static void expect_words(example *e, flo_status found, flo_status wanted,
                         const char *const *words)
{
    const char *const message = flo_context_message(e->context);
    if (found != wanted)
        fail_msg("status %d, wanted %d: %s", found, wanted, message);
    for (; *words; ++words)
        if (!strstr(message, *words))
            fail_msg("'%s' does not say '%s'", message, *words);
}
#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void shards_read_as_one(void **state)
{
    example *const e = *state;
    const int64_t total = write_shards(e);
    flo_source *source;
    assert_int_equal(open_pattern(e, "part-*.h5", "x", &source), FLO_OK);
    const flo_source_info *const info = flo_source_describe(source);
    assert_int_equal(info->rows, total);
    assert_int_equal(info->columns, D);
    assert_int_equal(info->shards, SHARDS);
    assert_int_equal(info->chunk_rows, 10);
    assert_false(info->direct || info->by_name);
    assert_true(info->stored_bytes > total * D); /* some is compressed */
    static const int64_t chosen[2] = {2, 0};
    for (int pass = 0; pass < 2; ++pass) {
        const int64_t columns = pass ? 2 : D;
        if (pass)
            assert_int_equal(flo_source_choose(source, 2, chosen), FLO_OK);
        const int64_t *const column = pass ? chosen : NULL;
        check_range(source, 0, total, columns, column);
        check_range(source, total, 0, columns, column);
        for (int64_t i = 0; i < READS; ++i) { /* here and there, as lanes read */
            const int64_t first = i * 7919 % total, left = total - first;
            check_range(source, first, left < 130 ? left : 130, columns, column);
        }
    }
    for (int64_t row = 0, s = 0, first = 0; row < total; ++row) {
        int64_t place, begin;
        while (row >= first + rows_of(s))
            first += rows_of(s++);
        const char *const file = flo_source_locate(source, row, &place);
        assert_int_equal(place, row - first);
        assert_string_equal(file, flo_source_shard(source, s, &begin));
        assert_int_equal(begin, first);
    }
    assert_non_null(strstr(flo_source_files(source), "part-00.h5 and 39 more"));
    assert_true(flo_source_bytes(source) < 17 << 18);
    flo_source_close(&source);
    assert_null(source);
}

/* The descriptors of this process. */
static int count_descriptors(void)
{
    DIR *const folder = opendir("/proc/self/fd");
    int count = -1;
    while (readdir(folder))
        ++count;
    closedir(folder);
    return count;
}

static void few_shards_are_open(void **state)
{
    example *const e = *state;
    const int64_t total = write_shards(e);
    const int before = count_descriptors();
    flo_source *source;
    assert_int_equal(open_pattern(e, "part-*.h5", "x", &source), FLO_OK);
    assert_int_equal(count_descriptors(), before);
    check_range(source, 0, total, D, NULL);
    assert_true(count_descriptors() > before);
    assert_true(count_descriptors() <= before + 2 * 16);
    flo_source_close(&source);
    assert_int_equal(count_descriptors(), before);
}

/* Shards beyond a limit are closed at once, and stay so; one is always kept. */
static void a_limit_closes_shards(void **state)
{
    example *const e = *state;
    const int64_t total = write_shards(e);
    const int before = count_descriptors();
    flo_source *source;
    assert_int_equal(open_pattern(e, "part-*.h5", "x", &source), FLO_OK);
    check_range(source, 0, total, D, NULL);
    const int64_t bytes = flo_source_bytes(source); /* of 16 shards */
    static const int kept[] = {4, 1};
    for (int i = 0; i < 2; ++i) {
        flo_source_limit(source, i ? 0 : bytes / 4);
        assert_int_equal(flo_source_bytes(source), bytes / 16 * kept[i]);
        assert_true(count_descriptors() <= before + 2 * kept[i]);
        check_range(source, 0, total, D, NULL);
        assert_true(count_descriptors() <= before + 2 * kept[i]);
    }
    flo_source_limit(source, bytes); /* it only ever shrinks */
    assert_int_equal(flo_source_bytes(source), bytes / 16);
    assert_true(count_descriptors() > before);
    flo_source_close(&source);
    assert_int_equal(count_descriptors(), before);
}

/* A chunk cache of one shard that is larger than all should be: one is open. */
static void large_caches_are_few(void **state)
{
    example *const e = *state;
    enum { MANY = 1000000 };
    const scratch_layout layout = {
        {MANY, D}, 1, 0, 0}; /* 24 MB a chunk, 2 in a cache */
    write_shard(e, "a.h5", 0, MANY, &layout);
    write_shard(e, "b.h5", MANY, 4, NULL);
    const int before = count_descriptors();
    flo_source *source;
    assert_int_equal(open_pattern(e, "?.h5", "x", &source), FLO_OK);
    check_range(source, MANY - 2, 6, D, NULL);
    assert_int_equal(count_descriptors(), before + 1);
    check_range(source, MANY - 2, 1, D, NULL);
    assert_true(flo_source_bytes(source) < 64 << 20);
    flo_source_close(&source);
}

static void shards_that_differ_are_named(void **state)
{
    example *const e = *state;
    static const double zeros[40];
    flo_source *source;
    char path[SCRATCH_PATH + 8];
    write_shard(e, "a.h5", 0, 10, NULL);
    write_shard(e, "b.h5", 10, 10, NULL);
    snprintf(path, sizeof path, "%s/c.h5", e->folder);
    scratch_matrix(path, "x", H5T_IEEE_F32LE, 10, 2, zeros);
    expect_words(e, open_pattern(e, "?.h5", "x", &source), FLO_ERROR_DATA,
                 WORDS("c.h5", "has 2 columns, wanted 3", "a.h5"));
    assert_null(source);
    unlink(path);
    scratch_matrix(path, "x", H5T_STD_I16LE, 10, D, zeros);
    expect_words(e, open_pattern(e, "?.h5", "x", &source), FLO_ERROR_DATA,
                 WORDS("c.h5", "integers (int16)", "wanted floating point (float64)"));
    unlink(path);
    scratch_matrix(path, "y", H5T_IEEE_F32LE, 10, D, zeros);
    expect_words(e, open_pattern(e, "?.h5", "x", &source), FLO_ERROR_DATA,
                 WORDS("c.h5", "'x'", "y [10, 3]"));
    unlink(path);
    assert_int_equal(link(e->path, path), -1);
    snprintf(e->path, sizeof e->path, "%s/a.h5", e->folder);
    assert_int_equal(link(e->path, path), 0);
    expect_words(e, open_pattern(e, "?.h5", "x", &source), FLO_ERROR_DATA,
                 WORDS("a.h5", "c.h5", "twice"));
    unlink(path);
    scratch_matrix(path, "x/one", H5T_IEEE_F32LE, 10, 0, zeros);
    expect_words(e, open_pattern(e, "?.h5", "x", &source), FLO_ERROR_DATA,
                 WORDS("c.h5", "is of a group", "floating point"));
}

/* Two files that lead to one array, one of them by a link. */
static void one_array_is_found_by_two_links(void **state)
{
    example *const e = *state;
    char path[SCRATCH_PATH + 8];
    flo_source *source;
    write_shard(e, "a.h5", 0, 10, NULL);
    write_shard(e, "b.h5", 10, 10, NULL);
    snprintf(path, sizeof path, "%s/c.h5", e->folder);
    for (int i = 0; i < 2; ++i) {
        const hid_t file = scratch_file(path, 0);
        H5Lcreate_external(i ? "other.h5" : "a.h5", "/x", file, "x", H5P_DEFAULT,
                           H5P_DEFAULT);
        H5Fclose(file);
        if (i == 0)
            expect_words(e, open_pattern(e, "?.h5", "x", &source), FLO_ERROR_DATA,
                         WORDS("a.h5", "c.h5", "a link to the same array", "twice"));
    }
    write_shard(e, "other.h5", 20, 10, NULL);
    assert_int_equal(open_pattern(e, "?.h5", "x", &source), FLO_OK);
    check_range(source, 0, 30, D, NULL);
    flo_source_close(&source);
}

/* The names of fields must agree, too: the third column is not always the third. */
static void names_that_differ_are_named(void **state)
{
    example *const e = *state;
    static const char *const fields[2][2] = {{"px", "py"}, {"px", "energy"}};
    for (int f = 0; f < 2; ++f) {
        char path[SCRATCH_PATH + 8];
        const double rows[4] = {1, 2, 3, 4};
        const hsize_t shape[1] = {2};
        const hid_t type = H5Tcreate(H5T_COMPOUND, 16);
        H5Tinsert(type, fields[f][0], 0, H5T_NATIVE_DOUBLE);
        H5Tinsert(type, fields[f][1], 8, H5T_NATIVE_DOUBLE);
        snprintf(path, sizeof path, "%s/%d.h5", e->folder, f);
        const hid_t file = scratch_file(path, 0);
        scratch_add(file, "t", type, 1, shape, NULL, type, rows);
        H5Fclose(file);
        H5Tclose(type);
    }
    flo_source *source;
    expect_words(e, open_pattern(e, "?.h5", "t", &source), FLO_ERROR_DATA,
                 WORDS("1.h5", "column 1 energy", "wanted py", "0.h5"));
    assert_int_equal(open_pattern(e, "0.h5", "t", &source), FLO_OK);
    assert_true(flo_source_describe(source)->by_name);
    assert_int_equal(flo_source_find_column(source, "py"), 1);
    assert_int_equal(flo_source_find_column(source, "p"), -1);
    char text[64], narrow[45];
    flo_source_list_columns(source, text, sizeof text);
    assert_string_equal(text, "px, py");
    flo_source_list_columns(source, narrow, 36);
    assert_string_equal(narrow, "px and 1 more");
    flo_source_close(&source);
}

/* Shards of groups: rows are counted by the columns chosen. */
static void groups_are_counted_by_what_is_chosen(void **state)
{
    example *const e = *state;
    static const int64_t lengths[2][3] = {{5, 5, 9}, {4, 4, 4}};
    for (int s = 0; s < 2; ++s)
        for (int c = 0; c < 3; ++c) {
            char path[SCRATCH_PATH + 8], name[8];
            double values[9];
            for (int64_t i = 0; i < 9; ++i)
                values[i] = example_value(s * 5 + i, c);
            snprintf(path, sizeof path, "%s/%d.h5", e->folder, s);
            snprintf(name, sizeof name, "%c", "abc"[c]);
            scratch_matrix(path, name, H5T_IEEE_F64LE, lengths[s][c], 0, values);
        }
    flo_source *source;
    assert_int_equal(open_pattern(e, "?.h5", "/", &source), FLO_OK);
    assert_true(flo_source_describe(source)->is_group);
    static const int64_t two[2] = {1, 0}, all[3] = {0, 1, 2};
    assert_int_equal(flo_source_choose(source, 2, two), FLO_OK);
    assert_int_equal(flo_source_describe(source)->rows, 9);
    check_range(source, 0, 9, 2, two);
    check_range(source, 4, 2, 2, two);
    expect_words(e, flo_source_choose(source, 3, all), FLO_ERROR_DATA,
                 WORDS("0.h5", "9 rows, wanted 5", "'/c'", "'/a'"));
    flo_source_close(&source);
}

static void a_shard_that_changes_is_named(void **state)
{
    example *const e = *state;
    const int64_t total = write_shards(e);
    flo_source *source;
    assert_int_equal(open_pattern(e, "part-*.h5", "x", &source), FLO_OK);
    write_shard(e, "part-37.h5", 0, 2, NULL);
    flo_real out[D];
    expect_words(e, flo_source_read(source, total - 1, 1, D, out), FLO_ERROR_FILE,
                 WORDS("part-37.h5", "2 rows", "changed"));
    check_range(source, 0, total - rows_of(37), D, NULL);
    char path[SCRATCH_PATH + 16];
    snprintf(path, sizeof path, "%s/part-37.h5", e->folder);
    unlink(path);
    expect_words(e, flo_source_read(source, total - 1, 1, D, out), FLO_ERROR_FILE,
                 WORDS("part-37.h5", "No such file"));
    flo_source_close(&source);
}

static void check_files(example *e, const flo_texts *written, const char *wanted)
{
    flo_texts files;
    char text[400] = "";
    assert_int_equal(flo_files_expand(e->arena, written, &files), FLO_OK);
    for (int64_t i = 0; i < files.count; ++i) {
        const size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s ", strrchr(files.values[i], '/'));
    }
    assert_string_equal(text, wanted);
}

/* ** is any folders, at any depth; hidden ones and links are left out. */
static void patterns_reach_any_depth(void **state)
{
    example *const e = *state;
    static const char *const folders[] = {"d",         "d/B",    "d/B/[x]",
                                          "d/B/[x]/b", "d/.git", "d/b"};
    static const char *const names[] = {"top.h5",          "d/a.h5",   "d/B/a.h5",
                                        "d/B/[x]/b/a.h5",  "d/b/a.h5", "d/b/c.txt",
                                        "d/.git/hidden.h5"};
    char path[SCRATCH_PATH], other[SCRATCH_PATH];
    for (int i = 0; i < 6; ++i) {
        snprintf(path, sizeof path, "%.200s/%s", e->folder, folders[i]);
        assert_int_equal(mkdir(path, 0700), 0);
    }
    for (int i = 0; i < 7; ++i) {
        snprintf(path, sizeof path, "%.200s/%s", e->folder, names[i]);
        fclose(fopen(path, "w"));
    }
    snprintf(path, sizeof path, "%.200s/d/b/up", e->folder);
    assert_int_equal(symlink("..", path), 0);
    static const char *const cases[][2] = {
        {"d/**/*.h5", "/B/[x]/b/a.h5 /B/a.h5 /a.h5 /b/a.h5 "},
        {"**/a.h5", "/d/B/[x]/b/a.h5 /d/B/a.h5 /d/a.h5 /d/b/a.h5 "},
        {"**/b/**/a.h5", "/d/B/[x]/b/a.h5 /d/b/a.h5 "},
        {"*/**/b/*.h5", "/B/[x]/b/a.h5 /b/a.h5 "},
        {"**/**/c.*", "/d/b/c.txt "},
        {"d/**", "/B /a.h5 /b "},
        {"d/b/**.h5", "/a.h5 "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        snprintf(path, sizeof path, "%.200s/%s", e->folder, cases[i][0]);
        const char *const written[] = {path};
        flo_texts files;
        assert_int_equal(
            flo_files_expand(e->arena, &(const flo_texts){1, written}, &files), FLO_OK);
        char text[2000] = "";
        for (int64_t j = 0; j < files.count; ++j) {
            const char *tail = files.values[j] + strlen(e->folder);
            if (cases[i][0][0] != '*')
                tail += cases[i][0][2] == 'b' ? 4 : 2;
            else if (cases[i][0][1] == '/')
                tail += 2;
            snprintf(text + strlen(text), sizeof text - strlen(text), "%s ", tail);
        }
        assert_string_equal(text, cases[i][1]);
        assert_true(flo_files_match(path));
    }
    snprintf(path, sizeof path, "%.200s/d/**/none.h5", e->folder);
    assert_false(flo_files_match(path));
    snprintf(other, sizeof other, "rm -r '%.200s/d' '%.200s/top.h5'", e->folder,
             e->folder);
    assert_int_equal(system(other), 0);
}

static void patterns_are_sorted_by_bytes(void **state)
{
    example *const e = *state;
    static const char *const names[] = {"b10.h5",  "b9.h5", "B.h5",
                                        "a[1].h5", "a1.h5", "c.h5"};
    char path[8][SCRATCH_PATH];
    for (int i = 0; i < 6; ++i) {
        snprintf(path[i], SCRATCH_PATH, "%.200s/%s", e->folder, names[i]);
        fclose(fopen(path[i], "w"));
    }
    snprintf(path[6], SCRATCH_PATH, "%.200s/[bB]*.h5", e->folder);
    snprintf(path[7], SCRATCH_PATH, "%.200s/none.h5", e->folder);
    const char *const written[] = {path[5], path[6], path[3], path[7]};
    /* What is there is no pattern; what is not there is left for opening to name. */
    check_files(e, &(const flo_texts){4, written},
                "/c.h5 /B.h5 /b10.h5 /b9.h5 /a[1].h5 /none.h5 ");
    assert_true(flo_files_match(path[6]) && flo_files_match(path[3]));
    assert_false(flo_files_match(path[7]));
    snprintf(path[7], SCRATCH_PATH, "%.200s/none*", e->folder);
    const char *const none[] = {path[5], path[7]};
    flo_texts files;
    expect_words(e, flo_files_expand(e->arena, &(const flo_texts){2, none}, &files),
                 FLO_ERROR_FILE, WORDS(path[7], "no file"));
}

static void a_failed_allocation_leaves_nothing(void **state)
{
    example *const e = *state;
    write_shards(e);
    flo_source *source = NULL;
    flo_status status = FLO_ERROR_MEMORY;
    for (int64_t n = 1; status != FLO_OK && n < 2000; n += 1 + n / 8) {
        e->context->fail_at = (int64_t)e->context->made + n;
        status = open_pattern(e, "part-*.h5", "x", &source);
        assert_true(status == FLO_OK || status == FLO_ERROR_MEMORY);
        assert_true((status == FLO_OK) == (source != NULL));
    }
    e->context->fail_at = 0;
    assert_int_equal(status, FLO_OK);
    flo_real out[D];
    e->context->fail_at = (int64_t)e->context->made + 2;
    assert_int_equal(flo_source_read(source, 100, 1, D, out), FLO_ERROR_MEMORY);
    e->context->fail_at = 0;
    check_range(source, 100, 1, D, NULL);
    flo_source_close(&source);
}

#define TEST(function)                                                                 \
    cmocka_unit_test_setup_teardown(function, example_set_up, example_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(shards_read_as_one),
                                       TEST(few_shards_are_open),
                                       TEST(a_limit_closes_shards),
                                       TEST(large_caches_are_few),
                                       TEST(shards_that_differ_are_named),
                                       TEST(one_array_is_found_by_two_links),
                                       TEST(names_that_differ_are_named),
                                       TEST(groups_are_counted_by_what_is_chosen),
                                       TEST(a_shard_that_changes_is_named),
                                       TEST(patterns_reach_any_depth),
                                       TEST(patterns_are_sorted_by_bytes),
                                       TEST(a_failed_allocation_leaves_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
