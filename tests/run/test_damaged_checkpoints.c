/* Of three checkpoints some are damaged, anywhere: the newest whole one is found, and
   what is given out are its bytes. */
#include "core/random.h"
#include "hdf5/image.h"
#include "hdf5/sealed_file.h"
#include "run/checkpoints.h"
#include "run/scratch.h"

#include <fcntl.h>

enum { STEPS = 3, VALUES = 1500, FLIPS = 1000 };

/* A checkpoint as training writes it: named arrays and numbers, sealed. */
typedef struct checkpoint {
    void *bytes; /* [size + FLO_SEAL_BYTES] */
    size_t size;
} checkpoint;

typedef struct run {
    scratch *f;
    flo_directory *directory;
    checkpoint of[STEPS]; /* of steps 1, 2, 3 */
    int64_t found, refused;
} run;

static checkpoint make(scratch *f, int64_t step)
{
    flo_image *image;
    double values[VALUES];
    checkpoint made;
    const int64_t shape[1] = {VALUES};
    for (int i = 0; i < VALUES; i++)
        values[i] = (double)step + 0.001 * i;
    ok(flo_image_create(f->context, &image));
    ok(flo_image_add(image, "parameters/weight", FLO_ELEMENT_DOUBLE, 1, shape, values));
    ok(flo_image_add(image, "optimizer/first", FLO_ELEMENT_FLOAT, 1, shape, values));
    ok(flo_image_set_integer(image, "/", "step", step));
    ok(flo_image_finish(&image, FLO_SEAL_BYTES, &made.bytes, &made.size));
    flo_seal(made.bytes, made.size);
    return made;
}

static run set_up_run(scratch *f)
{
    run r = {.f = f};
    ok(flo_directory_open(f->context, f->run, FLO_START_RESUME, &r.directory));
    for (int i = 0; i < STEPS; i++) {
        r.of[i] = make(f, i + 1);
        ok(flo_sealed_write(f->context, flo_checkpoints_name(r.directory, i + 1),
                            r.of[i].bytes, r.of[i].size));
    }
    return r;
}

static void end_run(run *r)
{
    for (int i = 0; i < STEPS; i++)
        flo_free(r->f->context, &r->of[i].bytes);
    flo_directory_close(&r->directory);
}

/* The first `size` bytes of a step's file are put there anew. */
static void put(run *r, int64_t step, const void *bytes, size_t size)
{
    const int file = open(flo_checkpoints_name(r->directory, step), O_WRONLY | O_TRUNC);
    assert_true(file >= 0);
    assert_int_equal(write(file, bytes, size), size);
    close(file);
}

static void restore(run *r, int64_t step)
{
    put(r, step, r->of[step - 1].bytes, r->of[step - 1].size + FLO_SEAL_BYTES);
}

static void flip(run *r, int64_t step, uint64_t bit)
{
    const size_t total = r->of[step - 1].size + FLO_SEAL_BYTES;
    const size_t at = (size_t)(bit / 8 % total);
    unsigned char byte = ((unsigned char *)r->of[step - 1].bytes)[at];
    byte ^= (unsigned char)(1U << (bit % 8));
    const int file = open(flo_checkpoints_name(r->directory, step), O_WRONLY);
    assert_true(file >= 0);
    assert_int_equal(pwrite(file, &byte, 1, (off_t)at), 1);
    close(file);
}

static void count_skipped(const char *path, const char *reason, void *argument)
{
    assert_non_null(strstr(reason, path)); /* which one, and why */
    ++*(int64_t *)argument;
}

/* Where only the steps in the set `whole` (bit step - 1) are whole. */
static void assert_newest(run *r, unsigned whole)
{
    char *path;
    int64_t step, skipped = 0, wanted = STEPS;
    void *bytes;
    size_t size;
    while (wanted > 0 && !(whole >> (wanted - 1) & 1))
        wanted--;
    const flo_status status = flo_checkpoints_newest(
        r->directory, count_skipped, &skipped, &path, &step, &bytes, &size);
    r->refused += skipped;
    assert_int_equal(skipped, STEPS - wanted);
    scratch *const f = r->f;
    if (!wanted) {
        refused(FLO_ERROR_FILE, status, "none of its 3 checkpoints is whole");
        assert_null(bytes);
        return;
    }
    ok(status);
    assert_int_equal(step, wanted);
    assert_int_equal(size, r->of[step - 1].size);
    assert_memory_equal(bytes, r->of[step - 1].bytes, size);
    flo_free(f->context, &bytes);
    flo_free(f->context, &path);
    r->found++;
}

/* A bit anywhere in the newest, in the one before it, or in several: each set of
   damaged ones in turn. */
static void flipped_bits(void **state)
{
    run r = set_up_run(*state);
    for (uint32_t n = 0; n < FLIPS; n++) {
        const unsigned damaged = n % 8;
        const flo_random_key key = {.seed = 7, .purpose = FLO_RANDOM_SPLIT, .a = n};
        for (int64_t step = 1; step <= STEPS; step++)
            if (damaged >> (step - 1) & 1)
                flip(&r, step, flo_random_bits(key, (uint64_t)step));
        assert_newest(&r, ~damaged);
        for (int64_t step = 1; step <= STEPS; step++)
            restore(&r, step);
    }
    assert_newest(&r, 7);
    end_run(&r);
}

/* Every length of the end of the newest, and every 61st of the rest. */
static void cuts(void **state)
{
    run r = set_up_run(*state);
    const size_t total = r.of[2].size + FLO_SEAL_BYTES;
    int64_t count = 0;
    for (size_t size = 0; size < total; size += size + 200 < total ? 61 : 1, count++) {
        put(&r, STEPS, r.of[2].bytes, size);
        assert_newest(&r, 3);
    }
    assert_int_equal(r.refused, count);
    assert_int_equal(r.found, count);
    assert_true(count > 300);
    /* A whole one behind another, as a write that was not cut off leaves it. */
    restore(&r, STEPS);
    const int file =
        open(flo_checkpoints_name(r.directory, STEPS), O_WRONLY | O_APPEND);
    assert_int_equal(write(file, r.of[1].bytes, r.of[1].size + FLO_SEAL_BYTES),
                     r.of[1].size + FLO_SEAL_BYTES);
    close(file);
    assert_newest(&r, 3);
    end_run(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(flipped_bits),
        SCRATCH_TEST(cuts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
