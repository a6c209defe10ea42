/* What all couplings share: the split by a mask, the conditioner on one half. */
#include "bijections/coupling.h"

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

/* 1 where a column passes unchanged. */
static void draw_mask(const flo_coupling *coupling, int64_t D, const flo_place *place,
                      double *mask)
{
    const int64_t Da = coupling->identity_columns, odd = place->occurrence % 2;
    if (coupling->settings.mask == RANDOM) {
        const flo_random_key key = {place->seed, FLO_RANDOM_STRUCTURE,
                                    (uint64_t)place->index, 0};
        flo_random_permutation(key, D, coupling->identity);
        for (int64_t j = 0; j < D; j++)
            mask[coupling->identity[j]] = j < Da;
        return;
    }
    for (int64_t j = 0; j < D; j++)
        mask[j] = coupling->settings.mask == ALTERNATING ? (j + odd) % 2 == 0
                                                         : (j < D / 2) == (odd == 0);
}

/* The columns of both halves. */
static void divide(flo_coupling *coupling, int64_t D, const double *mask)
{
    int64_t a = 0, b = 0;
    for (int64_t j = 0; j < D; j++) {
        if (mask[j] == 1)
            coupling->identity[a++] = (int32_t)j;
        else
            coupling->changed[b++] = (int32_t)j;
    }
}

/* What the network reads: with `period` the whole identity half as angles, else those
   of its columns that come as angles. */
static flo_status choose_inputs(flo_coupling *coupling, const flo_bijection *self,
                                flo_arena *arena, const flo_node *node,
                                const flo_place *place)
{
    const int64_t D = self->features, Da = coupling->identity_columns;
    const double period = coupling->settings.period;
    if (isnan(period) && !self->angles)
        return flo_inputs_make(arena, Da, NULL, 0, &coupling->inputs);
    if (!isnan(period) && self->angles)
        return flo_settings_fail(arena, flo_node_find(node, "period"),
                                 "null: the network reads columns that are angles as "
                                 "cosine and sine without it");
    bool *is_angle;
    double *mask;
    FLO_TRY(flo_arena_take(arena, Da, sizeof *is_angle, &is_angle));
    FLO_TRY(flo_arena_take(arena, D, sizeof *mask, &mask));
    draw_mask(coupling, D, place, mask);
    divide(coupling, D, mask);
    for (int64_t j = 0; j < Da; j++)
        is_angle[j] = !self->angles || self->angles[coupling->identity[j]];
    return flo_inputs_make(arena, Da, is_angle, self->angles ? FLO_TURN : period,
                           &coupling->inputs);
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
    FLO_TRY(flo_arena_take(arena, D, sizeof *coupling->identity, &coupling->identity));
    coupling->changed = coupling->identity + Da;
    FLO_TRY(choose_inputs(coupling, self, arena, node, place));
    const int64_t inputs = coupling->inputs.count;
    int64_t ignored;
    FLO_TRY(flo_layout_add(&self->constants, D, 0, false, &ignored, "mask"));
    FLO_TRY(flo_network_configure(&coupling->network, arena, node,
                                  &coupling->settings.network, inputs, self->context,
                                  outputs * Db, &self->parameters));
    self->cache = own_cache + inputs + coupling->network.cache;
    self->scratch = own_scratch + inputs + coupling->network.scratch;
    self->noise = coupling->network.noise;
    self->state = coupling;
    return FLO_OK;
}

flo_status flo_coupling_fit(const flo_bijection *self, flo_context *context,
                            const flo_place *place, const flo_moments *moments,
                            double *mask)
{
    (void)context, (void)moments;
    draw_mask(self->state, self->features, place, mask);
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
    divide(coupling, D, mask);
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
    const int64_t B = pass->rows, inputs = coupling->inputs.count;
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

void flo_coupling_condition(const flo_coupling *coupling, const flo_bijection *self,
                            const flo_real *theta, const flo_coupling_memory *memory,
                            const flo_real *x, flo_real *z, flo_real *out)
{
    const int64_t B = memory->network.rows, D = self->features;
    const int64_t Da = coupling->identity_columns;
    for (int64_t j = 0; j < Da; j++)
        flo_inputs_read(&coupling->inputs, j, B, D, x + coupling->identity[j],
                        memory->input);
    for (int64_t i = 0; i < B; i++)
        for (int64_t j = 0; j < Da; j++) {
            const int64_t at = i * D + coupling->identity[j];
            z[at] = x[at];
        }
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
    flo_inputs_backward(&coupling->inputs, B, memory->input, memory->dinput);
    for (int64_t i = 0; i < B; i++)
        for (int64_t j = 0; j < Da; j++) {
            const int64_t at = i * D + coupling->identity[j];
            dx[at] = dz[at] + memory->dinput[j * B + i];
        }
}
