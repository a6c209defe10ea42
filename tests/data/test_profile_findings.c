/* Findings: each kind of column is told for what it is, and an ordinary one for
   nothing. */
#include "data/profile.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { MANY = FLO_LEVELS_MOST + 1 };

/* A normal column of 10,000 rows. */
static flo_column_profile ordinary(void)
{
    return (flo_column_profile){.finite = 10000,
                                .levels = MANY,
                                .low = -4,
                                .high = 4,
                                .mean = 0.1,
                                .deviation = 1,
                                .kurtosis = 0.02,
                                .copy_of = -1};
}

static void an_ordinary_column_has_none(void **state)
{
    (void)state;
    flo_column_profile c = ordinary();
    assert_int_equal(flo_profile_findings(&c), 0);
    c.kurtosis = 6; /* exponential */
    c.high = 14;
    assert_int_equal(flo_profile_findings(&c), 0);
    c = ordinary(); /* few rows: each number once */
    c.finite = c.levels = 300;
    assert_int_equal(flo_profile_findings(&c), 0);
}

static void gaps_are_found_whatever_else(void **state)
{
    (void)state;
    flo_column_profile c = ordinary();
    c.nan = 1;
    assert_int_equal(flo_profile_findings(&c), FLO_COLUMN_GAPS);
    c.nan = 0;
    c.infinite = 2;
    c.kurtosis = 30;
    assert_int_equal(flo_profile_findings(&c), FLO_COLUMN_GAPS | FLO_COLUMN_HEAVY);
    c.finite = 0;
    assert_int_equal(flo_profile_findings(&c), FLO_COLUMN_EMPTY);
}

static void a_constant_column_is_that_alone(void **state)
{
    (void)state;
    flo_column_profile c = {.finite = 50,
                            .levels = 1,
                            .whole = true,
                            .low = 3,
                            .high = 3,
                            .mean = 3,
                            .kurtosis = NAN};
    assert_int_equal(flo_profile_findings(&c), FLO_COLUMN_CONSTANT);
}

static void whole_numbers_and_few_levels_are_told_apart(void **state)
{
    (void)state;
    flo_column_profile c = ordinary();
    c.whole = true;
    assert_int_equal(flo_profile_findings(&c), FLO_COLUMN_WHOLE);
    c.high = 1e18; /* so large that flo_real has no halves there */
    c.deviation = 3e17;
    assert_int_equal(flo_profile_findings(&c), 0);
    c = ordinary();
    c.levels = FLO_LEVELS_MOST;
    assert_int_equal(flo_profile_findings(&c), FLO_COLUMN_LEVELS);
    c.finite = 4 * FLO_LEVELS_MOST - 1;
    assert_int_equal(flo_profile_findings(&c), 0);
}

static void far_values_and_kurtosis_are_heavy(void **state)
{
    (void)state;
    flo_column_profile c = ordinary();
    c.high = 20.2;
    assert_int_equal(flo_profile_findings(&c), FLO_COLUMN_HEAVY);
    c = ordinary();
    c.low = -19.95;
    assert_int_equal(flo_profile_findings(&c), FLO_COLUMN_HEAVY);
    c = ordinary();
    c.kurtosis = 21;
    assert_int_equal(flo_profile_findings(&c), FLO_COLUMN_HEAVY);
    c.kurtosis = INFINITY;
    c.deviation = INFINITY;
    assert_int_equal(flo_profile_findings(&c), FLO_COLUMN_HEAVY);
}

/* 2^60 to 2^60 + 100 are one number to double, and many to the file. */
static void integers_beyond_double_are_not_called_constant(void **state)
{
    (void)state;
    flo_column_profile c = ordinary();
    c.whole = true;
    c.levels = 1;
    c.low = c.high = c.mean = 0x1p60;
    c.deviation = 0;
    c.kurtosis = NAN;
    assert_int_equal(flo_profile_findings(&c), FLO_COLUMN_ROUNDED);
}

static void a_large_offset_rounds(void **state)
{
    (void)state;
    flo_column_profile c = ordinary();
    c.mean = sizeof(flo_real) == 4 ? 1e4 : 1e13;
    c.low = c.mean - 4;
    c.high = c.mean + 4;
    assert_int_equal(flo_profile_findings(&c), FLO_COLUMN_ROUNDED);
    c.mean /= 100;
    c.low = c.mean - 4;
    c.high = c.mean + 4;
    assert_int_equal(flo_profile_findings(&c), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ordinary_column_has_none),
        cmocka_unit_test(gaps_are_found_whatever_else),
        cmocka_unit_test(a_constant_column_is_that_alone),
        cmocka_unit_test(whole_numbers_and_few_levels_are_told_apart),
        cmocka_unit_test(far_values_and_kurtosis_are_heavy),
        cmocka_unit_test(integers_beyond_double_are_not_called_constant),
        cmocka_unit_test(a_large_offset_rounds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
