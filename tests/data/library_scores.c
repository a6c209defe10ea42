/* Scores rows by the C library: library_scores MODEL ROWS IN OUT, where IN has x [ROWS,
   D] and then context [ROWS, C], OUT gets log_prob [ROWS]; all are doubles. */
#include "flotilla/flotilla.h"

#include <stdio.h>
#include <stdlib.h>

static flo_real *read_reals(FILE *file, int64_t count)
{
    flo_real *const values = malloc((size_t)(count + 1) * sizeof *values);
    for (int64_t i = 0; i < count; ++i) {
        double value;
        if (fread(&value, sizeof value, 1, file) != 1)
            exit(2);
        values[i] = (flo_real)value;
    }
    return values;
}

static int score(flo_model *model, int64_t rows, const char *in, const char *out)
{
    FILE *const from = fopen(in, "rb"), *const to = fopen(out, "wb");
    const int64_t C = flo_model_context_features(model);
    if (!from || !to)
        return 2;
    flo_real *const x = read_reals(from, rows * flo_model_features(model));
    flo_real *const context = C ? read_reals(from, rows * C) : NULL;
    double *const log_prob = malloc((size_t)rows * sizeof *log_prob);
    flo_model_log_prob(model, 0, rows, x, context, log_prob);
    const size_t written = fwrite(log_prob, sizeof *log_prob, (size_t)rows, to);
    free(x);
    free(context);
    free(log_prob);
    fclose(from);
    return fclose(to) == 0 && written == (size_t)rows ? 0 : 2;
}

int main(int argc, char **argv)
{
    flo_context *context;
    flo_model *model;
    int code = 2;
    if (argc != 5 || flo_context_create(&context) != FLO_OK)
        return 2;
    if (flo_model_open(context, argv[1], 1, &model) == FLO_OK) {
        code = score(model, atoll(argv[2]), argv[3], argv[4]);
        flo_model_close(&model);
    } else
        fprintf(stderr, "%s\n", flo_context_message(context));
    return flo_context_destroy(&context) == 0 ? code : 3;
}
