/* What all couplings share: the split by a mask, the conditioner on one half. */
#include "bijections/coupling.h"

#include "core/elementary.h"

#include <math.h>

enum { ALTERNATING, HALF, RANDOM };

/* Columns that pass unchanged: their number follows from the settings alone. */
static int64_t identity_columns(int mask, int64_t D, const flo_place *place)
{
    if (mask == ALTERNATING)
        return place->occurrence % 2 ? D / 2 : D - D / 2;
    if (mask == HALF)
        return place->occurrence % 2 ? D - D / 2 : D / 2;
    return D / 2;
}

flo_status flo_coupling_configure(flo_coupling *coupling, flo_bijection *self,
                                  flo_arena *arena, flo_node *node,
                                  const flo_place *place, int64_t outputs,
                                  int64_t own_cache, int64_t own_scratch)
{
    const int64_t D = self->features;
    if (D < 2)
        return flo_settings_fail(
            arena, node,
            "at least 2 columns for %s (the data has %lld), or a kind that works on "
            "one, such as elementwise_affine",
            self->kind->name, (long long)D);
    const int64_t Da = identity_columns(coupling->settings.mask, D, place), Db = D - Da;
    coupling->identity_columns = Da;
    coupling->changed_columns = Db;
    coupling->inputs = isnan(coupling->settings.period) ? Da : 2 * Da;
    FLO_TRY(flo_arena_take(arena, D, sizeof *coupling->identity, &coupling->identity));
    coupling->changed = coupling->identity + Da;
    int64_t ignored;
    FLO_TRY(flo_layout_add(&self->constants, D, 0, false, &ignored, "mask"));
    FLO_TRY(flo_network_configure(&coupling->network, arena, node,
                                  &coupling->settings.network, coupling->inputs,
                                  self->context, outputs * Db, &self->parameters));
    self->cache = own_cache + coupling->inputs + coupling->network.cache;
    self->scratch = own_scratch + coupling->inputs + coupling->network.scratch;
    self->noise = coupling->network.noise;
    self->state = coupling;
    return FLO_OK;
}

flo_status flo_coupling_fit(const flo_bijection *self, flo_context *context,
                            const flo_place *place, const flo_moments *moments,
                            double *mask)
{
    (void)context, (void)moments;
    const flo_coupling *const coupling = self->state;
    const int64_t D = self->features, Da = coupling->identity_columns;
    const int64_t odd = place->occurrence % 2;
    if (coupling->settings.mask == RANDOM) {
        const flo_random_key key = {place->seed, FLO_RANDOM_STRUCTURE,
                                    (uint64_t)place->index, 0};
        flo_random_permutation(key, D, coupling->identity);
        for (int64_t j = 0; j < D; j++)
            mask[coupling->identity[j]] = j < Da;
        return FLO_OK;
    }
    for (int64_t j = 0; j < D; j++)
        mask[j] = coupling->settings.mask == ALTERNATING ? (j + odd) % 2 == 0
                                                         : (j < D / 2) == (odd == 0);
    return FLO_OK;
}

flo_status flo_coupling_prepare(flo_bijection *self, flo_context *context,
                                const double *mask)
{
    flo_coupling *const coupling = self->state;
    const int64_t D = self->features, Da = coupling->identity_columns;
    int64_t ones = 0;
    for (int64_t j = 0; j < D; j++)
        ones += mask[j] == 1;
    if (ones != Da)
        return flo_fail(
            context, FLO_ERROR_FILE,
            "%s: stored mask has %lld columns that pass unchanged, wanted %lld",
            self->kind->name, (long long)ones, (long long)Da);
    int64_t a = 0, b = 0;
    for (int64_t j = 0; j < D; j++) {
        if (mask[j] == 1)
            coupling->identity[a++] = (int32_t)j;
        else
            coupling->changed[b++] = (int32_t)j;
    }
    return FLO_OK;
}

void flo_coupling_init(const flo_bijection *self, flo_random_key key, flo_real *theta)
{
    const flo_coupling *const coupling = self->state;
    coupling->network.kind->init(&coupling->network, key, theta);
}

/* The kind's own memory comes first, then the network's input, then the network's own.
 */
flo_coupling_memory flo_coupling_split(const flo_coupling *coupling,
                                       const flo_bijection *self, const flo_pass *pass)
{
    const int64_t B = pass->rows, inputs = coupling->inputs;
    const flo_network *const network = &coupling->network;
    const int64_t own_cache = self->cache - inputs - network->cache;
    const int64_t own_scratch = self->scratch - inputs - network->scratch;
    flo_coupling_memory memory = {.cache = pass->cache,
                                  .scratch = pass->scratch,
                                  .input = pass->cache + B * own_cache,
                                  .dinput = pass->scratch + B * own_scratch,
                                  .network = *pass};
    memory.network.cache = memory.input + B * inputs;
    memory.network.scratch = memory.dinput + B * inputs;
    return memory;
}

/* The identity half [Da, B] becomes cosine and sine of its angles [2 Da, B], in place,
   from the last column to the first. */
static void read_as_angles(double period, int64_t Da, int64_t B, flo_real *input)
{
    const flo_real share = (flo_real)(1 / period);
    for (int64_t j = Da - 1; j >= 0; j--)
        for (int64_t i = 0; i < B; i++) {
            const flo_real v = input[j * B + i];
            const flo_real turns = flo_nearest_turn(v, share);
            const flo_real part = FLO_FUSED(-turns, (flo_real)period, v) * share;
            const flo_real u = part < 0 ? part + 1 : part;
            flo_sincos_turns(u, &input[(2 * j + 1) * B + i], &input[2 * j * B + i]);
        }
}

/* By the angles, from cosine and sine and the derivatives by them, in place. */
static void angles_backward(double period, int64_t Da, int64_t B, const flo_real *input,
                            flo_real *dinput)
{
    const flo_real rate = (flo_real)(2 * M_PI / period);
    for (int64_t j = 0; j < Da; j++)
        for (int64_t i = 0; i < B; i++) {
            const int64_t cosine = 2 * j * B + i, sine = cosine + B;
            dinput[j * B + i] =
                rate * (input[cosine] * dinput[sine] - input[sine] * dinput[cosine]);
        }
}

void flo_coupling_condition(const flo_coupling *coupling, const flo_bijection *self,
                            const flo_real *theta, const flo_coupling_memory *memory,
                            const flo_real *x, flo_real *z, flo_real *out)
{
    const int64_t B = memory->network.rows, D = self->features;
    const int64_t Da = coupling->identity_columns;
    for (int64_t i = 0; i < B; i++)
        for (int64_t j = 0; j < Da; j++) {
            const int64_t at = i * D + coupling->identity[j];
            memory->input[j * B + i] = x[at];
            z[at] = x[at];
        }
    if (coupling->inputs != Da)
        read_as_angles(coupling->settings.period, Da, B, memory->input);
    flo_network_forward(&coupling->network, theta, &memory->network, memory->input,
                        out);
}

void flo_coupling_backward(const flo_coupling *coupling, const flo_bijection *self,
                           const flo_real *theta, const flo_coupling_memory *memory,
                           const flo_real *dz, flo_real *dout, flo_real *dx,
                           flo_real *dcontext, flo_real *dtheta)
{
    const int64_t B = memory->network.rows, D = self->features;
    const int64_t Da = coupling->identity_columns;
    flo_network_backward(&coupling->network, theta, &memory->network, memory->input,
                         dout, memory->dinput, dcontext, dtheta);
    if (coupling->inputs != Da)
        angles_backward(coupling->settings.period, Da, B, memory->input,
                        memory->dinput);
    for (int64_t i = 0; i < B; i++)
        for (int64_t j = 0; j < Da; j++) {
            const int64_t at = i * D + coupling->identity[j];
            dx[at] = dz[at] + memory->dinput[j * B + i];
        }
}
