/* A sealed file is read back as written, or refused: cut, flipped, appended to. */
#include "core/checksum.h"
#include "hdf5/image.h"
#include "hdf5/sealed_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdbool.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct fixture {
    flo_context *context;
    char directory[64];
    char path[128]; /* of a file in it */
} fixture;

static int set_up(void **state)
{
    fixture *const f = calloc(1, sizeof *f);
    *state = f;
    if (!f || flo_context_create(&f->context) != FLO_OK)
        return -1;
    snprintf(f->directory, sizeof f->directory, "/tmp/flotilla-seal-test-XXXXXX");
    if (!mkdtemp(f->directory))
        return -1;
    snprintf(f->path, sizeof f->path, "%s/file.h5", f->directory);
    return 0;
}

/* The number of files in the fixture's directory. */
static int files(const fixture *f)
{
    int count = 0;
    DIR *const directory = opendir(f->directory);
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory));)
        count += entry->d_name[0] != '.';
    closedir(directory);
    return count;
}

static int tear_down(void **state)
{
    fixture *const f = *state;
    const int64_t live = flo_context_destroy(&f->context);
    remove(f->path); /* a file or an empty directory */
    const int left = rmdir(f->directory);
    free(f);
    return live == 0 && left == 0 ? 0 : -1;
}

#define ok(call)                                                                       \
    do {                                                                               \
        if ((call) != FLO_OK)                                                          \
            fail_msg("%s: %s", #call, flo_context_message(f->context));                \
    } while (0)

#define refused(status, call, part)                                                    \
    do {                                                                               \
        assert_int_equal(call, status);                                                \
        if (!strstr(flo_context_message(f->context), part))                            \
            fail_msg("'%s' not in: %s", part, flo_context_message(f->context));        \
    } while (0)

/* Sealed bytes [size + FLO_SEAL_BYTES] of a pattern, owned by the caller. */
static unsigned char *sealed(fixture *f, size_t size, int pattern)
{
    unsigned char *bytes;
    ok(flo_allocate(f->context, (int64_t)(size + FLO_SEAL_BYTES), 1, &bytes));
    for (size_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)(i * 31 + (size_t)pattern);
    flo_seal(bytes, size);
    return bytes;
}

/* Writes bytes with stdio, past our own code. */
static void put(const fixture *f, const void *bytes, size_t size)
{
    FILE *const file = fopen(f->path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void assert_holds(fixture *f, const void *bytes, size_t size)
{
    void *found;
    size_t length;
    ok(flo_sealed_read(f->context, f->path, &found, &length));
    assert_int_equal(length, size);
    assert_memory_equal(found, bytes, size);
    flo_free(f->context, &found);
}

static void written_and_read_back(void **state)
{
    fixture *const f = *state;
    const size_t sizes[] = {0, 1, 31, 32, 33, 4096, 1000003};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        unsigned char *bytes = sealed(f, sizes[i], (int)i);
        ok(flo_sealed_write(f->context, f->path, bytes, sizes[i]));
        assert_holds(f, bytes, sizes[i]);
        assert_int_equal(files(f), 1);
        flo_free(f->context, &bytes);
    }
}

/* The trailer is a format that others may read: these bytes do not change. */
static void the_trailer_is_as_documented(void **state)
{
    (void)state;
    unsigned char bytes[3 + FLO_SEAL_BYTES] = "abc";
    flo_seal(bytes, 3);
    const unsigned char *const trailer = bytes + 3;
    assert_memory_equal(trailer, "FLOSEAL1\3\0\0\0\0\0\0\0", 16);
    const uint64_t sums[2] = {flo_checksum("abc", 3), flo_checksum(trailer, 24)};
    for (int i = 0; i < 16; i++)
        assert_int_equal(trailer[16 + i], (unsigned char)(sums[i / 8] >> (i % 8 * 8)));
}

static void an_image_with_its_seal_is_an_image(void **state)
{
    fixture *const f = *state;
    flo_image *image;
    void *bytes;
    size_t size;
    int64_t step = 0;
    ok(flo_image_create(f->context, &image));
    ok(flo_image_set_integer(image, "/", "step", 7));
    ok(flo_image_finish(&image, FLO_SEAL_BYTES, &bytes, &size));
    flo_seal(bytes, size);
    ok(flo_image_open(f->context, "sealed.h5", bytes, size + FLO_SEAL_BYTES, &image));
    ok(flo_image_get_integer(image, "/", "step", &step));
    assert_int_equal(step, 7);
    flo_image_destroy(&image);
    flo_free(f->context, &bytes);
}

static void assert_refused(fixture *f)
{
    void *bytes;
    size_t size;
    assert_int_equal(flo_sealed_read(f->context, f->path, &bytes, &size),
                     FLO_ERROR_FILE);
    assert_non_null(strstr(flo_context_message(f->context), f->path));
    assert_null(bytes);
}

enum { SIZE = 1500, TOTAL = SIZE + FLO_SEAL_BYTES };

static void every_cut_is_refused(void **state)
{
    fixture *const f = *state;
    unsigned char *bytes = sealed(f, SIZE, 1);
    put(f, bytes, TOTAL);
    assert_holds(f, bytes, SIZE);
    for (int length = TOTAL - 1; length >= 0; length--) {
        assert_int_equal(truncate(f->path, length), 0);
        assert_refused(f);
    }
    flo_free(f->context, &bytes);
}

/* Every bit of the trailer, and a thousand bits anywhere. */
static void every_flipped_bit_is_refused(void **state)
{
    fixture *const f = *state;
    unsigned char *bytes = sealed(f, SIZE, 2);
    uint64_t random = 1;
    for (int n = 0; n < 1000 + 8 * FLO_SEAL_BYTES; n++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        const int bit =
            n < 1000 ? (int)((random >> 33) % (8 * TOTAL)) : 8 * SIZE + n - 1000;
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        put(f, bytes, TOTAL);
        assert_refused(f);
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    put(f, bytes, TOTAL);
    assert_holds(f, bytes, SIZE);
    flo_free(f->context, &bytes);
}

static void appended_bytes_are_refused(void **state)
{
    fixture *const f = *state;
    unsigned char *bytes = sealed(f, SIZE, 3);
    unsigned char longer[2 * TOTAL] = {0};
    memcpy(longer, bytes, TOTAL);
    for (size_t more = 1; more < 70; more++) {
        put(f, longer, TOTAL + more);
        assert_refused(f);
        assert_non_null(strstr(flo_context_message(f->context), "are no seal"));
    }
    memcpy(longer + TOTAL, bytes, TOTAL); /* a whole file twice */
    put(f, longer, 2 * TOTAL);
    assert_refused(f);
    assert_non_null(strstr(flo_context_message(f->context),
                           "it holds 3032 bytes before its seal, which wants 1500"));
    flo_free(f->context, &bytes);
}

static void what_cannot_be_read_is_named(void **state)
{
    fixture *const f = *state;
    void *bytes;
    size_t size;
    refused(FLO_ERROR_FILE, flo_sealed_read(f->context, f->path, &bytes, &size),
            "No such file");
    assert_int_equal(mkdir(f->path, 0777), 0);
    refused(FLO_ERROR_FILE, flo_sealed_read(f->context, f->path, &bytes, &size),
            "not a file");
    assert_int_equal(rmdir(f->path), 0);
    assert_int_equal(mkfifo(f->path, 0666), 0);
    refused(FLO_ERROR_FILE, flo_sealed_read(f->context, f->path, &bytes, &size),
            "not a file");
    assert_int_equal(unlink(f->path), 0);
}

/* The disk is full after half the file: the old one stays, nothing is left beside it.
 */
static void a_short_write_changes_nothing(void **state)
{
    fixture *const f = *state;
    unsigned char *old = sealed(f, 100, 4), *new = sealed(f, SIZE, 5);
    ok(flo_sealed_write(f->context, f->path, old, 100));
    struct rlimit before, half;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    half = before;
    half.rlim_cur = SIZE / 2;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &half), 0);
    const flo_status status = flo_sealed_write(f->context, f->path, new, SIZE);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_DFL);
    refused(FLO_ERROR_FILE, status,
            "write: File too large (750 of 1532 bytes written)");
    refused(FLO_ERROR_FILE, status, "ulimit -f");
    assert_holds(f, old, 100);
    assert_int_equal(files(f), 1);
    flo_free(f->context, &old);
    flo_free(f->context, &new);
}

static void what_cannot_be_written_is_named(void **state)
{
    fixture *const f = *state;
    char inside[160];
    snprintf(inside, sizeof inside, "%s/none/file.h5", f->directory);
    refused(FLO_ERROR_FILE, flo_file_replace(f->context, inside, "x", 1),
            "none/file.h5: cannot be written: open: No such file or directory");
    put(f, "x", 1);
    snprintf(inside, sizeof inside, "%s/below", f->path);
    refused(FLO_ERROR_FILE, flo_file_replace(f->context, inside, "x", 1),
            "Not a directory");
    assert_int_equal(unlink(f->path), 0);
    assert_int_equal(mkdir(f->path, 0777), 0);
    refused(FLO_ERROR_FILE, flo_file_replace(f->context, f->path, "x", 1),
            "rename: Is a directory");
    assert_int_equal(files(f), 1);
}

/* A name without a directory lies in the working directory. */
static void a_bare_name(void **state)
{
    fixture *const f = *state;
    char before[4096];
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(f->directory), 0);
    const flo_status status = flo_file_replace(f->context, "file.h5", "text", 4);
    assert_int_equal(chdir(before), 0);
    ok(status);
    FILE *const file = fopen(f->path, "rb");
    char found[8] = "";
    assert_non_null(file);
    assert_int_equal(fread(found, 1, 8, file), 4);
    fclose(file);
    assert_string_equal(found, "text");
}

static void failing_allocations(void **state)
{
    fixture *const f = *state;
    unsigned char *bytes = sealed(f, SIZE, 6);
    void *found;
    size_t size;
    for (int n = 1; n <= 2; n++) {
        f->context->fail_at = f->context->made + n;
        assert_int_equal(flo_sealed_write(f->context, f->path, bytes, SIZE),
                         FLO_ERROR_MEMORY);
    }
    ok(flo_sealed_write(f->context, f->path, bytes, SIZE));
    f->context->fail_at = f->context->made + 1;
    assert_int_equal(flo_sealed_read(f->context, f->path, &found, &size),
                     FLO_ERROR_MEMORY);
    flo_file_writer *writer;
    int written;
    f->context->fail_at = f->context->made + 1;
    assert_int_equal(flo_file_writer_create(f->context, &writer), FLO_ERROR_MEMORY);
    ok(flo_file_writer_create(f->context, &writer));
    ok(flo_file_writer_add(writer, f->path, bytes, SIZE));
    f->context->fail_at = f->context->made + 1;
    assert_int_equal(flo_file_writer_add(writer, f->path, bytes, SIZE),
                     FLO_ERROR_MEMORY);
    flo_file_writer_start(writer); /* nothing is lined up any more */
    ok(flo_file_writer_wait(writer, &written));
    assert_int_equal(written, 0);
    flo_file_writer_destroy(&writer);
    flo_free(f->context, &bytes);
}

static void the_writer_writes(void **state)
{
    fixture *const f = *state;
    flo_file_writer *writer;
    int written;
    ok(flo_file_writer_create(f->context, &writer));
    for (int n = 0; n < 10; n++) {
        unsigned char *first = sealed(f, 300, 1), *bytes = sealed(f, 500000, n);
        ok(flo_file_writer_add(writer, f->path, first, 300));
        ok(flo_file_writer_add(writer, f->path, bytes, 500000));
        flo_file_writer_start(writer);
        ok(flo_file_writer_wait(writer, &written));
        assert_int_equal(written, 2);
        assert_holds(f, bytes, 500000); /* the second is the later */
        flo_free(f->context, &first);
        flo_free(f->context, &bytes);
    }
    flo_file_writer_destroy(&writer);
    assert_null(writer);
    flo_file_writer_destroy(&writer);
}

static void destroy_waits_for_the_write(void **state)
{
    fixture *const f = *state;
    flo_file_writer *writer;
    unsigned char *bytes = sealed(f, 3000000, 1);
    ok(flo_file_writer_create(f->context, &writer));
    ok(flo_file_writer_add(writer, f->path, bytes, 3000000));
    flo_file_writer_start(writer);
    flo_file_writer_destroy(&writer);
    assert_holds(f, bytes, 3000000);
    flo_free(f->context, &bytes);
}

/* What lies behind a file that cannot be written is not begun. */
static void the_writer_stops_at_a_failure(void **state)
{
    fixture *const f = *state;
    flo_file_writer *writer;
    int written;
    char inside[160];
    unsigned char *bytes = sealed(f, SIZE, 7);
    snprintf(inside, sizeof inside, "%s/none/file.h5", f->directory);
    ok(flo_file_writer_create(f->context, &writer));
    ok(flo_file_writer_add(writer, inside, bytes, SIZE));
    ok(flo_file_writer_add(writer, f->path, bytes, SIZE));
    flo_file_writer_start(writer);
    refused(FLO_ERROR_FILE, flo_file_writer_wait(writer, &written), "none/file.h5");
    assert_int_equal(written, 0);
    assert_int_equal(files(f), 0);
    ok(flo_file_writer_add(writer, f->path, bytes, SIZE));
    ok(flo_file_writer_add(writer, inside, bytes, SIZE));
    flo_file_writer_start(writer);
    refused(FLO_ERROR_FILE, flo_file_writer_wait(writer, &written), "none/file.h5");
    assert_int_equal(written, 1);
    assert_holds(f, bytes, SIZE);
    flo_file_writer_destroy(&writer);
    flo_free(f->context, &bytes);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(written_and_read_back),
        TEST(the_trailer_is_as_documented),
        TEST(an_image_with_its_seal_is_an_image),
        TEST(every_cut_is_refused),
        TEST(every_flipped_bit_is_refused),
        TEST(appended_bytes_are_refused),
        TEST(what_cannot_be_read_is_named),
        TEST(a_short_write_changes_nothing),
        TEST(what_cannot_be_written_is_named),
        TEST(a_bare_name),
        TEST(failing_allocations),
        TEST(the_writer_writes),
        TEST(destroy_waits_for_the_write),
        TEST(the_writer_stops_at_a_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
