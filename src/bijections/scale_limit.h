/* The setting of layers whose log-scales are softly clamped. */
#ifndef FLO_BIJECTIONS_SCALE_LIMIT_H
#define FLO_BIJECTIONS_SCALE_LIMIT_H

#include "config/settings.h"
#include "core/soft_clamp.h"

/* MEMBER is a double of OWNER. */
#define FLO_SCALE_LIMIT_ROW(OWNER, MEMBER)                                             \
    {                                                                                  \
        .name = "scale_limit", .type = FLO_NUMBER, .offset = offsetof(OWNER, MEMBER),  \
        .low = 0.01, .high = 20, .fallback = "2",                                      \
        .help = "soft bound on the log-scale of one layer; a large one lets rows "     \
                "outside the training range blow up"                                   \
    }

#endif
