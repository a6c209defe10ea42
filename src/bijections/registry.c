/* The registry of bijections: a new kind is one file, one line here and one line below.
 */
#include "bijections/registry.h"

extern const flo_bijection_kind flo_standardize;
extern const flo_bijection_kind flo_whiten;
extern const flo_bijection_kind flo_dequantize;
extern const flo_bijection_kind flo_angle;
extern const flo_bijection_kind flo_box;
extern const flo_bijection_kind flo_elementwise_log;
extern const flo_bijection_kind flo_elementwise_signed_log;
extern const flo_bijection_kind flo_elementwise_affine;
extern const flo_bijection_kind flo_permutation;
extern const flo_bijection_kind flo_lu_linear;
extern const flo_bijection_kind flo_additive_coupling;
extern const flo_bijection_kind flo_affine_coupling;
extern const flo_bijection_kind flo_elementwise_spline;
extern const flo_bijection_kind flo_spline_coupling;
extern const flo_bijection_kind flo_actnorm;
extern const flo_bijection_kind flo_planar;
extern const flo_bijection_kind flo_radial;
extern const flo_bijection_kind flo_sylvester;
extern const flo_bijection_kind flo_elementwise_leaky_relu;
extern const flo_bijection_kind flo_elementwise_tanh;
extern const flo_bijection_kind flo_elementwise_sigmoid;
extern const flo_bijection_kind flo_elementwise_logit;
extern const flo_bijection_kind flo_elementwise_softplus;
extern const flo_bijection_kind flo_elementwise_inverse_softplus;
extern const flo_bijection_kind flo_householder;
extern const flo_bijection_kind flo_affine_autoregressive;
extern const flo_bijection_kind flo_spline_autoregressive;

const flo_bijection_kind *const flo_bijection_kinds[] = {
    &flo_standardize,
    &flo_whiten,
    &flo_dequantize,
    &flo_angle,
    &flo_box,
    &flo_elementwise_log,
    &flo_elementwise_signed_log,
    &flo_elementwise_affine,
    &flo_permutation,
    &flo_lu_linear,
    &flo_additive_coupling,
    &flo_affine_coupling,
    &flo_elementwise_spline,
    &flo_spline_coupling,
    &flo_actnorm,
    &flo_planar,
    &flo_radial,
    &flo_sylvester,
    &flo_elementwise_leaky_relu,
    &flo_elementwise_tanh,
    &flo_elementwise_sigmoid,
    &flo_elementwise_logit,
    &flo_elementwise_softplus,
    &flo_elementwise_inverse_softplus,
    &flo_householder,
    &flo_affine_autoregressive,
    &flo_spline_autoregressive,
    NULL,
};
