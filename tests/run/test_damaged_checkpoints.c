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

static int opened(run *r, int64_t step)
{
    const int file = open(flo_checkpoints_name(r->directory, step), O_WRONLY);
    assert_true(file >= 0);
    return file;
}

/* Flips a bit of a step's file; the second time it is whole again. */
static void flip(run *r, int64_t step, uint64_t bit, bool damaged)
{
    const size_t at = (size_t)(bit / 8 % (r->of[step - 1].size + FLO_SEAL_BYTES));
    unsigned char byte = ((unsigned char *)r->of[step - 1].bytes)[at];
    if (damaged)
        byte ^= (unsigned char)(1U << (bit % 8));
    const int file = opened(r, step);
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
            flip(&r, step, flo_random_bits(key, (uint64_t)step),
                 damaged >> (step - 1) & 1);
        assert_newest(&r, ~damaged);
        for (int64_t step = 1; step <= STEPS; step++)
            flip(&r, step, flo_random_bits(key, (uint64_t)step), false);
    }
    assert_newest(&r, 7);
    end_run(&r);
}

/* Every length of the end of the newest, and every 61st of the rest. */
static void cuts(void **state)
{
    run r = set_up_run(*state);
    const checkpoint *const newest = &r.of[STEPS - 1];
    const size_t total = newest->size + FLO_SEAL_BYTES;
    const int file = opened(&r, STEPS);
    int64_t count = 0;
    for (size_t cut = 1; cut <= total; cut += cut < 200 ? 1 : 61, count++) {
        assert_int_equal(ftruncate(file, (off_t)(total - cut)), 0);
        assert_newest(&r, 3);
    }
    assert_true(count > 300);
    assert_int_equal(r.refused, count);
    assert_int_equal(r.found, count);
    /* Whole, and then with another behind it, as two writers would leave it. */
    assert_int_equal(pwrite(file, newest->bytes, total, 0), total);
    assert_newest(&r, 7);
    assert_int_equal(
        pwrite(file, r.of[0].bytes, r.of[0].size + FLO_SEAL_BYTES, (off_t)total),
        r.of[0].size + FLO_SEAL_BYTES);
    assert_newest(&r, 3);
    close(file);
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
