/* The settings of section `flow`. */
#ifndef FLO_FLOW_SETTINGS_H
#define FLO_FLOW_SETTINGS_H

#include "config/settings.h"

/* Which way the kernels' forward runs. The order is that of the choices in the table.
 */
typedef enum flo_direction {
    FLO_DIRECTION_DENSITY, /* forward = data to noise: fast density, maximum likelihood
                            */
    FLO_DIRECTION_SAMPLING /* forward = noise to data: fast sampling, reverse KL */
} flo_direction;

typedef struct flo_flow_settings {
    int direction;
    flo_node *base;   /* {kind: normal} */
    flo_node *layers; /* list of layers and of {repeat:, layers:} */
} flo_flow_settings;

extern const flo_settings flo_flow_settings_table;

#endif
