/* Elementwise affine map: z_j = exp(s_j) x_j + t_j with learned s and t. */
#include "bijections/column_affine.h"

static const flo_setting rows[] = {{.name = NULL}};
static const flo_settings settings = {
    "elementwise_affine", "scales and shifts every column by learned numbers", rows};

static flo_status configure(flo_bijection *self, flo_arena *arena, flo_node *node,
                            const flo_place *place)
{
    (void)place;
    FLO_TRY(flo_settings_read(arena, NULL, node, &settings, NULL));
    return flo_column_affine_declare(self);
}

const flo_bijection_kind flo_elementwise_affine = {
    .name = "elementwise_affine",
    .settings = &settings,
    .configure = configure,
    .fit = flo_bijection_fit_nothing,
    .prepare = flo_bijection_prepare_nothing,
    .init = flo_bijection_init_zero,
    .start = flo_bijection_start_nothing,
    .forward = flo_column_affine_forward,
    .inverse = flo_column_affine_inverse,
    .backward = flo_column_affine_backward,
};
