/* A layer from its config node: what is refused, and what the message says. */
#include "bijections/registry.h"

#include "bijections/layer.h"

static void refuse(fixture *f, const char *yaml, const char *const *words)
{
    const flo_place place = {0};
    flo_bijection *b;
    flo_node *const node = flo_node_at(parse(f, yaml), 0);
    assert_non_null(node);
    assert_int_equal(flo_bijection_create(f->arena, node, 4, 0, &place, &b),
                     FLO_ERROR_CONFIG);
    for (; *words; words++)
        if (!strstr(flo_context_message(f->context), *words))
            fail_msg("%s: the message lacks `%s`: %s", yaml, *words,
                     flo_context_message(f->context));
}

static void wrong_layers_are_refused(void **state)
{
    fixture *const f = *state;
    const char *const not_a_map[] = {"a.yaml:1", "{kind: lu_linear}", NULL};
    const char *const unknown[] = {"a.yaml:1", "glow", "a kind of bijection:", NULL};
    const char *const no_kind[] = {"a.yaml:1", "a kind of bijection:", NULL};
    const char *const wrong_key[] = {"a.yaml:1", "widht", "width", NULL};
    const char *const choice[] = {"a.yaml:1", "middle", "alternating", NULL};
    refuse(f, "[lu_linear]", not_a_map);
    refuse(f, "[{kind: glow}]", unknown);
    refuse(f, "[{kind: [glow]}]", no_kind);
    refuse(f, "[{width: 3}]", no_kind);
    refuse(f, "[{kind: affine_coupling, widht: 3}]", wrong_key);
    refuse(f, "[{kind: affine_coupling, hidden: 3, mask: middle}]", choice);
    const char *const lu_key[] = {"bias", NULL};
    refuse(f, "[{kind: lu_linear, bias: false}]", lu_key);
}

static void an_unknown_kind_is_told_all_there_are(void **state)
{
    int64_t count = 0;
    const char *names[64] = {NULL};
    for (const flo_bijection_kind *const *kind = flo_bijection_kinds; *kind; kind++)
        names[count++] = (*kind)->name;
    assert_true(count > 0 && count < 63);
    refuse(*state, "[{kind: glow}]", names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(wrong_layers_are_refused),
        FIXTURE_TEST(an_unknown_kind_is_told_all_there_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
