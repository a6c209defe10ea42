/* What is put into an image comes out of it; the same calls give the same bytes. */
#include "hdf5/image.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct fixture {
    flo_context *context;
} fixture;

static int set_up(void **state)
{
    fixture *const f = calloc(1, sizeof *f);
    *state = f;
    return f && flo_context_create(&f->context) == FLO_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    fixture *const f = *state;
    const int64_t live = flo_context_destroy(&f->context);
    free(f);
    return live == 0 ? 0 : -1;
}

/* Test: a call succeeds, else its message is shown. */
#define ok(call)                                                                       \
    do {                                                                               \
        if ((call) != FLO_OK)                                                          \
            fail_msg("%s: %s", #call, flo_context_message(f->context));                \
    } while (0)

/* Test: a call fails with this status and a message that holds `part`. */
#define refused(status, call, part)                                                    \
    do {                                                                               \
        assert_int_equal(call, status);                                                \
        if (!strstr(flo_context_message(f->context), part))                            \
            fail_msg("'%s' not in: %s", part, flo_context_message(f->context));        \
    } while (0)

static void finish(fixture *f, flo_image **image, void **bytes, size_t *size)
{
    ok(flo_image_finish(image, 32, bytes, size));
    assert_null(*image);
}

/* An image with a bit of everything. */
static flo_image *build(fixture *f)
{
    flo_image *image;
    const float weight[6] = {1, 2, 3, 4, 5, -0.5f};
    const int64_t shape[2] = {2, 3}, none[2] = {0, 4};
    const double scalar = 1e-300;
    const int64_t wide = INT64_MIN;
    const int32_t narrow[3] = {-1, 0, INT32_MAX};
    const int64_t three = 3;
    ok(flo_image_create(f->context, &image));
    ok(flo_image_add(image, "parameters/03_affine/weight", FLO_ELEMENT_FLOAT, 2, shape,
                     weight));
    ok(flo_image_add(image, "parameters/03_affine/empty", FLO_ELEMENT_FLOAT, 2, none,
                     NULL));
    ok(flo_image_add(image, "scalar", FLO_ELEMENT_DOUBLE, 0, NULL, &scalar));
    ok(flo_image_add(image, "state/wide", FLO_ELEMENT_INT64, 0, NULL, &wide));
    ok(flo_image_add(image, "state/narrow", FLO_ELEMENT_INT32, 1, &three, narrow));
    ok(flo_image_set_integer(image, "/", "step", INT64_MAX));
    ok(flo_image_set_double(image, "parameters", "best", -1.25));
    ok(flo_image_set_text(image, "state/wide", "name", "Füße \"quoted\"\n"));
    ok(flo_image_set_text(image, "/", "nothing", ""));
    return image;
}

static void what_is_added_is_read_back(void **state)
{
    fixture *const f = *state;
    flo_image *image = build(f);
    void *bytes;
    size_t size;
    finish(f, &image, &bytes, &size);
    ok(flo_image_open(f->context, "a.h5", bytes, size, &image));

    float weight[6];
    int rank;
    int64_t shape[8];
    ok(flo_image_shape(image, "parameters/03_affine/weight", &rank, shape));
    assert_int_equal(rank, 2);
    assert_int_equal(shape[0], 2);
    assert_int_equal(shape[1], 3);
    ok(flo_image_read(image, "parameters/03_affine/weight", FLO_ELEMENT_FLOAT, 6,
                      weight));
    const float wanted[6] = {1, 2, 3, 4, 5, -0.5f};
    assert_memory_equal(weight, wanted, sizeof weight);

    ok(flo_image_shape(image, "/parameters/03_affine/empty", &rank, shape));
    assert_int_equal(shape[0], 0);
    ok(flo_image_read(image, "parameters/03_affine/empty", FLO_ELEMENT_FLOAT, 0, NULL));

    double scalar = 0;
    ok(flo_image_shape(image, "scalar", &rank, shape));
    assert_int_equal(rank, 0);
    ok(flo_image_read(image, "scalar", FLO_ELEMENT_DOUBLE, 1, &scalar));
    assert_true(scalar == 1e-300);

    int64_t integer = 0, three[3];
    ok(flo_image_read(image, "state/wide", FLO_ELEMENT_INT64, 1, &integer));
    assert_true(integer == INT64_MIN);
    ok(flo_image_read(image, "state/narrow", FLO_ELEMENT_INT64, 3, three));
    assert_true(three[0] == -1 && three[1] == 0 && three[2] == INT32_MAX);
    ok(flo_image_get_integer(image, "/", "step", &integer));
    assert_true(integer == INT64_MAX);
    ok(flo_image_get_double(image, "parameters", "best", &scalar));
    assert_true(scalar == -1.25);

    char *text;
    ok(flo_image_get_text(image, "state/wide", "name", &text));
    assert_string_equal(text, "Füße \"quoted\"\n");
    flo_free(f->context, &text);
    ok(flo_image_get_text(image, "/", "nothing", &text));
    assert_string_equal(text, "");
    flo_free(f->context, &text);

    flo_image_destroy(&image);
    assert_null(image);
    flo_image_destroy(&image);
    flo_free(f->context, &bytes);
}

/* Arrays of more than the memory that a file begins with, from time to time a small
   one; what is behind the file may be written. */
static void a_file_grows(void **state)
{
    fixture *const f = *state;
    enum { LARGE = 700000, ARRAYS = 4, SPARE = 32 };
    const int64_t count = LARGE, one = 1;
    int32_t *values, *found;
    flo_image *image;
    void *bytes;
    size_t size;
    ok(flo_allocate(f->context, LARGE, sizeof *values, &values));
    ok(flo_allocate(f->context, LARGE, sizeof *found, &found));
    ok(flo_image_create(f->context, &image));
    for (int k = 0; k < ARRAYS; k++) {
        char large[] = "large/0", small[] = "small/0";
        large[6] = small[6] = (char)('0' + k);
        for (int i = 0; i < LARGE; i++)
            values[i] = i * (k + 3);
        ok(flo_image_add(image, large, FLO_ELEMENT_INT32, 1, &count, values));
        ok(flo_image_add(image, small, FLO_ELEMENT_INT32, 1, &one, values + k + 1));
    }
    ok(flo_image_finish(&image, SPARE, &bytes, &size));
    assert_in_range(size, ARRAYS * LARGE * sizeof *values,
                    ARRAYS * LARGE * sizeof *values + 100000);
    memset((char *)bytes + size, 0xee, SPARE);
    ok(flo_image_open(f->context, "a.h5", bytes, size, &image));
    for (int k = 0; k < ARRAYS; k++) {
        char large[] = "large/0", small[] = "small/0";
        large[6] = small[6] = (char)('0' + k);
        ok(flo_image_read(image, large, FLO_ELEMENT_INT32, LARGE, found));
        for (int i = 0; i < LARGE; i++)
            if (found[i] != i * (k + 3))
                fail_msg("%s, element %d: %d", large, i, (int)found[i]);
        ok(flo_image_read(image, small, FLO_ELEMENT_INT32, 1, found));
        assert_int_equal(found[0], (k + 1) * (k + 3));
    }
    flo_image_destroy(&image);
    flo_free(f->context, &bytes);
    flo_free(f->context, &values);
    flo_free(f->context, &found);
}

static void presence(void **state)
{
    fixture *const f = *state;
    flo_image *image = build(f);
    assert_true(flo_image_has(image, "/"));
    assert_true(flo_image_has(image, "parameters"));
    assert_true(flo_image_has(image, "parameters/03_affine/weight"));
    assert_false(flo_image_has(image, "parameters/03_affine/bias"));
    assert_false(flo_image_has(image, "nothing/here"));
    flo_image_destroy(&image);
}

static void numbers_are_converted(void **state)
{
    fixture *const f = *state;
    flo_image *image = build(f);
    double weight[6];
    float three[3];
    ok(flo_image_read(image, "parameters/03_affine/weight", FLO_ELEMENT_DOUBLE, 6,
                      weight));
    assert_true(weight[5] == -0.5);
    ok(flo_image_read(image, "state/narrow", FLO_ELEMENT_FLOAT, 3, three));
    assert_true(three[0] == -1.0f);
    flo_image_destroy(&image);
}

/* Two images alive at a time, even of the same name, are two files; and neither time
   nor address nor what the heap held before goes into the bytes. */
static void same_calls_give_same_bytes(void **state)
{
    fixture *const f = *state;
    void *first, *second;
    size_t size, other;
    flo_image *image = build(f);
    finish(f, &image, &first, &size);
    sleep(1); /* times are stored in seconds */
    char *dirt = malloc(1 << 20);
    assert_non_null(dirt);
    memset(dirt, 0xa5, 1 << 20);
    free(dirt);
    flo_image *between = build(f);
    image = build(f);
    ok(flo_image_set_integer(between, "scalar", "extra", 1));
    finish(f, &image, &second, &other);
    assert_int_equal(size, other);
    assert_memory_equal(first, second, size);

    void *third;
    finish(f, &between, &third, &other);
    flo_image *one, *two;
    int64_t extra = 0;
    ok(flo_image_open(f->context, "same.h5", first, size, &one));
    ok(flo_image_open(f->context, "same.h5", third, other, &two));
    ok(flo_image_get_integer(two, "scalar", "extra", &extra));
    assert_int_equal(extra, 1);
    refused(FLO_ERROR_FILE, flo_image_get_integer(one, "scalar", "extra", &extra),
            "no attribute extra");
    flo_image_destroy(&one);
    flo_image_destroy(&two);
    assert_memory_equal(first, second, size); /* reading wrote nothing into it */
    flo_free(f->context, &first);
    flo_free(f->context, &second);
    flo_free(f->context, &third);
}

static char *long_text(size_t length)
{
    char *const text = malloc(length + 1);
    assert_non_null(text);
    for (size_t i = 0; i < length; i++)
        text[i] = (char)('a' + i % 26);
    text[length] = '\0';
    return text;
}

static void long_texts(void **state)
{
    fixture *const f = *state;
    flo_image *image;
    ok(flo_image_create(f->context, &image));
    char *const attribute = long_text(FLO_IMAGE_TEXT_BYTES);
    char *const config = long_text(200 * 1000);
    ok(flo_image_set_text(image, "/", "first", attribute));
    ok(flo_image_set_text(image, "/", "second", attribute));
    ok(flo_image_add_text(image, "config", config));
    ok(flo_image_add_text(image, "empty", ""));
    refused(FLO_ERROR_INTERNAL, flo_image_set_text(image, "/", "third", config),
            "flo_image_add_text");
    void *bytes;
    size_t size;
    finish(f, &image, &bytes, &size);
    ok(flo_image_open(f->context, "long.h5", bytes, size, &image));
    char *text;
    ok(flo_image_read_text(image, "config", &text));
    assert_string_equal(text, config);
    flo_free(f->context, &text);
    ok(flo_image_read_text(image, "empty", &text));
    assert_string_equal(text, "");
    flo_free(f->context, &text);
    ok(flo_image_get_text(image, "/", "second", &text));
    assert_string_equal(text, attribute);
    flo_free(f->context, &text);
    flo_image_destroy(&image);
    flo_free(f->context, &bytes);
    free(attribute);
    free(config);
}

static void what_is_missing_or_other_is_named(void **state)
{
    fixture *const f = *state;
    flo_image *image = build(f);
    void *bytes;
    size_t size;
    finish(f, &image, &bytes, &size);
    ok(flo_image_open(f->context, "runs/x.h5", bytes, size, &image));
    double values[6];
    int64_t integer, shape[8];
    int rank;
    char *text;
    const char *const weight = "parameters/03_affine/weight";
    refused(FLO_ERROR_FILE,
            flo_image_read(image, "parameters/no", FLO_ELEMENT_DOUBLE, 6, values),
            "runs/x.h5: no array parameters/no");
    refused(FLO_ERROR_FILE, flo_image_shape(image, "parameters", &rank, shape),
            "no array parameters");
    refused(FLO_ERROR_FILE,
            flo_image_read(image, weight, FLO_ELEMENT_DOUBLE, 5, values),
            "array parameters/03_affine/weight has 6 elements, wanted 5");
    refused(FLO_ERROR_FILE, flo_image_read(image, weight, FLO_ELEMENT_INT64, 6, values),
            "wanted 64-bit integers");
    refused(FLO_ERROR_FILE,
            flo_image_read(image, "state/wide", FLO_ELEMENT_INT32, 1, values),
            "wanted 32-bit integers");
    refused(FLO_ERROR_FILE, flo_image_get_integer(image, "/", "epoch", &integer),
            "no attribute epoch of /");
    refused(FLO_ERROR_FILE, flo_image_get_integer(image, "/", "nothing", &integer),
            "attribute nothing of / has elements of another type");
    refused(FLO_ERROR_FILE,
            flo_image_get_integer(image, "parameters", "best", &integer),
            "wanted 64-bit integers");
    refused(FLO_ERROR_FILE, flo_image_get_text(image, "/", "step", &text),
            "is not a text");
    assert_null(text);
    refused(FLO_ERROR_FILE, flo_image_read_text(image, weight, &text), "is not a text");
    refused(FLO_ERROR_FILE, flo_image_read_text(image, "no", &text), "no array no");
    flo_image_destroy(&image);
    flo_free(f->context, &bytes);
}

static void what_cannot_be_added(void **state)
{
    fixture *const f = *state;
    flo_image *image = build(f);
    const int64_t shape[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1}, negative = -1;
    const float one = 1;
    refused(FLO_ERROR_INTERNAL,
            flo_image_add(image, "scalar", FLO_ELEMENT_FLOAT, 0, NULL, &one), "scalar");
    refused(FLO_ERROR_INTERNAL,
            flo_image_add(image, "scalar/below", FLO_ELEMENT_FLOAT, 0, NULL, &one),
            "scalar/below");
    refused(FLO_ERROR_INTERNAL,
            flo_image_add(image, "nine", FLO_ELEMENT_FLOAT, 9, shape, &one), "rank 9");
    refused(FLO_ERROR_INTERNAL,
            flo_image_add(image, "less", FLO_ELEMENT_FLOAT, 1, &negative, &one),
            "less");
    ok(flo_image_add(image, "eight", FLO_ELEMENT_FLOAT, 8, shape, &one));
    refused(FLO_ERROR_INTERNAL, flo_image_set_integer(image, "/", "step", 1),
            "attribute step");
    refused(FLO_ERROR_INTERNAL, flo_image_set_double(image, "absent", "x", 1),
            "absent");
    flo_image_destroy(&image);
}

/* Bytes that are no HDF5 file, and every third cut of one. */
static void damaged_bytes_are_refused(void **state)
{
    fixture *const f = *state;
    flo_image *image = build(f);
    void *bytes;
    size_t size;
    finish(f, &image, &bytes, &size);
    for (size_t cut = 0; cut < size; cut += 3)
        refused(FLO_ERROR_FILE,
                flo_image_open(f->context, "cut.h5", bytes, cut, &image), "cut.h5");
    assert_null(image);
    flo_free(f->context, &bytes);
}

/* HDF5 prints nothing of its own, and the application's setting comes back. */
static void failures_are_silent(void **state)
{
    fixture *const f = *state;
    FILE *const caught = tmpfile();
    assert_non_null(caught);
    fflush(stderr);
    const int before = dup(STDERR_FILENO);
    dup2(fileno(caught), STDERR_FILENO);
    flo_image *image, *none;
    int64_t value;
    const flo_status made = flo_image_create(f->context, &image);
    const flo_status got = flo_image_get_integer(image, "/", "absent", &value);
    const flo_status set = flo_image_set_integer(image, "absent", "absent", 0);
    const flo_status opened = flo_image_open(f->context, "no.h5", "text", 4, &none);
    flo_image_destroy(&image);
    fflush(stderr);
    dup2(before, STDERR_FILENO);
    close(before);
    fseek(caught, 0, SEEK_END);
    const long printed = ftell(caught);
    fclose(caught);
    assert_int_equal(made, FLO_OK);
    assert_int_equal(got, FLO_ERROR_FILE);
    assert_int_equal(set, FLO_ERROR_INTERNAL);
    assert_int_equal(opened, FLO_ERROR_FILE);
    assert_int_equal(printed, 0);
}

/* Every allocation of ours fails once; nothing is lost. */
static void failing_allocations(void **state)
{
    fixture *const f = *state;
    int64_t failures = 0;
    for (int64_t n = 1;; n++) {
        flo_image *image = NULL, *again = NULL;
        void *bytes = NULL;
        size_t size;
        char *text = NULL;
        f->context->fail_at = f->context->made + n;
        flo_status status = flo_image_create(f->context, &image);
        if (status == FLO_OK)
            status = flo_image_add_text(image, "text", "x");
        if (status == FLO_OK)
            status = flo_image_finish(&image, 0, &bytes, &size);
        if (status == FLO_OK)
            status = flo_image_open(f->context, "a.h5", bytes, size, &again);
        if (status == FLO_OK)
            status = flo_image_read_text(again, "text", &text);
        f->context->fail_at = 0;
        flo_free(f->context, &text);
        flo_image_destroy(&again);
        flo_image_destroy(&image);
        flo_free(f->context, &bytes);
        if (status == FLO_OK)
            break;
        assert_int_equal(status, FLO_ERROR_MEMORY);
        assert_int_equal(f->context->live, 0);
        failures++;
    }
    assert_int_equal(failures, 7);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_is_added_is_read_back),
        TEST(a_file_grows),
        TEST(presence),
        TEST(numbers_are_converted),
        TEST(same_calls_give_same_bytes),
        TEST(long_texts),
        TEST(what_is_missing_or_other_is_named),
        TEST(what_cannot_be_added),
        TEST(damaged_bytes_are_refused),
        TEST(failures_are_silent),
        TEST(failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
