/* Rounding to bfloat16. */
#include "linalg/bf16.h"

#include "core/integers.h"
#include "linalg/bf16_vector.h"

enum { V = 2 * FLO_BF16_VECTOR };

bool flo_bf16_pays(void)
{
#ifdef FLO_BF16_MACHINE
    return true;
#else
    return false;
#endif
}

int64_t flo_bf16_room(int64_t n)
{
    return flo_divide_up(n, V) * V;
}

void flo_bf16_round(int64_t n, const flo_real *from, flo_bf16 *to)
{
    for (int64_t i = 0; i < n; i += V)
        flo_bf16_round_vector(n - i, from + i, to + i);
}
