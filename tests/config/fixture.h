/* What each test of src/config starts with and ends with: an arena, and no leak. */
#ifndef TESTS_CONFIG_FIXTURE_H
#define TESTS_CONFIG_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/yaml.h"
#include "core/arena.h"
#include "core/context.h"

#include <stdlib.h>
#include <string.h>

typedef struct fixture {
    flo_context *context;
    flo_arena *arena;
} fixture;

static inline int fixture_setup(void **state)
{
    fixture *const f = calloc(1, sizeof *f);
    *state = f;
    return f && flo_context_create(&f->context) == FLO_OK &&
                   flo_arena_create(f->context, &f->arena) == FLO_OK
               ? 0
               : -1;
}

static inline int fixture_teardown(void **state)
{
    fixture *const f = *state;
    flo_arena_destroy(&f->arena);
    const int64_t leaked = flo_context_destroy(&f->context);
    free(f);
    return leaked == 0 ? 0 : -1;
}

#define FIXTURE_TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

static inline flo_node *parse(fixture *f, const char *text)
{
    flo_node *root;
    const flo_status status =
        flo_yaml_parse(f->arena, "a.yaml", text, strlen(text), &root);
    if (status != FLO_OK)
        fail_msg("%s: %s", text, flo_context_message(f->context));
    return root;
}

static inline void assert_message(fixture *f, flo_status wanted, flo_status status,
                                  const char *message)
{
    assert_string_equal(flo_context_message(f->context), message);
    assert_int_equal(status, wanted);
}

static inline void assert_same_tree(const flo_node *a, const flo_node *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->quoted, b->quoted);
    assert_int_equal(a->count, b->count);
    assert_int_equal(!a->key, !b->key);
    if (a->key)
        assert_string_equal(a->key, b->key);
    if (a->kind == FLO_NODE_SCALAR)
        assert_string_equal(a->text, b->text);
    int64_t count = 0;
    const flo_node *y = b->first;
    for (const flo_node *x = a->first; x; x = x->next, y = y->next, count++) {
        assert_non_null(y);
        assert_ptr_equal(x->parent, a);
        assert_ptr_equal(y->parent, b);
        assert_same_tree(x, y);
    }
    assert_null(y);
    assert_int_equal(count, a->count);
}

/* The law of printing: the text parses to the same tree, which prints as the same text.
   Returns the text. */
static inline const char *assert_prints_itself(fixture *f, const flo_node *root)
{
    char *text, *again;
    assert_int_equal(flo_yaml_print(f->arena, root, &text), FLO_OK);
    flo_node *const copy = parse(f, text);
    assert_same_tree(root, copy);
    assert_int_equal(flo_yaml_print(f->arena, copy, &again), FLO_OK);
    assert_string_equal(text, again);
    return text;
}

#endif
