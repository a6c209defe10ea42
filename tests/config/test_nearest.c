/* The nearest name is found only when it is close. */
#include "config/fixture.h"

#include "config/nearest.h"

static size_t distance(const char *a, const char *b)
{
    return flo_edit_distance(a, strlen(a), b, strlen(b));
}

static void test_edits_count_one_each(void **state)
{
    (void)state;
    assert_int_equal(distance("", ""), 0);
    assert_int_equal(distance("batch", "batch"), 0);
    assert_int_equal(distance("batch", "batc"), 1);
    assert_int_equal(distance("batch", "batchs"), 1);
    assert_int_equal(distance("batch", "botch"), 1);
    assert_int_equal(distance("batch", "abtch"), 1);
    assert_int_equal(distance("kitten", "sitting"), 3);
    assert_int_equal(distance("", "abc"), 3);
}

/* Symmetry and the triangle inequality over all words of three letters from two. */
static void test_distance_is_symmetric(void **state)
{
    (void)state;
    for (int i = 0; i < 64; i++) {
        char a[4] = {0}, b[4] = {0};
        for (int k = 0; k < 3; k++) {
            a[k] = (char)('x' + (i >> k & 1));
            b[k] = (char)('x' + (i >> (k + 3) & 1));
        }
        assert_int_equal(distance(a, b), distance(b, a));
        assert_int_equal(distance(a, b) == 0, strcmp(a, b) == 0);
        assert_true(distance(a, b) <= 3);
    }
}

static const char *nearest_to(const char *wanted)
{
    static const char *const names[] = {"learning_rate", "batch", "steps", "seed"};
    flo_nearest search = {.wanted = wanted};
    for (size_t i = 0; i < 4; i++)
        flo_nearest_offer(&search, names[i], strlen(names[i]));
    return search.name;
}

static void test_only_close_names_are_offered(void **state)
{
    (void)state;
    char longer[100];
    memset(longer, 'a', sizeof longer);
    longer[99] = '\0';
    assert_string_equal(nearest_to("lerning_rate"), "learning_rate");
    assert_string_equal(nearest_to("learning-rate"), "learning_rate");
    assert_string_equal(nearest_to("Batch"), "batch");
    assert_string_equal(nearest_to("step"), "steps");
    assert_null(nearest_to("zzz"));
    assert_null(nearest_to(""));
    assert_null(nearest_to("optimizer"));
    assert_null(nearest_to(longer));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edits_count_one_each),
        cmocka_unit_test(test_distance_is_symmetric),
        cmocka_unit_test(test_only_close_names_are_offered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
