/* The registry of bijections: one row a kind. */
#ifndef FLO_BIJECTIONS_REGISTRY_H
#define FLO_BIJECTIONS_REGISTRY_H

#include "bijections/bijection.h"

/* All kinds, ending in NULL. Static storage. */
extern const flo_bijection_kind *const flo_bijection_kinds[];

#endif
