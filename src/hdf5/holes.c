/* A map of the chunks of a data set: its writer left some out, or was stopped. */
#include "hdf5/holes.h"

#include <math.h>
#include <string.h>

/* Chunks along each dimension. */
typedef struct grid {
    int rank;
    hsize_t extent[H5S_MAX_RANK], shape[H5S_MAX_RANK], chunks[H5S_MAX_RANK];
    int64_t across, all;
} grid;

static bool make_grid(hid_t dataset, grid *g)
{
    const hid_t creation = H5Dget_create_plist(dataset), space = H5Dget_space(dataset);
    const bool chunked = H5Pget_layout(creation) == H5D_CHUNKED;
    g->rank = H5Sget_simple_extent_dims(space, g->shape, NULL);
    const bool good = chunked && g->rank > 0 &&
                      H5Pget_chunk(creation, H5S_MAX_RANK, g->extent) == g->rank &&
                      g->extent[0] > 0;
    H5Sclose(space);
    H5Pclose(creation);
    g->across = g->all = 1;
    for (int d = 0; good && d < g->rank; ++d) {
        g->chunks[d] = (g->shape[d] + g->extent[d] - 1) / g->extent[d];
        if (__builtin_mul_overflow(g->all, (int64_t)g->chunks[d], &g->all))
            return false;
        g->across *= d ? (int64_t)g->chunks[d] : 1;
    }
    return good;
}

/* The begin of chunk c in elements. */
static void locate(const grid *g, int64_t c, hsize_t *begin)
{
    for (int d = g->rank - 1; d >= 0; --d) {
        begin[d] = (hsize_t)c % g->chunks[d] * g->extent[d];
        c /= (int64_t)g->chunks[d];
    }
}

/* Which chunk across holds column c, of a row that is flattened. */
static int64_t chunk_of_column(const grid *g, int64_t c)
{
    int64_t chunk = 0, step = 1;
    for (int d = g->rank - 1; d > 0; --d) {
        const int64_t at = c % (int64_t)g->shape[d];
        chunk += at / (int64_t)g->extent[d] * step;
        step *= (int64_t)g->chunks[d];
        c /= (int64_t)g->shape[d];
    }
    return chunk;
}

static void count_rows(const grid *g, flo_holes *holes)
{
    for (hsize_t k = 0; k < g->chunks[0]; ++k) {
        bool any = false;
        for (int64_t a = 0; a < g->across; ++a)
            any = any || holes->absent[(int64_t)k * g->across + a];
        const hsize_t left = g->shape[0] - k * g->extent[0];
        holes->rows += any ? (int64_t)(left < g->extent[0] ? left : g->extent[0]) : 0;
    }
}

static flo_status make(flo_arena *arena, hid_t dataset, const grid *g, int64_t columns,
                       hsize_t found, flo_holes **holes)
{
    flo_holes *made;
    hsize_t there = 0;
    FLO_TRY(flo_arena_take(arena, 1, sizeof *made, &made));
    made->chunk_rows = (int64_t)g->extent[0];
    made->across = g->across;
    FLO_TRY(flo_arena_take(arena, g->all, sizeof *made->absent, &made->absent));
    FLO_TRY(flo_arena_take(arena, columns, sizeof *made->chunk, &made->chunk));
    for (int64_t c = 0; c < g->all; ++c) {
        hsize_t begin[H5S_MAX_RANK], bytes = 0;
        locate(g, c, begin);
        /* The only question about one chunk that takes no walk over all. */
        made->absent[c] =
            H5Dget_chunk_storage_size(dataset, begin, &bytes) < 0 || bytes == 0;
        there += !made->absent[c];
    }
    for (int64_t c = 0; g->rank > 1 && c < columns; ++c)
        made->chunk[c] = chunk_of_column(g, c);
    count_rows(g, made);
    if (there == found)
        *holes = made;
    return FLO_OK;
}

flo_status flo_holes_find(flo_arena *arena, hid_t dataset, const flo_dataset_info *info,
                          flo_holes **holes)
{
    *holes = NULL;
#if H5_VERSION_GE(1, 10, 5)
    grid g;
    hsize_t found = 0;
    if (info->stored_bytes <= 0 || !make_grid(dataset, &g))
        return FLO_OK;
    const hid_t space = H5Dget_space(dataset);
    const bool known = H5Dget_num_chunks(dataset, space, &found) >= 0;
    H5Sclose(space);
    if (known && found > 0 && (int64_t)found < g.all)
        return make(arena, dataset, &g, info->columns, found, holes);
#endif
    return FLO_OK;
}

void flo_holes_apply(const flo_holes *holes, int64_t first, int64_t rows,
                     int64_t column, int64_t count, int64_t stride, flo_real *out,
                     double *wide)
{
    for (int64_t i = 0; i < rows; ++i) {
        const bool *const absent =
            holes->absent + (first + i) / holes->chunk_rows * holes->across;
        for (int64_t j = 0; j < count; ++j) {
            if (!absent[holes->chunk[column + j]])
                continue;
            if (out)
                out[i * stride + j] = (flo_real)NAN;
            else
                wide[i * stride + j] = (double)NAN;
        }
    }
}
