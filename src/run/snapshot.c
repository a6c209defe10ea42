/* What a checkpoint holds, written to an image and read from one. */
#include "run/snapshot.h"

#include "flow/model_file.h"
#include "hdf5/sealed_file.h"

#include <string.h>

static const char *const moment_names[] = {"optimizer/first", "optimizer/second"};

/* One row a number of flo_progress. */
typedef struct number {
    const char *name;
    bool integer;
    size_t offset;
} number;

#define INTEGER(member)                                                                \
    {                                                                                  \
#member, true, offsetof(flo_progress, member)                                  \
    }
#define DOUBLE(member)                                                                 \
    {                                                                                  \
#member, false, offsetof(flo_progress, member)                                 \
    }

static const number numbers[] = {
    INTEGER(step),          DOUBLE(best),          INTEGER(best_step),
    INTEGER(waited),        DOUBLE(plateau.best),  INTEGER(plateau.waited),
    INTEGER(plateau.drops), INTEGER(bad_steps),    INTEGER(bad_total),
    DOUBLE(window_value),   DOUBLE(window_weight),
};
enum { NUMBERS = sizeof numbers / sizeof *numbers };

static flo_status add_progress(flo_image *image, const flo_progress *progress)
{
    for (int i = 0; i < NUMBERS; i++) {
        const char *const at = (const char *)progress + numbers[i].offset;
        int64_t integer;
        double real;
        if (numbers[i].integer) {
            memcpy(&integer, at, sizeof integer);
            FLO_TRY(flo_image_set_integer(image, "run", numbers[i].name, integer));
        } else {
            memcpy(&real, at, sizeof real);
            FLO_TRY(flo_image_set_double(image, "run", numbers[i].name, real));
        }
    }
    return FLO_OK;
}

static flo_status read_progress(flo_image *image, flo_progress *progress)
{
    for (int i = 0; i < NUMBERS; i++) {
        char *const at = (char *)progress + numbers[i].offset;
        int64_t integer;
        double real;
        if (numbers[i].integer) {
            FLO_TRY(flo_image_get_integer(image, "run", numbers[i].name, &integer));
            memcpy(at, &integer, sizeof integer);
        } else {
            FLO_TRY(flo_image_get_double(image, "run", numbers[i].name, &real));
            memcpy(at, &real, sizeof real);
        }
    }
    return FLO_OK;
}

static flo_status add_all(flo_image *image, const flo_snapshot *s)
{
    const flo_optimizer *const o = s->optimizer;
    const int64_t P = o->size;
    const int64_t done = s->progress->step;
    FLO_TRY(flo_model_add(image, s->flow, s->config, s->theta, o->average));
    for (int i = 0; i < o->kind->moments; i++)
        FLO_TRY(flo_image_add(image, moment_names[i], FLO_ELEMENT_REAL, 1, &P,
                              o->moment[i]));
    FLO_TRY(flo_image_add(image, "run/steps_done", FLO_ELEMENT_INT64, 0, NULL, &done));
    FLO_TRY(add_progress(image, s->progress));
    FLO_TRY(flo_image_set_integer(image, "run", "rows", s->rows));
    FLO_TRY(
        flo_image_set_integer(image, "run", "fingerprint", (int64_t)s->fingerprint));
    FLO_TRY(flo_image_set_integer(image, "run", "blocks", (int64_t)s->blocks));
    FLO_TRY(flo_image_set_integer(image, "run", "ranks", s->ranks));
    return flo_image_set_text(image, "run", "blas_core", s->blas_core);
}

flo_status flo_snapshot_write(flo_context *context, const flo_snapshot *snapshot,
                              void **bytes, size_t *size)
{
    flo_image *image;
    FLO_TRY(flo_image_create(context, &image));
    const flo_status status = add_all(image, snapshot);
    if (status != FLO_OK) {
        flo_image_destroy(&image);
        return status;
    }
    FLO_TRY(flo_image_finish(&image, FLO_SEAL_BYTES, bytes, size));
    flo_seal(*bytes, *size);
    return FLO_OK;
}

/* The same rows cut otherwise would come in another order: in this epoch some twice,
   others not at all. */
static flo_status check_blocks(flo_context *context, flo_image *image, const char *file,
                               const flo_snapshot *s)
{
    int64_t blocks;
    FLO_TRY(flo_image_get_integer(image, "run", "blocks", &blocks));
    if ((uint64_t)blocks == s->blocks)
        return FLO_OK;
    return flo_fail(
        context, FLO_ERROR_DATA,
        "%s: the training data has the rows that it had at this checkpoint, but in "
        "other "
        "files or chunks, by which their order is drawn; give the old files back, or "
        "start over with --fresh (--init %s keeps the parameters)",
        file, file);
}

/* The data must be what the run was started with: its order and its statistics are. */
static flo_status check_data(flo_context *context, flo_image *image, const char *file,
                             const flo_snapshot *s)
{
    int64_t rows, fingerprint, features, context_features;
    FLO_TRY(flo_image_get_integer(image, "run", "rows", &rows));
    FLO_TRY(flo_image_get_integer(image, "run", "fingerprint", &fingerprint));
    FLO_TRY(flo_image_get_integer(image, "/", "features", &features));
    FLO_TRY(flo_image_get_integer(image, "/", "context_features", &context_features));
    if (rows == s->rows && (uint64_t)fingerprint == s->fingerprint)
        return check_blocks(context, image, file, s);
    const bool same_columns =
        features == s->flow->features && context_features == s->flow->context;
    return flo_fail(
        context, FLO_ERROR_DATA,
        "%s: the training data changed since this checkpoint%s: found %lld rows of "
        "%lld columns and %lld of context, wanted %lld rows of %lld and %lld; give the "
        "old data back, or start over with --fresh (--init %s keeps the parameters)",
        file,
        rows == s->rows && same_columns ? " (same shape, but other values in its rows)"
                                        : "",
        (long long)s->rows, (long long)s->flow->features, (long long)s->flow->context,
        (long long)rows, (long long)features, (long long)context_features, file);
}

static flo_status read_optimizer(flo_image *image, const flo_snapshot *s)
{
    flo_optimizer *const o = s->optimizer;
    if (!flo_optimizer_reads(o))
        return FLO_OK;
    if (o->average)
        FLO_TRY(flo_model_read_vector(image, s->flow, "average", o->average));
    for (int i = 0; i < o->kind->moments; i++)
        FLO_TRY(flo_image_read(image, moment_names[i], FLO_ELEMENT_REAL, o->size,
                               o->moment[i]));
    return FLO_OK;
}

flo_status flo_snapshot_read(flo_context *context, flo_image *image, const char *file,
                             const flo_snapshot *s, char **core)
{
    FLO_TRY(check_data(context, image, file, s));
    FLO_TRY(flo_model_read_constants(image, s->flow));
    FLO_TRY(flo_model_read_vector(image, s->flow, "parameters", s->theta));
    FLO_TRY(read_optimizer(image, s));
    FLO_TRY(read_progress(image, s->progress));
    return flo_image_get_text(image, "run", "blas_core", core);
}
