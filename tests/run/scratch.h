/* A context and an empty directory for each test, and what tests say of calls. */
#ifndef FLO_TESTS_RUN_SCRATCH_H
#define FLO_TESTS_RUN_SCRATCH_H

#include "core/context.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct scratch {
    flo_context *context;
    char directory[64];
    char run[96]; /* a path in it, not made yet */
    char name[512];
} scratch;

/* "DIRECTORY/NAME", until the next call. */
static inline const char *scratch_name(scratch *f, const char *name)
{
    snprintf(f->name, sizeof f->name, "%s/%s", f->directory, name);
    return f->name;
}

static inline int scratch_set_up(void **state)
{
    scratch *const f = calloc(1, sizeof *f);
    *state = f;
    if (!f || flo_context_create(&f->context) != FLO_OK)
        return -1;
    unsetenv("SLURM_JOB_ID"); /* the tests may run in a job themselves */
    unsetenv("SLURM_RESTART_COUNT");
    snprintf(f->directory, sizeof f->directory, "/tmp/flotilla-run-test-XXXXXX");
    if (!mkdtemp(f->directory))
        return -1;
    snprintf(f->run, sizeof f->run, "%s/run", f->directory);
    return 0;
}

static inline int scratch_remove(const char *path, const struct stat *about, int kind,
                                 struct FTW *where)
{
    (void)about, (void)kind, (void)where;
    return remove(path);
}

static inline int scratch_tear_down(void **state)
{
    scratch *const f = *state;
    const int64_t live = flo_context_destroy(&f->context);
    nftw(f->directory, scratch_remove, 16, FTW_DEPTH | FTW_PHYS);
    free(f);
    return live == 0 ? 0 : -1;
}

#define SCRATCH_TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, scratch_set_up, scratch_tear_down)

/* The call succeeds; else its message is shown. */
#define ok(call)                                                                       \
    do {                                                                               \
        if ((call) != FLO_OK)                                                          \
            fail_msg("%s: %s", #call, flo_context_message(f->context));                \
    } while (0)

/* The call fails with this status and a message that holds `part`. */
#define refused(status, call, part)                                                    \
    do {                                                                               \
        assert_int_equal(call, status);                                                \
        if (!strstr(flo_context_message(f->context), part))                            \
            fail_msg("'%s' not in: %s", part, flo_context_message(f->context));        \
    } while (0)

static inline void scratch_write(const char *path, const char *text)
{
    FILE *const file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

/* The text of a file into text [size]; "" when there is no file. */
static inline const char *scratch_read(const char *path, char *text, size_t size)
{
    FILE *const file = fopen(path, "rb");
    const size_t got = file ? fread(text, 1, size - 1, file) : 0;
    text[got] = '\0';
    if (file)
        fclose(file);
    return text;
}

static inline int scratch_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

#endif
