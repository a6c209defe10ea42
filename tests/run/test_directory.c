/* A run directory is begun, continued or moved aside, never mixed up; its small files.
 */
#include "run/directory.h"
#include "run/scratch.h"

#include <ctype.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

static const char *in_run(scratch *f, const char *name)
{
    snprintf(f->name, sizeof f->name, "%s/%s", f->run, name);
    return f->name;
}

static flo_directory *opened(scratch *f, flo_start start)
{
    flo_directory *directory;
    ok(flo_directory_open(f->context, f->run, start, &directory));
    return directory;
}

static void a_new_run(void **state)
{
    scratch *const f = *state;
    flo_directory *directory;
    char path[256];
    snprintf(path, sizeof path, "%s/a/b//run///", f->directory);
    ok(flo_directory_open(f->context, path, FLO_START_NEW, &directory));
    snprintf(path, sizeof path, "%s/a/b//run", f->directory);
    assert_string_equal(flo_directory_path(directory), path);
    assert_string_equal(flo_directory_moved(directory), "");
    assert_true(scratch_exists(scratch_name(f, "a/b/run/checkpoints")));
    assert_true(scratch_exists(scratch_name(f, "a/b/run/samples")));
    snprintf(path, sizeof path, "%s/a/b//run/samples/step-7.h5", f->directory);
    assert_string_equal(flo_directory_file(directory, "samples/step-%d.h5", 7), path);
    flo_directory_close(&directory);
    assert_null(directory);
    flo_directory_close(&directory);
}

/* A start that wrote nothing (a wrong config) is no run: NEW works again. */
static void nothing_written_is_no_run(void **state)
{
    scratch *const f = *state;
    flo_directory *directory;
    for (int n = 0; n < 2; n++) {
        directory = opened(f, FLO_START_NEW);
        flo_directory_close(&directory);
    }
    directory = opened(f, FLO_START_RESUME);
    flo_directory_close(&directory);
    directory = opened(f, FLO_START_FRESH);
    assert_string_equal(flo_directory_moved(directory), "");
    flo_directory_close(&directory);
}

static void any_sign_of_a_run_refuses_a_new_one(void **state)
{
    scratch *const f = *state;
    static const char *const signs[] = {
        "config.yaml", "log.txt",   "status.json",        "metrics.jsonl",
        "test.json",   "samples/x", "checkpoints/best.h5"};
    flo_directory *directory = opened(f, FLO_START_NEW), *none;
    flo_directory_close(&directory);
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++) {
        scratch_write(in_run(f, signs[i]), "x");
        const flo_status status =
            flo_directory_open(f->context, f->run, FLO_START_NEW, &none);
        refused(FLO_ERROR_USAGE, status, "--resume");
        refused(FLO_ERROR_USAGE, status, "--fresh");
        char folder[64];
        snprintf(folder, sizeof folder, "%.*s", (int)strcspn(signs[i], "/"), signs[i]);
        refused(FLO_ERROR_USAGE, status, folder);
        assert_null(none);
        directory = opened(f, FLO_START_RESUME);
        flo_directory_close(&directory);
        unlink(in_run(f, signs[i]));
    }
}

static void fresh_moves_the_old_run_aside(void **state)
{
    scratch *const f = *state;
    char text[64], wanted[128];
    for (int n = 1; n <= 3; n++) {
        flo_directory *directory = opened(f, FLO_START_RESUME);
        snprintf(text, sizeof text, "run %d", n);
        ok(flo_directory_log(directory, text));
        flo_directory_close(&directory);
        directory = opened(f, FLO_START_FRESH);
        snprintf(wanted, sizeof wanted, "run.old-%d", n);
        assert_non_null(strstr(flo_directory_moved(directory), wanted));
        assert_false(scratch_exists(in_run(f, "log.txt")));
        assert_true(scratch_exists(in_run(f, "checkpoints")));
        /* the new one is locked, the old one has no lock */
        flo_directory *none;
        refused(FLO_ERROR_USAGE,
                flo_directory_open(f->context, f->run, FLO_START_RESUME, &none),
                "another process");
        snprintf(wanted, sizeof wanted, "run.old-%d/lock", n);
        assert_false(scratch_exists(scratch_name(f, wanted)));
        flo_directory_close(&directory);
        snprintf(wanted, sizeof wanted, "run.old-%d/log.txt", n);
        char found[64];
        scratch_read(scratch_name(f, wanted), found, sizeof found);
        assert_int_equal(strncmp(found, text, strlen(text)), 0);
    }
}

/* A link to a large disk stays; what it points to moves there. */
static void fresh_through_a_link(void **state)
{
    scratch *const f = *state;
    char target[128];
    snprintf(target, sizeof target, "%s/disk", f->directory);
    assert_int_equal(mkdir(target, 0777), 0);
    assert_int_equal(symlink(target, f->run), 0);
    scratch_write(in_run(f, "log.txt"), "old");
    flo_directory *directory = opened(f, FLO_START_FRESH);
    flo_directory_close(&directory);
    struct stat about;
    assert_int_equal(lstat(f->run, &about), 0);
    assert_true(S_ISLNK(about.st_mode));
    assert_true(scratch_exists(scratch_name(f, "disk/checkpoints")));
    assert_true(scratch_exists(scratch_name(f, "disk.old-1/log.txt")));
}

static void fresh_does_not_move_the_working_directory(void **state)
{
    scratch *const f = *state;
    char before[4096];
    flo_directory *directory = opened(f, FLO_START_NEW), *none;
    ok(flo_directory_log(directory, "x"));
    flo_directory_close(&directory);
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(in_run(f, "samples")), 0);
    const flo_status status =
        flo_directory_open(f->context, "..", FLO_START_FRESH, &none);
    assert_int_equal(chdir(before), 0);
    refused(FLO_ERROR_USAGE, status, "start from another directory");
    assert_true(scratch_exists(in_run(f, "log.txt")));
}

static void a_second_process_is_refused(void **state)
{
    scratch *const f = *state;
    flo_directory *directory = opened(f, FLO_START_NEW), *none;
    const flo_start starts[] = {FLO_START_NEW, FLO_START_RESUME, FLO_START_FRESH};
    for (int i = 0; i < 3; i++)
        refused(FLO_ERROR_USAGE,
                flo_directory_open(f->context, f->run, starts[i], &none),
                "another process is writing this run");
    flo_directory_close(&directory);
    directory = opened(f, FLO_START_NEW);
    flo_directory_close(&directory);
}

static void what_stands_in_the_way_is_named(void **state)
{
    scratch *const f = *state;
    flo_directory *none;
    scratch_write(f->run, "a file");
    refused(FLO_ERROR_FILE,
            flo_directory_open(f->context, f->run, FLO_START_NEW, &none),
            "not a directory");
    refused(FLO_ERROR_FILE,
            flo_directory_open(f->context, in_run(f, "below"), FLO_START_NEW, &none),
            "not a directory");
    refused(FLO_ERROR_USAGE, flo_directory_open(f->context, "", FLO_START_NEW, &none),
            "run.directory is empty");
    unlink(f->run);
    flo_directory *directory = opened(f, FLO_START_NEW);
    flo_directory_close(&directory);
    rmdir(in_run(f, "samples"));
    scratch_write(in_run(f, "samples"), "a file");
    refused(FLO_ERROR_FILE,
            flo_directory_open(f->context, f->run, FLO_START_RESUME, &none), "samples");
}

static void the_status(void **state)
{
    scratch *const f = *state;
    char text[1024], word[16];
    flo_directory *directory = opened(f, FLO_START_NEW);
    flo_directory_state(directory, word, sizeof word);
    assert_string_equal(word, "");
    ok(flo_directory_status(directory, "running", 12, "no \"state\": \"gone\"\n"));
    flo_directory_state(directory, word, sizeof word);
    assert_string_equal(word, "running");
    scratch_read(in_run(f, "status.json"), text, sizeof text);
    assert_int_equal(
        strncmp(text, "{\"state\": \"running\", \"step\": 12, \"time\": \"2",
                strlen("{\"state\": \"running\", \"step\": 12, \"time\": \"2")),
        0);
    assert_non_null(strstr(
        text, "\"message\": \"no \\\"state\\\": \\\"gone\\\"\\n\", \"host\": \""));
    char tail[64];
    snprintf(tail, sizeof tail, ", \"pid\": %ld}\n", (long)getpid());
    assert_string_equal(text + strlen(text) - strlen(tail), tail);
    const char *const when = strstr(text, "\"time\": \"") + strlen("\"time\": \"");
    static const char form[] = "dddd-dd-ddTdd:dd:ddZ";
    for (size_t i = 0; i + 1 < sizeof form; i++)
        assert_true(form[i] == 'd' ? isdigit((unsigned char)when[i])
                                   : when[i] == form[i]);

    ok(flo_directory_progress(directory, 250));
    scratch_read(in_run(f, "status.json"), text, sizeof text);
    assert_ptr_equal(strstr(text, "{\"state\": \"running\", \"step\": 250, "), text);
    assert_non_null(strstr(text, "\"message\": \"\""));

    ok(flo_directory_status(directory, "finished", INT64_MAX, ""));
    flo_directory_state(directory, word, sizeof word);
    assert_string_equal(word, "finished");
    scratch_write(in_run(f, "status.json"), "{\n  \"state\": \"stopped\"\n}");
    flo_directory_state(directory, word, sizeof word);
    assert_string_equal(word, "stopped");
    scratch_write(in_run(f, "status.json"), "{\"sta");
    flo_directory_state(directory, word, sizeof word);
    assert_string_equal(word, "");
    flo_directory_close(&directory);
}

/* A message of any length, of bytes that grow most, fits. */
static void a_long_status_message(void **state)
{
    scratch *const f = *state;
    char message[FLO_MESSAGE_BYTES], *text = malloc(1 << 16);
    assert_non_null(text);
    memset(message, 1, sizeof message - 1);
    message[sizeof message - 1] = '\0';
    flo_directory *directory = opened(f, FLO_START_NEW);
    ok(flo_directory_status(directory, "failed", 1, message));
    scratch_read(in_run(f, "status.json"), text, 1 << 16);
    assert_true(strlen(text) > 6 * (sizeof message - 1));
    assert_string_equal(text + strlen(text) - 2, "}\n");
    flo_directory_close(&directory);
    free(text);
}

static void a_lost_run_is_left_alone(void **state)
{
    scratch *const f = *state;
    flo_directory *old, *new;
    setenv("SLURM_JOB_ID", "5", 1);
    old = opened(f, FLO_START_NEW);
    ok(flo_directory_status(old, "running", 1, "old"));
    setenv("SLURM_RESTART_COUNT", "1", 1);
    new = opened(f, FLO_START_RESUME);
    ok(flo_directory_status(new, "running", 2, "new"));
    refused(FLO_ERROR_USAGE, flo_directory_status(old, "running", 3, "old"),
            "taken this run over");
    ok(flo_directory_progress(old, 5));
    char text[1024];
    scratch_read(in_run(f, "status.json"), text, sizeof text);
    assert_non_null(strstr(text, "\"step\": 2,"));
    flo_directory_close(&old);
    ok(flo_directory_status(new, "running", 4, "new"));
    flo_directory_close(&new);
}

/* A name given out stays valid while other calls of the directory use names. */
static void a_name_stays_valid(void **state)
{
    scratch *const f = *state;
    char word[16], copy[256];
    flo_directory *directory = opened(f, FLO_START_NEW);
    const char *const name = flo_directory_file(directory, "samples/x.h5");
    snprintf(copy, sizeof copy, "%s", name);
    ok(flo_directory_status(directory, "running", 1, name));
    flo_directory_state(directory, word, sizeof word);
    ok(flo_directory_metrics(directory, "{\"step\": 1}"));
    ok(flo_directory_log(directory, "x"));
    ok(flo_directory_cut_metrics(directory, 1));
    assert_string_equal(name, copy);
    flo_directory_close(&directory);
}

static void lines_are_appended(void **state)
{
    scratch *const f = *state;
    char text[256];
    flo_directory *directory = opened(f, FLO_START_NEW);
    ok(flo_directory_metrics(directory, "{\"step\": 1}"));
    ok(flo_directory_metrics(directory, "{\"step\": 2}"));
    ok(flo_directory_log(directory, "a"));
    ok(flo_directory_log(directory, ""));
    ok(flo_directory_log(directory, "b"));
    assert_string_equal(scratch_read(in_run(f, "metrics.jsonl"), text, sizeof text),
                        "{\"step\": 1}\n{\"step\": 2}\n");
    assert_string_equal(scratch_read(in_run(f, "log.txt"), text, sizeof text),
                        "a\n\nb\n");
    flo_directory_close(&directory);
}

/* A full disk: no half line is left, and lines of metrics are kept until there is room.
 */
static void a_full_disk_costs_no_line(void **state)
{
    scratch *const f = *state;
    char text[256];
    flo_directory *directory = opened(f, FLO_START_NEW);
    ok(flo_directory_metrics(directory, "{\"step\": 1}"));
    struct rlimit before, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 16;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    const flo_status status[3] = {flo_directory_metrics(directory, "{\"step\": 2}"),
                                  flo_directory_metrics(directory, "{\"step\": 3}"),
                                  flo_directory_metrics_kept(directory)};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_DFL);
    for (int i = 0; i < 3; i++)
        refused(FLO_ERROR_FILE, status[i], "metrics.jsonl: write: ");
    assert_string_equal(scratch_read(in_run(f, "metrics.jsonl"), text, sizeof text),
                        "{\"step\": 1}\n");
    ok(flo_directory_metrics_kept(directory));
    ok(flo_directory_metrics_kept(directory)); /* nothing is kept any more */
    ok(flo_directory_metrics(directory, "{\"step\": 4}"));
    assert_string_equal(scratch_read(in_run(f, "metrics.jsonl"), text, sizeof text),
                        "{\"step\": 1}\n{\"step\": 2}\n{\"step\": 3}\n{\"step\": 4}\n");
    assert_int_equal(mkdir(in_run(f, "log.txt"), 0777), 0);
    refused(FLO_ERROR_FILE, flo_directory_log(directory, "x"), "open: Is a directory");
    flo_directory_close(&directory);
}

static void metrics_are_cut(void **state)
{
    scratch *const f = *state;
    static const struct {
        const char *text;
        int64_t step;
        const char *wanted;
    } rows[] = {
        {"", 5, ""},
        {"{\"step\": 1}\n{\"step\": 2}\n", 2, "{\"step\": 1}\n{\"step\": 2}\n"},
        {"{\"step\": 1}\n{\"step\": 2}\n", 1, "{\"step\": 1}\n"},
        {"{\"step\": 1}\n{\"step\": 2}\n", 0, ""},
        {"{\"step\": 1}\n{\"step\": 10}\n", 9, "{\"step\": 1}\n"},
        {"{\"step\":1,\"x\":9}\n", 1, "{\"step\":1,\"x\":9}\n"},
        {"{\"last_step\": 9, \"step\": 1}\n", 1, "{\"last_step\": 9, \"step\": 1}\n"},
        {"{\"step\": 1}\n{\"step\": 2", 9, "{\"step\": 1}\n"},  /* killed in a line */
        {"{\"step\": 1}\n{\"step\": 2}", 9, "{\"step\": 1}\n"}, /* no newline yet */
        {"{\"step\": 1}\n{\"ste\n", 9, "{\"step\": 1}\n"},
        {"{\"step\": 1}\n{\"step\": }\n", 9, "{\"step\": 1}\n"},
        {"{\"step\": 1}\n\n\n", 9, "{\"step\": 1}\n"},
    };
    char text[256];
    flo_directory *directory = opened(f, FLO_START_NEW);
    ok(flo_directory_cut_metrics(directory, 3)); /* no file: nothing to cut */
    assert_false(scratch_exists(in_run(f, "metrics.jsonl")));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        scratch_write(in_run(f, "metrics.jsonl"), rows[i].text);
        ok(flo_directory_cut_metrics(directory, rows[i].step));
        assert_string_equal(scratch_read(in_run(f, "metrics.jsonl"), text, sizeof text),
                            rows[i].wanted);
    }
    unlink(in_run(f, "metrics.jsonl"));
    assert_int_equal(mkdir(in_run(f, "metrics.jsonl"), 0777), 0);
    refused(FLO_ERROR_FILE, flo_directory_cut_metrics(directory, 3), "metrics.jsonl");
    flo_directory_close(&directory);
}

/* Zeros, as some file systems leave at the end of a file after a power cut. */
static void metrics_with_zeros_are_cut(void **state)
{
    scratch *const f = *state;
    static const char bytes[] = "{\"step\": 1}\n\0\0\0\0\0\n\0\0";
    char text[256];
    flo_directory *directory = opened(f, FLO_START_NEW);
    FILE *const file = fopen(in_run(f, "metrics.jsonl"), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, sizeof bytes, file), sizeof bytes);
    fclose(file);
    ok(flo_directory_cut_metrics(directory, 3));
    ok(flo_directory_metrics(directory, "{\"step\": 2}"));
    assert_string_equal(scratch_read(in_run(f, "metrics.jsonl"), text, sizeof text),
                        "{\"step\": 1}\n{\"step\": 2}\n");
    flo_directory_close(&directory);
}

static void failing_allocations(void **state)
{
    scratch *const f = *state;
    flo_directory *directory;
    int failures = 0;
    for (flo_status status = FLO_ERROR_MEMORY; status != FLO_OK; failures++) {
        f->context->fail_at = f->context->made + failures + 1;
        status = flo_directory_open(f->context, f->run, FLO_START_NEW, &directory);
        f->context->fail_at = 0;
        assert_true(status == FLO_OK || status == FLO_ERROR_MEMORY);
        assert_true(status == FLO_OK || f->context->live == 0);
    }
    assert_true(failures > 5);
    flo_directory_close(&directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(a_new_run),
        SCRATCH_TEST(nothing_written_is_no_run),
        SCRATCH_TEST(any_sign_of_a_run_refuses_a_new_one),
        SCRATCH_TEST(fresh_moves_the_old_run_aside),
        SCRATCH_TEST(fresh_through_a_link),
        SCRATCH_TEST(fresh_does_not_move_the_working_directory),
        SCRATCH_TEST(a_second_process_is_refused),
        SCRATCH_TEST(what_stands_in_the_way_is_named),
        SCRATCH_TEST(the_status),
        SCRATCH_TEST(a_long_status_message),
        SCRATCH_TEST(a_lost_run_is_left_alone),
        SCRATCH_TEST(a_name_stays_valid),
        SCRATCH_TEST(lines_are_appended),
        SCRATCH_TEST(a_full_disk_costs_no_line),
        SCRATCH_TEST(metrics_are_cut),
        SCRATCH_TEST(metrics_with_zeros_are_cut),
        SCRATCH_TEST(failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
