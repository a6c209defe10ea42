/* The registry of bijections: a new kind is one file, one line here and one line below.
 */
#include "bijections/registry.h"

extern const flo_bijection_kind flo_standardize;
extern const flo_bijection_kind flo_elementwise_affine;
extern const flo_bijection_kind flo_permutation;
extern const flo_bijection_kind flo_lu_linear;
extern const flo_bijection_kind flo_additive_coupling;
extern const flo_bijection_kind flo_affine_coupling;
extern const flo_bijection_kind flo_elementwise_spline;
extern const flo_bijection_kind flo_spline_coupling;
extern const flo_bijection_kind flo_affine_autoregressive;
extern const flo_bijection_kind flo_spline_autoregressive;

const flo_bijection_kind *const flo_bijection_kinds[] = {
    &flo_standardize,
    &flo_elementwise_affine,
    &flo_permutation,
    &flo_lu_linear,
    &flo_additive_coupling,
    &flo_affine_coupling,
    &flo_elementwise_spline,
    &flo_spline_coupling,
    &flo_affine_autoregressive,
    &flo_spline_autoregressive,
    NULL,
};
