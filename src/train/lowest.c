/* The lowest values among many: a list that is sorted and cut whenever it is full. */
#include "train/lowest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SLACK = 4096 };

flo_status flo_lowest_create(flo_context *context, int64_t wanted, flo_lowest *lowest)
{
    *lowest = (flo_lowest){.wanted = wanted, .room = 2 * wanted + SLACK};
    return flo_allocate(context, lowest->room, sizeof *lowest->low, &lowest->low);
}

void flo_lowest_free(flo_context *context, flo_lowest *lowest)
{
    flo_free(context, &lowest->low);
}

static int compare(const void *left, const void *right)
{
    const flo_low *const a = left, *const b = right;
    if (a->value != b->value)
        return a->value < b->value ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

static void cut(flo_lowest *lowest)
{
    qsort(lowest->low, (size_t)lowest->held, sizeof *lowest->low, compare);
    if (lowest->held > lowest->wanted)
        lowest->held = lowest->wanted;
}

void flo_lowest_see(flo_lowest *lowest, double value, double weight, int64_t row)
{
    if (lowest->held == lowest->room)
        cut(lowest);
    lowest->low[lowest->held++] =
        (flo_low){isfinite(value) ? value : -INFINITY, weight, (double)row};
}

flo_status flo_lowest_merge(flo_comm *comm, flo_context *context, flo_lowest *lowest)
{
    cut(lowest);
    double counts[1] = {(double)lowest->held};
    flo_lowest all = {0};
    flo_status status = FLO_OK;
    flo_comm_share(comm, counts, 1);
    if (flo_comm_rank(comm) == 0) {
        all = (flo_lowest){.wanted = lowest->wanted, .room = (int64_t)counts[0]};
        status = flo_allocate(context, all.room, sizeof *all.low, &all.low);
    }
    status = flo_comm_agree(comm, context, status);
    if (status == FLO_OK) {
        flo_comm_gather_doubles(comm, (const double *)lowest->low, 3 * lowest->held,
                                (double *)all.low);
        if (flo_comm_rank(comm) == 0) {
            all.held = all.room;
            cut(&all);
            lowest->held = all.held;
            memcpy(lowest->low, all.low, (size_t)all.held * sizeof *all.low);
        }
    }
    flo_free(context, &all.low);
    return status;
}
