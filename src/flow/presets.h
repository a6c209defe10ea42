/* Presets: names of whole flows, which stand for a base and a list of layers.

   `flow: {preset: maf, steps: 5}` is expanded in the config before anything reads it: a
   run's config.yaml and checkpoints hold the layers, so that a later version with other
   presets goes on with the flow that a run was started with. */
#ifndef FLO_FLOW_PRESETS_H
#define FLO_FLOW_PRESETS_H

#include "bijections/spline.h"
#include "config/settings.h"
#include "nn/network.h"

/* What goes between the steps of a preset, in the order of its choices. */
typedef enum flo_mixing {
    FLO_MIXING_LU,
    FLO_MIXING_HOUSEHOLDER,
    FLO_MIXING_PERMUTATION,
    FLO_MIXING_NONE,
    FLO_MIXING_REVERSE,
    FLO_MIXINGS
} flo_mixing;

/* The settings of all presets; each reads those of its table. */
typedef struct flo_preset_settings {
    int64_t steps;
    int mixing;
    flo_network_settings network;
    double scale_limit;
    flo_spline_settings spline;
    int64_t components;
} flo_preset_settings;

/* A preset. Base and layers are YAML in which <name> is the setting of this name,
   <network> the settings of a network, <mixing> what comes before a coupling and
   <ordered_mixing> before an autoregressive layer, each with its comma, and
   <last_mixing> what comes after the last step. Where data.period declares columns as
   angles, which no linear map may mix, and mixing is left out, it is permutation; of a
   preset that has `pairs`, these layers, <pairs> is half of the steps: a permutation
   stands before every two couplings, so that each column is changed by one. */
typedef struct flo_preset {
    const flo_settings *settings; /* name, help, rows */
    const char *direction;        /* the only one that it has; NULL: any */
    const char *base;             /* NULL: that of flow.base */
    const char *layers;
    const char *pairs; /* NULL: none */
} flo_preset;

extern const flo_preset flo_presets[]; /* ends with settings NULL */

/* Puts base and layers in the place of flow.preset and its settings; where a density
   flow has no `preprocess`, its columns are standardized. A config without a preset
   stays as it is. Local. FLO_ERROR_CONFIG (unknown preset or setting, layers besides a
   preset, another direction than the preset's), FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_presets_expand(flo_arena *arena, flo_node *root);

#endif
