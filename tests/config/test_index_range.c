/* Indices and ranges as numpy writes them. */
#include "config/index_range.h"

#include "config/fixture.h"

enum { TOTAL = 10 };

/* "first last" of what a node names among ten, "" where it names nothing. */
static void indices_and_ranges_are_those_of_numpy(void **state)
{
    static const struct {
        const char *yaml;
        int64_t first, last; /* last 0: refused */
    } cases[] = {{"3", 3, 4},
                 {"\"3\"", 3, 4},
                 {"0", 0, 1},
                 {"9", 9, 10},
                 {"0:3", 0, 3},
                 {"2:10", 2, 10},
                 {"\"4:\"", 4, 10},
                 {"\":5\"", 0, 5},
                 {"\":\"", 0, 10},
                 {"007", 7, 8},
                 {"10", 0, 0},
                 {"0:11", 0, 0},
                 {"3:3", 0, 0},
                 {"5:2", 0, 0},
                 {"-1", 0, 0},
                 {"-3:-1", 0, 0},
                 {"1:5:2", 0, 0},
                 {"1.5", 0, 0},
                 {"3x", 0, 0},
                 {"all", 0, 0},
                 {"\"\"", 0, 0},
                 {"\" 3\"", 0, 0},
                 {"[3]", 0, 0},
                 {"{a: 3}", 0, 0},
                 {"9223372036854775807", 0, 0},
                 {"99999999999999999999", 0, 0},
                 {"0:99999999999999999999", 0, 0}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        int64_t first = -1, last = -1;
        const bool found =
            flo_index_range(parse(*state, cases[c].yaml), TOTAL, &first, &last);
        if (found != (cases[c].last > 0) ||
            (found && (first != cases[c].first || last != cases[c].last)))
            fail_msg("%s: found %d, %lld to %lld", cases[c].yaml, found,
                     (long long)first, (long long)last);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(indices_and_ranges_are_those_of_numpy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
