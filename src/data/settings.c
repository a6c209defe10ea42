/* The table of section `data`. */
#include "data/settings.h"

#include <stddef.h>

#define PLACE(field) offsetof(flo_data_settings, field)

static const double largest = 9e18; /* rows or bytes */

static const flo_setting rows[] = {
    {.name = "files",
     .type = FLO_TEXTS,
     .offset = PLACE(files),
     .flags = FLO_REQUIRED,
     .help = "the HDF5 files that hold the data sets below: paths and patterns such as "
             "run-*.h5; their rows follow each other"},
    {.name = "train",
     .type = FLO_TEXT,
     .offset = PLACE(train),
     .fallback = "train",
     .help = "path of the data set to train on, one row a sample; of a table, whose "
             "fields are columns; or of a group (/ is the whole file), whose data sets "
             "are columns"},
    {.name = "validation",
     .type = FLO_TEXT,
     .offset = PLACE(validation),
     .fallback = "null",
     .flags = FLO_NULL_VALUE,
     .help = "path of a data set, FILE:dataset in other files, or a fraction of train "
             "such as 0.1, taken by row index and seed; null for none"},
    {.name = "test",
     .type = FLO_TEXT,
     .offset = PLACE(test),
     .fallback = "null",
     .flags = FLO_NULL_VALUE,
     .help = "the same as validation"},
    {.name = "columns",
     .type = FLO_NODE,
     .offset = PLACE(columns),
     .fallback = "all",
     .help = "the columns that are features: all (without those of context and "
             "weights), or a list of indices from 0, ranges like 0:21 (without its "
             "end), and names"},
    {.name = "context",
     .type = FLO_NODE,
     .offset = PLACE(context),
     .fallback = "null",
     .flags = FLO_NULL_VALUE,
     .help = "what the density is conditioned on: null, columns as above, or the path "
             "of a data set, in which {split} stands for the split's data set"},
    {.name = "categories",
     .type = FLO_NODE,
     .offset = PLACE(categories),
     .fallback = "null",
     .flags = FLO_NULL_VALUE,
     .help = "context columns that are labels (whole numbers, at most 1000 different "
             "ones), by index or name as in context: networks see one column for every "
             "value that training has, 0 or 1, in the place of a number"},
    {.name = "weights",
     .type = FLO_NODE,
     .offset = PLACE(weights),
     .fallback = "null",
     .flags = FLO_NULL_VALUE,
     .help = "weights of the rows: null, a column, or the path of a data set with "
             "{split} as above"},
    {.name = "period",
     .type = FLO_NODE,
     .offset = PLACE(period),
     .fallback = "null",
     .flags = FLO_NULL_VALUE,
     .help = "columns that are angles, and what a whole turn adds to each: {phi: "
             "6.283185307179586, 3: 360}, by name, index or range; sets preprocessing, "
             "splines, networks and base for them"},
    {.name = "memory",
     .type = FLO_BYTES,
     .offset = PLACE(memory),
     .low = 1 << 20,
     .high = largest,
     .fallback = "2GB",
     .help = "memory that a rank keeps rows in; what does not fit is read ahead in "
             "windows, in the same order"},
    {.name = "window_rows",
     .type = FLO_INTEGER,
     .offset = PLACE(window_rows),
     .low = 1,
     .high = largest,
     .fallback = "auto",
     .flags = FLO_AUTO_VALUE,
     .help = "rows that a lane shuffles together, at most; auto: the whole lane where "
             "all rows fit into memory, else as many as fit twice"},
    {.name = "on_bad_rows",
     .type = FLO_CHOICE,
     .offset = PLACE(on_bad_rows),
     .fallback = "error",
     .choices = "error|drop",
     .help = "what to do with rows that hold NaN, infinity or a negative weight: stop "
             "with an error, or drop them (weight 0) and count them"},
    {.name = NULL}};

const flo_settings flo_data_settings_table = {
    .name = "data", .help = "where the rows come from", .rows = rows};
