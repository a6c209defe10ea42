/* The settings of section `flow`. */
#include "flow/settings.h"

static const flo_setting rows[] = {
    {.name = "direction",
     .type = FLO_CHOICE,
     .offset = offsetof(flo_flow_settings, direction),
     .fallback = "density",
     .choices = "density|sampling",
     .help =
         "what the forward pass maps: data to noise (maximum likelihood) or noise to "
         "data (reverse KL)"},
    {.name = "base",
     .type = FLO_NODE,
     .offset = offsetof(flo_flow_settings, base),
     .fallback = "{kind: normal}",
     .help = "base density of the noise"},
    {.name = "layers",
     .type = FLO_NODE,
     .offset = offsetof(flo_flow_settings, layers),
     .flags = FLO_REQUIRED,
     .help = "list of bijections {kind: .., ..} in forward order; {repeat: 3, layers: "
             "[..]} repeats a list; `preset: NAME` with its settings stands for base "
             "and layers"},
    {.name = NULL}};

const flo_settings flo_flow_settings_table = {"flow",
                                              "the model: a chain of bijections", rows};
