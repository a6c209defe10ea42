/* Inside src/cli: what `flotilla inspect` tells of a data file. */
#ifndef FLO_CLI_INSPECT_DATA_H
#define FLO_CLI_INSPECT_DATA_H

#include "cli/cli.h"
#include "core/arena.h"
#include "data/profile.h"

typedef struct flo_inspect_options {
    bool quick;   /* no pass over the rows */
    bool columns; /* every column, however many there are */
    bool json;
} flo_inspect_options;

/* A source, and what was found in it. */
typedef struct flo_inspection {
    const flo_source *source;
    const flo_profile *profile; /* NULL: not looked at */
    int ranks;
} flo_inspection;

/* Prints what DATA, FILE[:dataset], holds; FILE may be a pattern. Collective. */
FLO_MUST_USE flo_status flo_inspect_data(const flo_call *call, flo_arena *arena,
                                         const char *spec,
                                         const flo_inspect_options *options);

/* The word for a finding, "constant". Pure. Local. */
const char *flo_finding_word(flo_finding finding);

/* Prints the source with its columns as text; as one JSON object. Local. */
void flo_inspect_print_text(const flo_inspection *inspection, bool all_columns);
FLO_MUST_USE flo_status flo_inspect_print_json(flo_arena *arena,
                                               const flo_inspection *inspection);

#endif
