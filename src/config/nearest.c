/* The nearest name by Damerau-Levenshtein distance (optimal string alignment). */
#include "config/nearest.h"

#include <stdint.h>
#include <string.h>

enum { LONGEST = 64 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t flo_edit_distance(const char *a, size_t m, const char *b, size_t n)
{
    if (m > LONGEST || n > LONGEST)
        return SIZE_MAX;
    /* d[i][j]: edits from the first i bytes of a to the first j of b */
    size_t d[LONGEST + 1][LONGEST + 1];
    for (size_t i = 0; i <= m; i++)
        for (size_t j = 0; j <= n; j++) {
            if (i == 0 || j == 0) {
                d[i][j] = i + j;
                continue;
            }
            const size_t change = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            d[i][j] = least(change, least(d[i - 1][j], d[i][j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
        }
    return d[m][n];
}

void flo_nearest_offer(flo_nearest *search, const char *candidate, size_t length)
{
    const size_t size = strlen(search->wanted);
    const size_t longer = size > length ? size : length;
    const size_t distance = flo_edit_distance(search->wanted, size, candidate, length);
    if (distance > (longer + 2) / 4 || (search->name && distance >= search->distance))
        return;
    search->name = candidate;
    search->length = length;
    search->distance = distance;
}
