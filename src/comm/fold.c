/* Folding vectors: the stack machine of the lane tree run on blocks that stay in cache.

   The pushes and additions are the same for every element, so they are listed once. A
   block of each node is pushed as a pointer, read in place; only sums are written, that
   of stack entry i into block i, and the first entries, which end as the results, into
   these. */
#include "comm/fold.h"
#include "core/lane_tree.h"

#include <string.h>

/* Reals added at a time: the blocks of a stack together fit into the first-level cache.
 */
enum { BLOCK = 1024 };

struct flo_fold {
    flo_context *context; /* borrowed */
    int64_t lanes, workers, depth, sums;
    int64_t *first;           /* [workers + 1] */
    unsigned char *additions; /* [first[workers]] after each push */
    flo_real *block;          /* [depth, BLOCK] */
};

int64_t flo_fold_first(const flo_fold *fold, int64_t worker)
{
    return fold->first[worker];
}

int64_t flo_fold_sums(const flo_fold *fold)
{
    return fold->sums;
}

static flo_status count_nodes(flo_fold *fold, const int64_t *bounds)
{
    FLO_TRY(flo_allocate(fold->context, fold->workers + 1, sizeof *fold->first,
                         &fold->first));
    for (int64_t worker = 0; worker < fold->workers; worker++)
        fold->first[worker + 1] =
            fold->first[worker] +
            flo_lane_nodes(fold->lanes, bounds[worker], bounds[worker + 1], NULL, NULL);
    return flo_allocate(fold->context, fold->first[fold->workers], 1, &fold->additions);
}

static void list_additions(flo_fold *fold, const int64_t *bounds)
{
    flo_lane_stack stack = {.lanes = fold->lanes};
    int level[FLO_LANE_STACK];
    int64_t index[FLO_LANE_STACK];
    for (int64_t worker = 0; worker < fold->workers; worker++) {
        const int64_t count = flo_lane_nodes(fold->lanes, bounds[worker],
                                             bounds[worker + 1], level, index);
        for (int64_t i = 0; i < count; i++) {
            if (stack.count + 1 > fold->depth)
                fold->depth = stack.count + 1;
            fold->additions[fold->first[worker] + i] =
                (unsigned char)flo_lane_push(&stack, level[i], index[i]);
        }
    }
    fold->sums = stack.count;
}

static flo_status prepare(flo_fold *fold, const int64_t *bounds)
{
    FLO_TRY(count_nodes(fold, bounds));
    list_additions(fold, bounds);
    return flo_allocate(fold->context, fold->depth * BLOCK, sizeof *fold->block,
                        &fold->block);
}

flo_status flo_fold_create(flo_context *context, int64_t lanes, int64_t workers,
                           const int64_t *bounds, flo_fold **fold)
{
    FLO_TRY(flo_allocate(context, 1, sizeof **fold, fold));
    (*fold)->context = context;
    (*fold)->lanes = lanes;
    (*fold)->workers = workers;
    const flo_status status = prepare(*fold, bounds);
    if (status != FLO_OK)
        flo_fold_destroy(fold);
    return status;
}

void flo_fold_destroy(flo_fold **fold)
{
    if (!*fold)
        return;
    flo_context *const context = (*fold)->context;
    flo_free(context, &(*fold)->first);
    flo_free(context, &(*fold)->additions);
    flo_free(context, &(*fold)->block);
    flo_free(context, fold);
}

/* out = left + right [n]; out may be left. Two loops, since in one the compiler's check
   for overlap would send the case of out == left down its scalar path. */
static void add(int64_t n, const flo_real *left, const flo_real *right, flo_real *out)
{
    if (left == out)
        for (int64_t i = 0; i < n; i++)
            out[i] += right[i];
    else
        for (int64_t i = 0; i < n; i++)
            out[i] = left[i] + right[i];
}

/* The sums of elements [offset, offset + n) of all nodes. */
static void sum_block(flo_fold *fold, int64_t offset, int64_t n,
                      const flo_real *const *node, flo_real *const *sum)
{
    const flo_real *entry[FLO_LANE_STACK];
    int64_t count = 0;
    for (int64_t i = 0; i < fold->first[fold->workers]; i++) {
        entry[count++] = node[i] + offset;
        for (int left = fold->additions[i]; left > 0; left--) {
            count--;
            flo_real *const out = count <= fold->sums
                                      ? sum[count - 1] + offset
                                      : fold->block + (count - 1) * BLOCK;
            add(n, entry[count - 1], entry[count], out);
            entry[count - 1] = out;
        }
    }
    for (int64_t i = 0; i < fold->sums; i++)
        if (entry[i] != sum[i] + offset)
            memcpy(sum[i] + offset, entry[i], (size_t)n * sizeof(flo_real));
}

void flo_fold_sum(flo_fold *fold, int64_t count, const flo_real *const *node,
                  flo_real *const *sum)
{
    for (int64_t offset = 0; offset < count; offset += BLOCK) {
        const int64_t left = count - offset;
        sum_block(fold, offset, left < BLOCK ? left : BLOCK, node, sum);
    }
}
