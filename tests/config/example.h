/* A table with a row of every type, and the struct that it fills. */
#ifndef TESTS_CONFIG_EXAMPLE_H
#define TESTS_CONFIG_EXAMPLE_H

#include "config/settings.h"

#include <float.h>
#include <math.h>
#include <stddef.h>

typedef struct example {
    const char *directory;
    int64_t batch;
    double learning_rate;
    double clip;
    int optimizer;
    bool nesterov;
    int64_t memory;
    int64_t threads;
    flo_integers hidden;
    flo_texts files;
    const char *context;
    flo_node *columns;
    int64_t any;
} example;

static const flo_setting example_rows[] = {
    {"directory", FLO_TEXT, offsetof(example, directory), 0, 0, NULL, NULL,
     FLO_REQUIRED, "where the run is written"},
    {"batch", FLO_INTEGER, offsetof(example, batch), 1, 1e9, "512", NULL, 0,
     "rows of a global batch"},
    {"learning_rate", FLO_NUMBER, offsetof(example, learning_rate), DBL_MIN, 1e3,
     "5e-4", NULL, 0,
     "the step of the optimizer before the schedule, which multiplies it by a factor "
     "between 0 and 1 at every step"},
    {"clip", FLO_NUMBER, offsetof(example, clip), 0, INFINITY, "null", NULL, 0,
     "the largest norm of a gradient"},
    {"optimizer", FLO_CHOICE, offsetof(example, optimizer), 0, 0, "adam",
     "adam|adamw|sgd", 0, "how a gradient becomes a step"},
    {"nesterov", FLO_BOOLEAN, offsetof(example, nesterov), 0, 0, "false", NULL, 0,
     "look ahead"},
    {"memory", FLO_BYTES, offsetof(example, memory), 65536, 1e12, "2GB", NULL, 0,
     "what a rank keeps of the rows"},
    {"threads", FLO_INTEGER, offsetof(example, threads), 1, 1024, "auto", NULL,
     FLO_AUTO_VALUE, "threads of a rank"},
    {"hidden", FLO_INTEGERS, offsetof(example, hidden), 1, 1e6, "[256, 256]", NULL, 0,
     "widths of hidden layers"},
    {"files", FLO_TEXTS, offsetof(example, files), 0, 0, "[]", NULL, 0, "data files"},
    {"context", FLO_TEXT, offsetof(example, context), 0, 0, NULL, NULL, 0,
     "a data set"},
    {"columns", FLO_NODE, offsetof(example, columns), 0, 0, "all", NULL, FLO_NULL_VALUE,
     "which columns"},
    {"any", FLO_INTEGER, offsetof(example, any), 0, 0, "-7", NULL, 0, "any integer"},
    {0}};

static const flo_settings example_table = {"train", "how the parameters are fitted",
                                           example_rows};

#endif
