/* Texts as numbers, sizes and booleans: all forms, nothing else, and back. */
#include "config/fixture.h"

#include "config/scalar.h"

#include <float.h>
#include <locale.h>
#include <math.h>

static const char *const junk[] = {
    "",     " 1",  "1 ",    "1x",   "0x10", "nan", ".nan", "inf",  ".inf",
    "-inf", "1e",  "e5",    "1e+",  "--1",  "+",   "-",    ".",    "-.",
    ".e5",  "_1",  "1_",    "1__0", "1._5", "1,5", "1e5.", "many", "1e1_",
    "1 2",  "0b1", "1.2.3", "1e_5", "+-1",  "٣",   "1\n2", "½"};

static void test_junk_is_no_number(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof junk / sizeof *junk; i++) {
        int64_t whole = 42;
        double number = 42;
        assert_false(flo_scalar_integer(junk[i], &whole));
        assert_false(flo_scalar_number(junk[i], &number));
        assert_int_equal(whole, 42);
        assert_true(number == 42);
    }
}

static void test_integers(void **state)
{
    (void)state;
    const struct {
        const char *text;
        int64_t value;
    } good[] = {{"0", 0},
                {"512", 512},
                {"-3", -3},
                {"+3", 3},
                {"1e6", 1000000},
                {"1E6", 1000000},
                {"1e+6", 1000000},
                {"1_000_000", 1000000},
                {"2.5e3", 2500},
                {"1_0.5e1_0", 105000000000},
                {"3.", 3},
                {"007", 7},
                {"9223372036854775807", INT64_MAX},
                {"-9223372036854775807", -INT64_MAX},
                {"9007199254740993", 9007199254740993}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        int64_t value = 42;
        assert_true(flo_scalar_integer(good[i].text, &value));
        assert_int_equal(value, good[i].value);
    }
    const char *const bad[] = {"1.5",  "1e-1",  "9223372036854775808",
                               "1e16", "1e400", "-9223372036854775808"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t value;
        assert_false(flo_scalar_integer(bad[i], &value));
    }
}

static void test_numbers(void **state)
{
    (void)state;
    const struct {
        const char *text;
        double value;
    } good[] = {{"5e-4", 5e-4},   {".5", .5},         {"5.", 5},     {"-0.25", -.25},
                {"1e300", 1e300}, {"1_0.2_5", 10.25}, {"1e-400", 0}, {"512", 512}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        double value = 42;
        assert_true(flo_scalar_number(good[i].text, &value));
        assert_true(value == good[i].value);
    }
    double value;
    assert_false(flo_scalar_number("1e400", &value));
    char longer[300];
    memset(longer, '1', sizeof longer);
    longer[299] = '\0';
    assert_false(flo_scalar_number(longer, &value));
}

static void test_bytes(void **state)
{
    (void)state;
    const struct {
        const char *text;
        int64_t value;
    } good[] = {{"4096", 4096},      {"0", 0},
                {"7B", 7},           {"64kB", 64000},
                {"2GB", 2000000000}, {"1.5 GiB", 1610612736},
                {"1KiB", 1024},      {"3MB", 3000000},
                {"1MiB", 1048576},   {"1TB", 1000000000000},
                {"0.5kB", 500},      {"1e3", 1000}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        int64_t value = 42;
        assert_true(flo_scalar_bytes(good[i].text, &value));
        assert_int_equal(value, good[i].value);
    }
    const char *const bad[] = {"-1",   "2G",      "2gb",       "KB", "2 G B",
                               "1.5B", "1e20",    "9300000TB", "",   "2GB ",
                               "auto", "1e300TB", "2kb"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t value;
        assert_false(flo_scalar_bytes(bad[i], &value));
    }
}

static void test_booleans(void **state)
{
    (void)state;
    bool value = false;
    assert_true(flo_scalar_boolean("true", &value));
    assert_true(value);
    assert_true(flo_scalar_boolean("false", &value));
    assert_false(value);
    const char *const bad[] = {"yes", "no", "on", "off", "True", "1", "0", ""};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(flo_scalar_boolean(bad[i], &value));
}

/* Printing is short and reads back as the same value. */
static void test_printed_numbers_read_back(void **state)
{
    (void)state;
    const struct {
        double value;
        const char *text;
    } rows[] = {{512, "512"},
                {100, "100"},
                {1e9, "1e9"},
                {1e-5, "1e-5"},
                {0.001, "0.001"},
                {0, "0"},
                {-2.5, "-2.5"},
                {1234567, "1234567"},
                {1. / 3, "0.3333333333333333"},
                {DBL_MAX, "1.7976931348623157e308"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[FLO_SCALAR_BYTES];
        double value;
        flo_scalar_print_number(rows[i].value, text);
        assert_string_equal(text, rows[i].text);
        assert_true(flo_scalar_number(text, &value));
        assert_true(value == rows[i].value);
    }
}

static void test_printed_bytes_read_back(void **state)
{
    (void)state;
    const struct {
        int64_t value;
        const char *text;
    } rows[] = {{0, "0"},
                {1, "1"},
                {4096, "4KiB"},
                {64000, "64kB"},
                {1ll << 30, "1GiB"},
                {1001, "1001"},
                {2000000000, "2GB"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[FLO_SCALAR_BYTES];
        int64_t value;
        flo_scalar_print_bytes((double)rows[i].value, text);
        assert_string_equal(text, rows[i].text);
        assert_true(flo_scalar_bytes(text, &value));
        assert_int_equal(value, rows[i].value);
    }
}

/* A host program may have chosen a locale whose decimal point is a comma; where none is
   installed this repeats the test above. */
static void test_locales_do_not_matter(void **state)
{
    (void)setlocale(LC_ALL, "de_DE.UTF-8");
    test_numbers(state);
    test_printed_numbers_read_back(state);
    (void)setlocale(LC_ALL, "C");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_junk_is_no_number),
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_booleans),
        cmocka_unit_test(test_printed_numbers_read_back),
        cmocka_unit_test(test_printed_bytes_read_back),
        cmocka_unit_test(test_locales_do_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
