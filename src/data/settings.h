/* The settings of section `data`: where rows come from. */
#ifndef FLO_DATA_SETTINGS_H
#define FLO_DATA_SETTINGS_H

#include "config/settings.h"

enum { FLO_BAD_ROWS_ERROR, FLO_BAD_ROWS_DROP };

typedef struct flo_data_settings {
    flo_texts files;        /* HDF5 files, or patterns of their names */
    const char *train;      /* data set, table or group in all of them */
    const char *validation; /* the same, FILE:dataset, or a fraction of `train` like
                               0.1; NULL: none */
    const char *test;       /* the same */
    flo_node *columns;      /* `all` or a list of columns (column_entry.h) */
    flo_node *context;      /* null, a list of columns, or a data set path in which
                               {split} stands for the name of the split's data set */
    flo_node *categories;   /* null, or a list of columns of the context */
    flo_node *weights;      /* null, one column, or a data set path as above */
    flo_node *period;       /* null, or a map from columns to the period of each */
    int64_t memory;         /* bytes that a rank keeps of the rows */
    int64_t window_rows;    /* FLO_AUTO until flo_lane_plan_make chose it */
    int on_bad_rows;
} flo_data_settings;

/* In a path of context or weights: the name of the split's data set. */
#define FLO_SPLIT_MARK "{split}"

extern const flo_settings flo_data_settings_table;

#endif
