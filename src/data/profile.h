/* What the columns of a data source are like: one pass over all rows, by all ranks. */
#ifndef FLO_DATA_PROFILE_H
#define FLO_DATA_PROFILE_H

#include "comm/comm.h"
#include "data/levels.h"
#include "data/source.h"

/* One column; all but the counts over its finite numbers, in double. */
typedef struct flo_column_profile {
    int64_t finite, nan, infinite, zeros;
    int64_t levels; /* different numbers; FLO_LEVELS_MOST + 1: more */
    bool whole;     /* every number is whole */
    double low, high, mean, deviation; /* NaN where there is none */
    double kurtosis; /* in excess of a normal's; NaN where all numbers are the same */
    double repeated; /* the number that comes most often, NaN where none stands out */
    int64_t repeats; /* how often */
    int64_t copy_of; /* the earlier column of which this one is a x + b, -1: none */
} flo_column_profile;

typedef struct flo_profile {
    int64_t rows, columns;
    flo_column_profile *column;   /* [columns] */
    int64_t block_rows;           /* rows that were read at a time */
    double read_seconds, seconds; /* in reads, of the whole pass: the slowest rank's */
} flo_profile;

/* Chooses all columns of the source and reads every row once. Rows are cut into parts
   by their number alone, each rank reads its share of parts in turn, and parts are
   added in the order of the lane tree: the same bits on any number of ranks. The caller
   frees it by flo_profile_free. Collective. FLO_ERROR_FILE, FLO_ERROR_MEMORY, agreed
   on. */
FLO_MUST_USE flo_status flo_profile_collect(flo_comm *comm, flo_context *context,
                                            flo_source *source, flo_profile *profile);
void flo_profile_free(flo_context *context, flo_profile *profile);

/* What somebody who trains on a column should know. */
typedef enum flo_finding {
    FLO_COLUMN_EMPTY = 1,      /* no finite number at all */
    FLO_COLUMN_GAPS = 2,       /* NaN or infinities */
    FLO_COLUMN_CONSTANT = 4,   /* one number */
    FLO_COLUMN_WHOLE = 8,      /* whole numbers */
    FLO_COLUMN_LEVELS = 16,    /* others, but few, each many times */
    FLO_COLUMN_HEAVY = 32,     /* far values, or much kurtosis */
    FLO_COLUMN_ROUNDED = 64,   /* flo_real would tell few levels of it apart */
    FLO_COLUMN_REPEATED = 128, /* one number again and again among many others */
    FLO_COLUMN_COPY = 256,     /* a line of an earlier column */
    FLO_FINDINGS = 9
} flo_finding;

/* The findings of a column, or-ed. Pure. Local. */
int flo_profile_findings(const flo_column_profile *column);

#endif
