/* A whole file as text: files and pipes, and the errors that name the file. */
#include "config/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char *write_file(fixture *f, const char *bytes, size_t count)
{
    char *path;
    assert_int_equal(flo_arena_string(f->arena, "/tmp/flotilla-text-XXXXXX", &path),
                     FLO_OK);
    const int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, bytes, count), count);
    close(descriptor);
    return path;
}

static void test_every_size_is_read_whole(void **state)
{
    fixture *const f = *state;
    const size_t sizes[] = {0, 1, 16383, 16384, 16385, 100000};
    char *bytes;
    assert_int_equal(flo_arena_take(f->arena, 100000, 1, &bytes), FLO_OK);
    for (size_t i = 0; i < 100000; i++)
        bytes[i] = (char)(i % 251);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char *const path = write_file(f, bytes, sizes[i]);
        char *text, *behind;
        size_t length = 42;
        assert_int_equal(flo_file_text(f->arena, path, &text, &length), FLO_OK);
        unlink(path);
        assert_int_equal(flo_arena_string(f->arena, "behind", &behind), FLO_OK);
        assert_int_equal(length, sizes[i]);
        assert_memory_equal(text, bytes, length);
        assert_int_equal(text[length], 0);
    }
}

static void assert_unreadable(fixture *f, const char *path, const char *reason)
{
    char *text;
    size_t length;
    assert_int_equal(flo_file_text(f->arena, path, &text, &length), FLO_ERROR_FILE);
    assert_null(text);
    const char *const message = flo_context_message(f->context);
    assert_int_equal(strncmp(message, path, strlen(path)), 0);
    assert_non_null(strstr(message, reason));
    assert_non_null(strstr(message, "check the path"));
}

static void test_what_cannot_be_read_is_named(void **state)
{
    assert_unreadable(*state, "/no/such/config.yaml", "No such file");
    assert_unreadable(*state, "/tmp", "directory");
    assert_unreadable(*state, "", "No such file");
    assert_unreadable(*state, "/dev/zero", "more than 64 MiB");
}

static void test_files_are_closed(void **state)
{
    fixture *const f = *state;
    char *const path = write_file(f, "a", 1);
    const int before = dup(0);
    char *text;
    size_t length;
    close(before);
    assert_int_equal(flo_file_text(f->arena, path, &text, &length), FLO_OK);
    assert_unreadable(f, "/tmp", "directory");
    const int after = dup(0);
    close(after);
    unlink(path);
    assert_int_equal(after, before);
}

/* Memory may end at any allocation: an error, and the file and buffers are released. */
static void test_every_allocation_may_fail(void **state)
{
    fixture *const f = *state;
    char *bytes, *text;
    size_t length;
    assert_int_equal(flo_arena_take(f->arena, 70000, 1, &bytes), FLO_OK);
    char *const path = write_file(f, bytes, 70000);
    flo_status status = FLO_ERROR_MEMORY;
    for (int64_t n = 1; status != FLO_OK && n < 20; n++) {
        f->context->fail_at = atomic_load(&f->context->made) + n;
        const int64_t live = atomic_load(&f->context->live);
        status = flo_file_text(f->arena, path, &text, &length);
        assert_true(status == FLO_OK || status == FLO_ERROR_MEMORY);
        assert_int_equal(atomic_load(&f->context->live) - live,
                         status == FLO_OK ? 2 : 0); /* the arena's new block */
    }
    assert_int_equal(status, FLO_OK);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_every_size_is_read_whole),
        FIXTURE_TEST(test_what_cannot_be_read_is_named),
        FIXTURE_TEST(test_files_are_closed),
        FIXTURE_TEST(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
