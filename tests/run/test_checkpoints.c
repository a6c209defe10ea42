/* The newest whole checkpoint is found, or none is; old ones go, never the last. */
#include "run/checkpoints.h"
#include "hdf5/sealed_file.h"
#include "run/scratch.h"

#include <sys/stat.h>

static flo_directory *opened(scratch *f)
{
    flo_directory *directory;
    ok(flo_directory_open(f->context, f->run, FLO_START_RESUME, &directory));
    return directory;
}

static const char *in_run(scratch *f, const char *name)
{
    snprintf(f->name, sizeof f->name, "%s/%s", f->run, name);
    return f->name;
}

/* Writes a sealed file that holds one number. */
static void put(scratch *f, const char *path, int64_t step)
{
    unsigned char bytes[sizeof step + FLO_SEAL_BYTES];
    memcpy(bytes, &step, sizeof step);
    flo_seal(bytes, sizeof step);
    ok(flo_sealed_write(f->context, path, bytes, sizeof step));
}

static void put_step(scratch *f, flo_directory *directory, int64_t step)
{
    put(f, flo_checkpoints_name(directory, step), step);
}

static void damage(flo_directory *directory, int64_t step)
{
    assert_int_equal(truncate(flo_checkpoints_name(directory, step), 20), 0);
}

/* What was skipped, in turn. */
typedef struct skips {
    flo_context *context;
    char paths[1024], reasons[4096];
} skips;

static void note(const char *path, const char *reason, void *argument)
{
    skips *const s = argument;
    const size_t used = strlen(s->paths), more = strlen(s->reasons);
    snprintf(s->paths + used, sizeof s->paths - used, "%s ", strrchr(path, '/') + 1);
    snprintf(s->reasons + more, sizeof s->reasons - more, "%s ", reason);
    (void)flo_fail(s->context, FLO_ERROR_INTERNAL, "a message of the callback's own");
}

/* The newest is `wanted`, and nothing was skipped for it. */
static void assert_newest(scratch *f, flo_directory *directory, int64_t wanted)
{
    skips s = {.context = f->context};
    char *path;
    int64_t step, held;
    void *bytes;
    size_t size;
    ok(flo_checkpoints_newest(directory, note, &s, &path, &step, &bytes, &size));
    assert_string_equal(s.paths, "");
    assert_non_null(path);
    assert_string_equal(path, flo_checkpoints_name(directory, wanted));
    assert_int_equal(step, wanted);
    assert_int_equal(size, sizeof held);
    memcpy(&held, bytes, sizeof held);
    assert_int_equal(held, wanted);
    flo_free(f->context, &bytes);
    flo_free(f->context, &path);
}

static void names(void **state)
{
    scratch *const f = *state;
    flo_directory *directory = opened(f);
    assert_string_equal(flo_checkpoints_name(directory, 1000),
                        in_run(f, "checkpoints/step-0000001000.h5"));
    assert_string_equal(flo_checkpoints_name(directory, 123456789012),
                        in_run(f, "checkpoints/step-123456789012.h5"));
    flo_directory_close(&directory);
}

static void never_a_checkpoint(void **state)
{
    scratch *const f = *state;
    flo_directory *directory = opened(f);
    char *path = f->name;
    int64_t step;
    void *bytes = f;
    size_t size;
    for (int n = 0; n < 2; n++) {
        ok(flo_checkpoints_newest(directory, NULL, NULL, &path, &step, &bytes, &size));
        assert_null(path);
        assert_null(bytes);
        rmdir(in_run(f, "checkpoints")); /* the second time there is not even this */
    }
    flo_directory_close(&directory);
}

/* By number, not by name or time; other files do not count. */
static void the_newest_is_the_highest_step(void **state)
{
    scratch *const f = *state;
    static const char *const others[] = {"best.h5",
                                         "step-9.h5",
                                         "step-.h5",
                                         "step-99999999999x.h5",
                                         "step-9999999999.h5.tmp.host.12",
                                         "step-9999999999",
                                         "step--999999999.h5",
                                         "step-99999999999999999999999999999999.h5"};
    flo_directory *directory = opened(f);
    const int64_t steps[] = {123456789012, 0, 20, 9999999998, 3};
    int64_t newest = 0;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        char name[128];
        snprintf(name, sizeof name, "checkpoints/%s", others[i]);
        scratch_write(in_run(f, name), "no checkpoint");
    }
    for (size_t i = sizeof steps / sizeof steps[0]; i-- > 0;) {
        put_step(f, directory, steps[i]);
        newest = steps[i] > newest ? steps[i] : newest;
        assert_newest(f, directory, newest);
    }
    flo_directory_close(&directory);
}

static void damaged_ones_are_skipped_with_the_reason(void **state)
{
    scratch *const f = *state;
    flo_directory *directory = opened(f);
    skips s = {.context = f->context};
    char *path;
    int64_t step;
    void *bytes;
    size_t size;
    for (step = 100; step <= 400; step += 100)
        put_step(f, directory, step);
    damage(directory, 400);
    scratch_write(flo_checkpoints_name(directory, 300), "");
    ok(flo_checkpoints_newest(directory, note, &s, &path, &step, &bytes, &size));
    assert_int_equal(step, 200);
    assert_string_equal(s.paths, "step-0000000400.h5 step-0000000300.h5 ");
    assert_non_null(strstr(s.reasons, "step-0000000400.h5: damaged: it has 20 bytes"));
    assert_non_null(strstr(s.reasons, "step-0000000300.h5: damaged: it has 0 bytes"));
    flo_free(f->context, &path);
    flo_free(f->context, &bytes);
    flo_directory_close(&directory);
}

static void all_damaged_is_an_error(void **state)
{
    scratch *const f = *state;
    flo_directory *directory = opened(f);
    skips s = {.context = f->context};
    char *path;
    int64_t step;
    void *bytes;
    size_t size;
    for (step = 1; step <= 3; step++) {
        put_step(f, directory, step);
        damage(directory, step);
    }
    const flo_status status =
        flo_checkpoints_newest(directory, note, &s, &path, &step, &bytes, &size);
    refused(FLO_ERROR_FILE, status, "none of its 3 checkpoints is whole");
    refused(FLO_ERROR_FILE, status, "step-0000000003.h5: damaged");
    refused(FLO_ERROR_FILE, status, "--fresh");
    assert_null(path);
    assert_null(bytes);
    assert_string_equal(s.paths,
                        "step-0000000003.h5 step-0000000002.h5 step-0000000001.h5 ");
    flo_directory_close(&directory);
}

/* Want of memory says nothing about a file: no older one is taken for it. */
static void failing_allocations(void **state)
{
    scratch *const f = *state;
    flo_directory *directory = opened(f);
    const int64_t live = f->context->live;
    skips s = {.context = f->context};
    char *path, *model;
    int64_t step;
    void *bytes;
    size_t size;
    put_step(f, directory, 1);
    put_step(f, directory, 2);
    for (int n = 1; n <= 4; n++) {
        f->context->fail_at = f->context->made + n;
        assert_int_equal(
            flo_checkpoints_newest(directory, note, &s, &path, &step, &bytes, &size),
            FLO_ERROR_MEMORY);
        assert_null(path);
        assert_null(bytes);
        f->context->fail_at = f->context->made + n;
        assert_int_equal(flo_checkpoints_model(f->context, f->run, &model),
                         FLO_ERROR_MEMORY);
        assert_null(model);
        f->context->fail_at = f->context->made + (n < 3 ? n : 3);
        assert_int_equal(flo_checkpoints_prune(directory, 1, 2), FLO_ERROR_MEMORY);
        put_step(f, directory, 1);
        assert_int_equal(f->context->live, live);
    }
    assert_string_equal(s.paths, "");
    flo_directory_close(&directory);
}

/* Which of steps 1 .. 9 have a file: "124". */
static const char *present(flo_directory *directory, char *text)
{
    size_t used = 0;
    for (int step = 1; step <= 9; step++)
        if (scratch_exists(flo_checkpoints_name(directory, step)))
            text[used++] = (char)('0' + step);
    text[used] = '\0';
    return text;
}

static void pruning(void **state)
{
    scratch *const f = *state;
    static const struct {
        int64_t keep, newest;
        const char *wanted;
    } rows[] = {
        {3, 6, "456"},    {1, 6, "6"},      {6, 6, "123456"}, {100, 6, "123456"},
        {0, 6, "6"},      {-1, 6, "6"},     {2, 4, "3456"}, /* 5 and 6 were found
                                                               damaged; good ones stay
                                                               all the same */
        {3, 3, "123456"}, {1, 1, "123456"},
    };
    flo_directory *directory = opened(f);
    char text[16];
    put(f, in_run(f, "checkpoints/best.h5"), 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (int step = 1; step <= 6; step++)
            put_step(f, directory, step);
        ok(flo_checkpoints_prune(directory, rows[i].keep, rows[i].newest));
        assert_string_equal(present(directory, text), rows[i].wanted);
    }
    assert_true(scratch_exists(in_run(f, "checkpoints/best.h5")));
    flo_directory_close(&directory);
}

static void what_cannot_be_removed_is_named(void **state)
{
    scratch *const f = *state;
    flo_directory *directory = opened(f);
    put_step(f, directory, 2);
    assert_int_equal(mkdir(flo_checkpoints_name(directory, 1), 0777), 0);
    refused(FLO_ERROR_FILE, flo_checkpoints_prune(directory, 1, 2),
            "step-0000000001.h5: an old file cannot be removed");
    flo_directory_close(&directory);
}

static void assert_model(scratch *f, const char *model, const char *wanted)
{
    char *path;
    ok(flo_checkpoints_model(f->context, model, &path));
    assert_string_equal(path, wanted);
    flo_free(f->context, &path);
}

static void what_a_model_names(void **state)
{
    scratch *const f = *state;
    char best[512], newest[512], folder[512], *path;
    flo_directory *directory = opened(f);
    snprintf(folder, sizeof folder, "%s", in_run(f, "checkpoints"));
    snprintf(best, sizeof best, "%s", in_run(f, "checkpoints/best.h5"));
    snprintf(newest, sizeof newest, "%s", flo_checkpoints_name(directory, 20));

    refused(FLO_ERROR_FILE, flo_checkpoints_model(f->context, f->run, &path),
            "run: holds no checkpoint; looked for checkpoints/best.h5");
    assert_null(path);
    put_step(f, directory, 20);
    put_step(f, directory, 3);
    assert_model(f, f->run, newest);
    assert_model(f, folder, newest);
    put(f, best, 3);
    assert_model(f, f->run, best);
    assert_model(f, folder, best);
    assert_model(f, newest, newest);
    assert_model(f, best, best);
    refused(
        FLO_ERROR_FILE, flo_checkpoints_model(f->context, in_run(f, "absent"), &path),
        "absent: No such file or directory; wanted a run directory or a checkpoint");
    assert_null(path);
    flo_directory_close(&directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(names),
        SCRATCH_TEST(never_a_checkpoint),
        SCRATCH_TEST(the_newest_is_the_highest_step),
        SCRATCH_TEST(damaged_ones_are_skipped_with_the_reason),
        SCRATCH_TEST(all_damaged_is_an_error),
        SCRATCH_TEST(failing_allocations),
        SCRATCH_TEST(pruning),
        SCRATCH_TEST(what_cannot_be_removed_is_named),
        SCRATCH_TEST(what_a_model_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
