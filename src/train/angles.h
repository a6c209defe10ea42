/* Columns that data.period declares as angles, in the config of a run. */
#ifndef FLO_TRAIN_ANGLES_H
#define FLO_TRAIN_ANGLES_H

#include "config/settings.h"
#include "data/rows.h"

/* Puts the {kind: angle} steps that setting data.period stands for in front of
   `preprocess`; the run's config.yaml has them already and stays as it is. So a model
   says by its own steps what its angles are. Where it declares none, circular splines
   behind standardized columns, or over a base on the line, are refused. Local.
   FLO_ERROR_CONFIG, FLO_ERROR_MEMORY.
 */
FLO_MUST_USE flo_status flo_angles_declare(flo_arena *arena, flo_node *root,
                                           const flo_rows *rows,
                                           const flo_node *setting);

#endif
