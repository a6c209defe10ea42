/* The arena: aligned, zeroed, disjoint pieces with one lifetime; strings; every
   allocation that can fail. */
#include "core/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static flo_context *new_context(void)
{
    flo_context *context = NULL;
    assert_int_equal(flo_context_create(&context), FLO_OK);
    return context;
}

static flo_arena *new_arena(flo_context *context)
{
    flo_arena *arena = NULL;
    assert_int_equal(flo_arena_create(context, &arena), FLO_OK);
    assert_non_null(arena);
    return arena;
}

static void end(flo_arena *arena, flo_context *context)
{
    flo_arena_destroy(&arena);
    assert_null(arena);
    assert_int_equal(flo_context_destroy(&context), 0);
}

static void an_empty_arena_is_destroyed(void **state)
{
    (void)state;
    flo_context *context = new_context();
    flo_arena *arena = NULL;
    flo_arena_destroy(&arena);
    arena = new_arena(context);
    assert_ptr_equal(flo_arena_context(arena), context);
    assert_int_equal(flo_arena_bytes(arena), 0);
    end(arena, context);
}

/* Pieces smaller and larger than a block, and those that just fit the rest of one: each
   is filled with its own number, and none changes when the others are written. */
static void pieces_are_aligned_zeroed_and_disjoint(void **state)
{
    (void)state;
    flo_context *context = new_context();
    flo_arena *arena = new_arena(context);
    static const int64_t sizes[] = {1, 63,    64, 65, 1000, 65536, 65537, 0, 300000,
                                    7, 65408, 64, 64, 64,   40000, 25536, 1, 200};
    enum { PIECES = sizeof sizes / sizeof *sizes };
    unsigned char *piece[PIECES];
    size_t taken = 0;
    for (int k = 0; k < PIECES; k++) {
        assert_int_equal(flo_arena_take(arena, sizes[k], 1, &piece[k]), FLO_OK);
        assert_int_equal((uintptr_t)piece[k] % 64, 0);
        for (int64_t i = 0; i < sizes[k]; i++)
            assert_int_equal(piece[k][i], 0);
        memset(piece[k], k + 1, (size_t)sizes[k]);
        taken += (size_t)(sizes[k] + 63) / 64 * 64;
        assert_int_equal(flo_arena_bytes(arena), taken);
    }
    for (int k = 0; k < PIECES; k++)
        for (int64_t i = 0; i < sizes[k]; i++)
            assert_int_equal(piece[k][i], k + 1);
    end(arena, context);
}

static void many_small_pieces_are_few_allocations(void **state)
{
    (void)state;
    flo_context *context = new_context();
    flo_arena *arena = new_arena(context);
    for (int k = 0; k < 1024; k++) {
        double *x;
        assert_int_equal(flo_arena_take(arena, 8, sizeof *x, &x), FLO_OK);
    }
    assert_true(context->made <= 5);
    end(arena, context);
}

static void strings_are_copied_and_printed(void **state)
{
    (void)state;
    flo_context *context = new_context();
    flo_arena *arena = new_arena(context);
    char text[] = "some text", *copy, *printed, *empty, *long_text;
    assert_int_equal(flo_arena_string(arena, text, &copy), FLO_OK);
    text[0] = 'X';
    assert_string_equal(copy, "some text");
    assert_int_equal(flo_arena_string(arena, "", &empty), FLO_OK);
    assert_string_equal(empty, "");
    assert_int_equal(flo_arena_print(arena, &printed, "%s/%04d", "step", 12), FLO_OK);
    assert_string_equal(printed, "step/0012");
    assert_int_equal(flo_arena_print(arena, &long_text, "%100000d", 1), FLO_OK);
    assert_int_equal(strlen(long_text), 100000);
    end(arena, context);
}

static void impossible_sizes_fail(void **state)
{
    (void)state;
    flo_context *context = new_context();
    flo_arena *arena = new_arena(context);
    static const struct {
        int64_t count;
        size_t size;
    } rows[] = {{-1, 1}, {-1, 0}, {INT64_MIN, 8}, {INT64_MAX, 8}, {3, SIZE_MAX / 4}};
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        void *memory = &context;
        assert_int_equal(flo_arena_take(arena, rows[k].count, rows[k].size, &memory),
                         FLO_ERROR_MEMORY);
        assert_null(memory);
        assert_non_null(strstr(flo_context_message(context), "out of memory"));
    }
    assert_int_equal(flo_arena_bytes(arena), 0);
    end(arena, context);
}

/* A small use of an arena: what it says when the allocation fail_at fails. */
static flo_status use(flo_context *context)
{
    flo_arena *arena;
    FLO_TRY(flo_arena_create(context, &arena));
    char *text;
    float *large;
    flo_status status = flo_arena_string(arena, "text", &text);
    if (status == FLO_OK)
        status = flo_arena_take(arena, 100000, sizeof *large, &large);
    if (status == FLO_OK)
        status = flo_arena_print(arena, &text, "%70000d", 1);
    if (status != FLO_OK)
        assert_non_null(strstr(flo_context_message(context), "out of memory"));
    flo_arena_destroy(&arena);
    return status;
}

/* The arena, three blocks, and a record for each block: seven allocations. */
static void every_failed_allocation_is_passed_on_without_a_leak(void **state)
{
    (void)state;
    enum { ALLOCATIONS = 7 };
    for (int64_t chosen = 1; chosen <= ALLOCATIONS + 1; chosen++) {
        flo_context *context = new_context();
        context->fail_at = chosen;
        assert_int_equal(use(context),
                         chosen <= ALLOCATIONS ? FLO_ERROR_MEMORY : FLO_OK);
        assert_int_equal(flo_context_destroy(&context), 0);
    }
}

/* What failed once can be asked for again; what was taken before is kept. */
static void an_arena_survives_a_failure(void **state)
{
    (void)state;
    flo_context *context = new_context();
    flo_arena *arena = new_arena(context);
    char *text, *large = (char *)&context;
    assert_int_equal(flo_arena_string(arena, "kept", &text), FLO_OK);
    for (int64_t next = 1; next <= 2; next++) {
        context->fail_at = (int64_t)context->made + next;
        assert_int_equal(flo_arena_take(arena, 100000, 1, &large), FLO_ERROR_MEMORY);
        assert_null(large);
    }
    assert_int_equal(flo_arena_take(arena, 100000, 1, &large), FLO_OK);
    memset(large, 1, 100000);
    assert_string_equal(text, "kept");
    end(arena, context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_arena_is_destroyed),
        cmocka_unit_test(pieces_are_aligned_zeroed_and_disjoint),
        cmocka_unit_test(many_small_pieces_are_few_allocations),
        cmocka_unit_test(strings_are_copied_and_printed),
        cmocka_unit_test(impossible_sizes_fail),
        cmocka_unit_test(every_failed_allocation_is_passed_on_without_a_leak),
        cmocka_unit_test(an_arena_survives_a_failure)};
    cmocka_set_message_output(CM_OUTPUT_STDOUT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
