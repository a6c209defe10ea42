/* What killed processes left of the run's own files goes; everything else stays. */
#include "run/leftovers.h"
#include "run/scratch.h"

#include <sys/stat.h>

static const char *in_run(scratch *f, const char *name)
{
    snprintf(f->name, sizeof f->name, "%s/%s", f->run, name);
    return f->name;
}

static void temporary_files(void **state)
{
    scratch *const f = *state;
    static const struct {
        const char *name;
        int stays;
    } rows[] = {
        {"checkpoints/step-0000000001.h5.tmp.host.12", 0},
        {"checkpoints/best.h5.tmp.host.domain.org.12", 0},
        {"samples/step-0000000001.h5.tmp.host.12", 0},
        {"status.json.tmp.host.12", 0},
        {"config.yaml.tmp.host.12", 0},
        {"test.json.tmp.host.12", 0},
        {"status.json", 1},
        {"checkpoints/step-0000000001.h5", 1},
        {"checkpoints/best.h5", 1},
        {"config.yaml.tmp.mine", 1},
        {"config.yaml.tmp.12", 1},
        {"notes.tmp.host.12", 1},
        {"samples/mine.h5.tmp.host.12", 1},
        {"checkpoints/step-0000000001.h5.tmp", 1},
        {"checkpoints/best.h5.old", 1},
    };
    enum { ROWS = sizeof rows / sizeof rows[0] };
    flo_directory *directory;
    ok(flo_directory_open(f->context, f->run, FLO_START_RESUME, &directory));
    for (int i = 0; i < ROWS; i++)
        scratch_write(in_run(f, rows[i].name), "x");
    ok(flo_leftovers_remove(directory));
    for (int i = 0; i < ROWS; i++)
        if (scratch_exists(in_run(f, rows[i].name)) != rows[i].stays)
            fail_msg("%s %s", rows[i].name, rows[i].stays ? "is gone" : "is there");
    flo_directory_close(&directory);
}

static void what_cannot_be_removed_is_named(void **state)
{
    scratch *const f = *state;
    flo_directory *directory;
    ok(flo_directory_open(f->context, f->run, FLO_START_RESUME, &directory));
    assert_int_equal(mkdir(in_run(f, "checkpoints/best.h5.tmp.host.1"), 0777), 0);
    refused(FLO_ERROR_FILE, flo_leftovers_remove(directory),
            "best.h5.tmp.host.1: what a killed process left cannot be removed");
    flo_directory_close(&directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(temporary_files),
        SCRATCH_TEST(what_cannot_be_removed_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
