/* The context: messages, aligned and zeroed memory, the count of live allocations, the
   n-th allocation that fails. */
#include "core/context.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static flo_context *new_context(void)
{
    flo_context *context = NULL;
    assert_int_equal(flo_context_create(&context), FLO_OK);
    assert_non_null(context);
    return context;
}

static void every_status_has_a_text(void **state)
{
    (void)state;
    for (int s = 0; s < FLO_STATUSES; s++) {
        assert_non_null(flo_status_text((flo_status)s));
        assert_string_not_equal(flo_status_text((flo_status)s), "unknown status");
        for (int other = 0; other < s; other++)
            assert_string_not_equal(flo_status_text((flo_status)s),
                                    flo_status_text((flo_status)other));
    }
    assert_string_equal(flo_status_text(FLO_STATUSES), "unknown status");
}

static void destroy_takes_null_and_sets_null(void **state)
{
    (void)state;
    flo_context *context = NULL;
    assert_int_equal(flo_context_destroy(&context), 0);
    context = new_context();
    assert_int_equal(flo_context_destroy(&context), 0);
    assert_null(context);
}

static void a_failure_is_passed_on_with_its_message(void **state)
{
    (void)state;
    flo_context *context = new_context();
    assert_string_equal(flo_context_message(context), "");
    assert_int_equal(flo_fail(context, FLO_ERROR_DATA, "row %d of %s", 7, "a.h5"),
                     FLO_ERROR_DATA);
    assert_string_equal(flo_context_message(context), "row 7 of a.h5");
    assert_int_equal(flo_fail(context, FLO_ERROR_FILE, "other"), FLO_ERROR_FILE);
    assert_string_equal(flo_context_message(context), "other");
    assert_int_equal(flo_context_destroy(&context), 0);
}

static void a_long_message_is_cut(void **state)
{
    (void)state;
    flo_context *context = new_context();
    char text[FLO_MESSAGE_BYTES + 100];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_int_equal(flo_fail(context, FLO_ERROR_DATA, "%s", text), FLO_ERROR_DATA);
    assert_int_equal(strlen(flo_context_message(context)), FLO_MESSAGE_BYTES - 1);
    assert_int_equal(flo_context_destroy(&context), 0);
}

static void memory_is_aligned_zeroed_and_counted(void **state)
{
    (void)state;
    flo_context *context = new_context();
    enum { SIZES = 130 };
    unsigned char *memory[SIZES];
    for (int round = 0; round < 2; round++) {
        for (int64_t n = 0; n < SIZES; n++) {
            assert_int_equal(flo_allocate(context, n, 3, &memory[n]), FLO_OK);
            assert_non_null(memory[n]);
            assert_int_equal((uintptr_t)memory[n] % 64, 0);
            for (int64_t i = 0; i < 3 * n; i++)
                assert_int_equal(memory[n][i], 0);
            memset(memory[n], 0xff, (size_t)(3 * n));
            assert_int_equal(context->live, n + 1);
        }
        for (int64_t n = 0; n < SIZES; n++) {
            flo_free(context, &memory[n]);
            assert_null(memory[n]);
            flo_free(context, &memory[n]);
        }
        assert_int_equal(context->live, 0);
    }
    assert_int_equal(flo_context_destroy(&context), 0);
}

/* From nothing, larger, smaller; one that fails changes nothing. */
static void another_size_keeps_what_fits(void **state)
{
    (void)state;
    flo_context *context = new_context();
    static const size_t sizes[] = {0, 1, 100, 3000000, 5000000, 70, 0};
    unsigned char *memory = NULL;
    size_t before = 0;
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
        unsigned char *const old = memory;
        context->fail_at = context->made + 1;
        assert_int_equal(flo_resize(context, sizes[k], &memory), FLO_ERROR_MEMORY);
        assert_ptr_equal(memory, old);
        context->fail_at = 0;
        assert_int_equal(flo_resize(context, sizes[k], &memory), FLO_OK);
        assert_int_equal(context->live, 1);
        const size_t kept = sizes[k] < before ? sizes[k] : before;
        for (size_t i = 0; i < kept; i++)
            if (memory[i] != (unsigned char)(i * 7))
                fail_msg("byte %zu of %zu is %d", i, kept, memory[i]);
        for (size_t i = kept; i < sizes[k]; i++)
            memory[i] = (unsigned char)(i * 7);
        before = sizes[k];
    }
    flo_free(context, &memory);
    assert_int_equal(flo_context_destroy(&context), 0);
}

static void a_leak_is_reported(void **state)
{
    (void)state;
    flo_context *context = new_context(), *other = new_context();
    int *kept, *freed;
    assert_int_equal(flo_allocate(context, 1, sizeof *kept, &kept), FLO_OK);
    assert_int_equal(flo_allocate(context, 1, sizeof *freed, &freed), FLO_OK);
    flo_free(context, &freed);
    assert_int_equal(flo_context_destroy(&context), 1);
    other->live = 1; /* as if `kept` had been its own */
    flo_free(other, &kept);
    assert_int_equal(flo_context_destroy(&other), 0);
}

static void the_chosen_allocation_fails_and_no_other(void **state)
{
    (void)state;
    for (int64_t chosen = 1; chosen <= 5; chosen++) {
        flo_context *context = new_context();
        double *memory[5];
        context->fail_at = chosen;
        for (int64_t k = 0; k < 5; k++) {
            memory[k] = (double *)&context;
            const flo_status status =
                flo_allocate(context, 10 + k, sizeof *memory[k], &memory[k]);
            assert_int_equal(status, k + 1 == chosen ? FLO_ERROR_MEMORY : FLO_OK);
            assert_true((memory[k] == NULL) == (k + 1 == chosen));
        }
        char wanted[64];
        snprintf(wanted, sizeof wanted, "%d items of 8 bytes", 9 + (int)chosen);
        assert_non_null(strstr(flo_context_message(context), wanted));
        for (int k = 0; k < 5; k++)
            flo_free(context, &memory[k]);
        assert_int_equal(flo_context_destroy(&context), 0);
    }
}

static void impossible_sizes_fail(void **state)
{
    (void)state;
    flo_context *context = new_context();
    static const struct {
        int64_t count;
        size_t size;
    } rows[] = {{-1, 1},        {-1, 0},       {INT64_MIN, 8}, {INT64_MAX, 8},
                {INT64_MAX, 3}, {2, SIZE_MAX}, {1, SIZE_MAX},  {1, SIZE_MAX - 63}};
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        void *memory = &context;
        assert_int_equal(flo_allocate(context, rows[k].count, rows[k].size, &memory),
                         FLO_ERROR_MEMORY);
        assert_null(memory);
        assert_non_null(strstr(flo_context_message(context), "out of memory"));
    }
    assert_int_equal(flo_context_destroy(&context), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_a_text),
        cmocka_unit_test(destroy_takes_null_and_sets_null),
        cmocka_unit_test(a_failure_is_passed_on_with_its_message),
        cmocka_unit_test(a_long_message_is_cut),
        cmocka_unit_test(memory_is_aligned_zeroed_and_counted),
        cmocka_unit_test(another_size_keeps_what_fits),
        cmocka_unit_test(a_leak_is_reported),
        cmocka_unit_test(the_chosen_allocation_fails_and_no_other),
        cmocka_unit_test(impossible_sizes_fail)};
    cmocka_set_message_output(CM_OUTPUT_STDOUT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
