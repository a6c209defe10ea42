/* Degrees of a masked network: how many units of a layer lie below each degree. */
#include "nn/degrees.h"

#include "core/integers.h"

/* Units of a block in the widest layer: part of the file format. Measured at D = 63, H
   = 512 with OpenBLAS: 32 make a forward pass 8 % slower, 128 make it 4 % faster, but
   store twice the zeros. */
enum { UNITS_A_BLOCK = 64 };

flo_degrees flo_degrees_choose(int64_t features, int64_t context, int64_t widest)
{
    const int64_t block = flo_divide_up(UNITS_A_BLOCK * features, widest);
    return (flo_degrees){.features = features,
                         .low = context > 0 || features == 1 ? 0 : 1,
                         .block = block,
                         .blocks = flo_divide_up(features, block)};
}

/* Units of a layer of which below(degrees, count, d) have a degree below d. */
static flo_status count_units(flo_arena *arena, const flo_degrees *degrees,
                              int64_t count,
                              int64_t below(const flo_degrees *, int64_t, int64_t),
                              flo_units *units)
{
    *units = (flo_units){.count = count};
    if (!degrees)
        return FLO_OK;
    int64_t *first;
    FLO_TRY(flo_arena_take(arena, degrees->features + 1, sizeof *first, &first));
    for (int64_t d = 0; d <= degrees->features; d++)
        first[d] = below(degrees, count, d);
    units->first = first;
    return FLO_OK;
}

static int64_t columns_below(const flo_degrees *degrees, int64_t columns, int64_t d)
{
    (void)columns;
    if (d == 0)
        return 0;
    return degrees->first_input ? degrees->first_input[d - 1] : d - 1;
}

/* low + i (D - low) / H < d holds for the i below (d - low) H / (D - low). */
static int64_t hidden_below(const flo_degrees *degrees, int64_t width, int64_t d)
{
    const int64_t low = degrees->low;
    return d > low ? flo_divide_up((d - low) * width, degrees->features - low) : 0;
}

static int64_t outputs_below(const flo_degrees *degrees, int64_t outputs, int64_t d)
{
    return d * (outputs / degrees->features);
}

flo_status flo_units_columns(flo_arena *arena, const flo_degrees *degrees,
                             int64_t columns, flo_units *units)
{
    return count_units(arena, degrees, columns, columns_below, units);
}

flo_status flo_units_hidden(flo_arena *arena, const flo_degrees *degrees, int64_t width,
                            flo_units *units)
{
    return count_units(arena, degrees, width, hidden_below, units);
}

flo_status flo_units_outputs(flo_arena *arena, const flo_degrees *degrees,
                             int64_t outputs, flo_units *units)
{
    return count_units(arena, degrees, outputs, outputs_below, units);
}
