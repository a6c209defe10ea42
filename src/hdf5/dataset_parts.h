/* Inside src/hdf5: what an open flo_dataset holds, shared by opening and reading. */
#ifndef FLO_HDF5_DATASET_PARTS_H
#define FLO_HDF5_DATASET_PARTS_H

#include "hdf5/stored.h"

/* Columns that are chosen and lie side by side both in a record and in `out`. */
typedef struct flo_pick {
    int64_t offset; /* in bytes from the begin of the record */
    int64_t count;
    int64_t place;  /* of the first in a row of out */
    int64_t column; /* the first, of its member */
    flo_converter convert;
    int64_t masks, mask_offset;    /* bytes of the record, as in flo_field; 0: none */
    const flo_meaning *meaning;    /* NULL: numbers stand for themselves */
    const double *origin, *factor; /* [count], borrowed; NULL: numbers as they are */
} flo_pick;

/* One HDF5 data set of the array: the only one, or a member of a group. */
typedef struct flo_member {
    const char *path;
    flo_stored stored; /* of a member that was not chosen: only its info */
    int64_t first;     /* its first column */
    flo_pick *pick;    /* [picks] */
    int64_t picks;     /* 0: not read */
} flo_member;

struct flo_dataset {
    flo_context *context; /* borrowed */
    flo_arena *arena;     /* of all that outlives a choice */
    flo_arena *choice;    /* of picks, opened members and staging */
    char *file, *name;
    flo_dataset_info info;
    int descriptor;
    hid_t file_id; /* of a group, for opening members; else -1 */
    int64_t members;
    flo_member *member;            /* [members] */
    const char **column_name;      /* [columns], or NULL: they have none */
    int64_t chosen;                /* columns that are read */
    const double *origin, *factor; /* [chosen], borrowed; NULL: 0 and 1 */
    double *wide; /* [wide_count], numbers on their way through double */
    int64_t wide_count;
    unsigned char *staging; /* [staging_bytes] */
    int64_t staging_bytes;
};

/* The texts of names beside the data or in its attribute (dataset.h): *names [columns]
   in the arena, NULL where there are none. Local. FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_hdf5_column_names(flo_arena *arena, hid_t file,
                                              const char *path, int64_t columns,
                                              const char ***names);

/* The texts of an attribute that is exactly `count` of them, or NULL: *texts [count] in
   the arena. Local. FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_hdf5_attribute_texts(flo_arena *arena, hid_t dataset,
                                                 const char *name, int64_t count,
                                                 const char ***texts);

/* The members of a group that are columns: dataset->member [members], with path and
   stored.info, and their names. Local. FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_hdf5_group_members(flo_dataset *dataset, hid_t group);

#endif
