/* The setting of layers whose log-scales are softly clamped. */
#ifndef FLO_BIJECTIONS_SCALE_LIMIT_H
#define FLO_BIJECTIONS_SCALE_LIMIT_H

#include "config/settings.h"
#include "core/soft_clamp.h"

/* MEMBER is a double of OWNER. */
#define FLO_SCALE_LIMIT_ROW(OWNER, MEMBER) FLO_SCALE_LIMIT_ROW_OF(OWNER, MEMBER, "2")

/* The same with a default. */
#define FLO_SCALE_LIMIT_ROW_OF(OWNER, MEMBER, FALLBACK)                                \
    {                                                                                  \
        .name = "scale_limit", .type = FLO_NUMBER, .offset = offsetof(OWNER, MEMBER),  \
        .low = 0.01, .high = 20, .fallback = FALLBACK,                                 \
        .help = "soft bound on the log-scale of one layer; a large one lets rows "     \
                "outside the training range blow up"                                   \
    }

#endif
