/* What a conditioner network reads of columns: numbers, or cosine and sine of angles.
 */
#include "nn/inputs.h"

#include "core/elementary.h"

#include <math.h>
#include <string.h>

flo_status flo_inputs_make(flo_arena *arena, int64_t columns, const bool *is_angle,
                           double period, flo_inputs *inputs)
{
    int64_t *first;
    *inputs = (flo_inputs){.columns = columns, .count = columns, .period = period};
    if (!is_angle)
        return FLO_OK;
    FLO_TRY(flo_arena_take(arena, columns + 1, sizeof *first, &first));
    first[0] = 0;
    for (int64_t j = 0; j < columns; j++)
        first[j + 1] = first[j] + (is_angle[j] ? 2 : 1);
    inputs->count = first[columns];
    inputs->first = first;
    return FLO_OK;
}

static bool is_angle(const flo_inputs *inputs, int64_t j)
{
    return inputs->first && inputs->first[j + 1] - inputs->first[j] == 2;
}

void flo_inputs_read(const flo_inputs *inputs, int64_t j, int64_t B, int64_t stride,
                     const flo_real *x, flo_real *input)
{
    flo_real *const to = input + (inputs->first ? inputs->first[j] : j) * B;
    if (!is_angle(inputs, j)) {
        for (int64_t i = 0; i < B; i++)
            to[i] = x[i * stride];
        return;
    }
    const flo_real share = (flo_real)(1 / inputs->period);
    for (int64_t i = 0; i < B; i++) {
        const flo_real v = x[i * stride];
        const flo_real turns = flo_nearest_turn(v, share);
        const flo_real part = FLO_FUSED(-turns, (flo_real)inputs->period, v) * share;
        const flo_real u = part < 0 ? part + 1 : part;
        flo_sincos_turns(u, &to[B + i], &to[i]);
    }
}

/* From the first column to the last: each is written before the inputs of the next. */
void flo_inputs_backward(const flo_inputs *inputs, int64_t B, const flo_real *input,
                         flo_real *dinput)
{
    if (!inputs->first)
        return;
    const flo_real rate = (flo_real)(2 * M_PI / inputs->period);
    for (int64_t j = 0; j < inputs->columns; j++) {
        const flo_real *const from = dinput + inputs->first[j] * B;
        const flo_real *const at = input + inputs->first[j] * B;
        if (!is_angle(inputs, j)) {
            memmove(dinput + j * B, from, (size_t)B * sizeof *from);
            continue;
        }
        for (int64_t i = 0; i < B; i++)
            dinput[j * B + i] = rate * (at[i] * from[B + i] - at[B + i] * from[i]);
    }
}
