/* Setting `columns` of layers that act on some columns and leave the others alone. */
#ifndef FLO_BIJECTIONS_COLUMN_CHOICE_H
#define FLO_BIJECTIONS_COLUMN_CHOICE_H

#include "bijections/bijection.h"

typedef struct flo_column_choice {
    flo_node *setting;     /* all, or a list of indices and ranges */
    int64_t count;         /* n, the columns that are chosen */
    const int64_t *column; /* [n], rising; NULL: all D */
} flo_column_choice;

/* The row of the setting in a kind's table, at member `member` of its state. */
#define FLO_COLUMNS_ROW(state, member)                                                 \
    {                                                                                  \
        .name = "columns", .type = FLO_NODE,                                           \
        .offset = offsetof(state, member) + offsetof(flo_column_choice, setting),      \
        .fallback = "all",                                                             \
        .help =                                                                        \
            "the columns it acts on, the others pass unchanged: all, or a list "       \
            "of indices from 0 and of ranges such as 0:3 (without the 3); all are "    \
            "those that are no angles"                                                 \
    }

/* After the settings were read into the layer's state: finds the columns, and says in
   self->passes which are left alone. `all` leaves angles alone: n may be 0. Local.
   FLO_ERROR_CONFIG (not a column, twice), FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_column_choice_make(flo_bijection *self, flo_arena *arena,
                                               flo_column_choice *choice);

/* The column of the data that is the k-th chosen. Pure. Local. */
static inline int64_t flo_column_chosen(const flo_column_choice *choice, int64_t k)
{
    return choice->column ? choice->column[k] : k;
}

/* Which of the chosen columns column j, one of them, is. Pure. Local. */
static inline int64_t flo_column_place(const flo_column_choice *choice, int64_t j)
{
    int64_t k = 0;
    while (flo_column_chosen(choice, k) != j)
        k++;
    return k;
}

/* The chosen columns of rows [B, D] into chosen [B, n], and back. Pure. Local. */
void flo_column_choice_gather(const flo_column_choice *choice, int64_t B, int64_t D,
                              const flo_real *rows, flo_real *chosen);
void flo_column_choice_scatter(const flo_column_choice *choice, int64_t B, int64_t D,
                               const flo_real *chosen, flo_real *rows);

#endif
