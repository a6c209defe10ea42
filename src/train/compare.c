/* The ranks compared. */
#include "train/compare.h"

#include "comm/dissent.h"
#include "core/checksum.h"
#include "core/version.h"

#include <stdio.h>
#include <string.h>

flo_status flo_compare_hosts(flo_trainer *t)
{
    char text[512];
    snprintf(text, sizeof text, "%s %s %s %s", FLO_VERSION, FLO_COMMIT, FLO_REAL_NAME,
             t->blas_core);
    if (flo_comm_same(t->comm, flo_checksum(text, strlen(text))))
        return FLO_OK;
    return flo_comm_agree(
        t->comm, t->context,
        flo_fail(
            t->context, FLO_ERROR_USAGE,
            "the ranks run different builds or BLAS cores (rank %d: %s), wanted one; "
            "run on hosts of one kind, or set OPENBLAS_CORETYPE for all",
            flo_comm_rank(t->comm), text));
}

/* Of all vectors [P] that a checkpoint holds. */
static uint64_t digest(const flo_trainer *t)
{
    const flo_optimizer *const o = t->optimizer;
    const flo_real *const vector[] = {t->theta, o->moment[0], o->moment[1], o->average};
    enum { VECTORS = sizeof vector / sizeof *vector };
    uint64_t of[VECTORS] = {0};
    for (int i = 0; i < VECTORS; i++)
        if (vector[i])
            of[i] = flo_checksum(vector[i], (size_t)o->size * sizeof *vector[i]);
    return flo_checksum(of, sizeof of);
}

flo_status flo_compare_ranks(flo_trainer *t)
{
    char which[1024];
    if (flo_comm_same_or_named(t->comm, digest(t), which, sizeof which))
        return FLO_OK;
    return flo_fail(
        t->context, FLO_ERROR_INTERNAL,
        "step %lld: the parameters are not the same on all ranks: %s: a host "
        "computes or remembers wrong, or messages were changed on their way; "
        "every checkpoint is from before that: go on with --resume, on other "
        "hosts if it comes back",
        (long long)t->progress.step, which);
}
