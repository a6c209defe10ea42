/* A flow: a chain of bijections and a base density, with one vector of parameters.
   Context passes through a chain of its own first, once, before any layer sees it.

   Layers stand in forward order. For a density flow forward maps data x to noise z and
   log p(x) = log p_base(z) + sum log|det dz_k/dz_{k-1}|; for a sampling flow forward
   maps noise to data (Rezende & Mohamed 2015, arXiv 1505.05770; Papamakarios et al.
   2021, arXiv 1912.02762). The kernels are the same, only the chain's role changes. */
#ifndef FLO_FLOW_FLOW_H
#define FLO_FLOW_FLOW_H

#include "bijections/bijection.h"
#include "densities/density.h"
#include "flow/categories.h"
#include "flow/settings.h"
#include "schema/schema.h"

/* One layer and where it keeps its parameters and constants. */
typedef struct flo_layer {
    const char *name; /* "02_affine_coupling": in files and messages */
    flo_bijection *bijection;
    flo_place place;
    int64_t parameters, constants; /* offsets */
    bool given; /* its constants are those of another model: a fit leaves them alone */
    const double *drawn; /* constants that its place among angles depends on, or NULL */
} flo_layer;

typedef struct flo_flow {
    flo_arena *arena;          /* borrowed: holds everything here */
    int64_t features, context; /* D, C */
    const flo_schema *schema;  /* what its columns are; NULL: not known. Set by whoever
                                  created the flow */
    flo_direction direction;
    uint64_t seed;
    int64_t layers;     /* L */
    flo_layer *layer;   /* [L] */
    int64_t preprocess; /* the first layers, those of section `preprocess` */
    int64_t fixed;      /* the first layers, without parameters: backward stops there */
    flo_categories categories; /* of the context; layers see encoded columns E of it */
    int64_t context_layers;    /* without parameters, on rows [B, C] */
    flo_layer *context_layer;  /* [context_layers], "context_00_standardize" */
    const bool *angles;        /* [D], which are angles at the base; NULL: none */
    flo_density *base;
    int64_t base_parameters; /* offset of the base's slice, behind the layers' */
    flo_layout parameters;   /* theta [P] */
    flo_layout constants;
    double *constant;              /* [constants.size] */
    const double *origin, *factor; /* [D + C], see shift.h; NULL: 0 and 1 */
    double log_factor;             /* sum of log factor of the features */
    int64_t ready, context_ready;  /* the first layers whose constants are there */
} flo_flow;

/* Builds the flow of config nodes `flow` (a map), `preprocess` (a list or NULL) and
   `preprocess_context` (a list; where there is context and it is not written, its
   columns are standardized, but for those of `context_categories`) for D features and C
   context columns. Everything lives in
   the arena, which must be that of the nodes: defaults are filled into them. Local.
   FLO_ERROR_CONFIG, FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_flow_create(flo_arena *arena, flo_node *root,
                                        int64_t features, int64_t context,
                                        uint64_t seed, flo_flow **flow);

/* Whether a layer waits for the moments of what it is fed: layer[ready] or
   context_layer[context_ready]; one whose constants are given does so too, to be
   compared with them. Local. */
bool flo_flow_waits(const flo_flow *flow);

/* Whether the layer of the features that waits takes their correlations too, to fit
   constants of its own. Local. */
bool flo_flow_waits_for_correlations(const flo_flow *flow);

/* Fills the constants and prepares the layers, one after the other, up to the next that
   waits for moments. Where one waits already, moments [D + C] are of what it is fed:
   features behind layer ready - 1, then context behind context layer context_ready - 1;
   NULL fills none that waits. So a flow is fitted by calls with moments until none
   waits. Errors are the same on all ranks where the moments are. Local. FLO_ERROR_DATA.
 */
FLO_MUST_USE flo_status flo_flow_fit(flo_flow *flow, const flo_moments *moments);

/* Prepares all layers after flow->constant was read from a file. Local.
   FLO_ERROR_FILE. */
FLO_MUST_USE flo_status flo_flow_prepare(flo_flow *flow);

/* Initial parameters theta [P] by the seed. Local. */
void flo_flow_init(const flo_flow *flow, flo_real *theta);

/* A text table of the layers: name, settings that matter, parameters. In the arena. */
FLO_MUST_USE flo_status flo_flow_describe(const flo_flow *flow, char **text);

#endif
