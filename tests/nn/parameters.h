/* For tests of what has parameters: random ones, and the gradient by each of them. Only
   those entries of a packed tensor count that are parameters; the rest are zero. */
#ifndef FLO_TESTS_NN_PARAMETERS_H
#define FLO_TESTS_NN_PARAMETERS_H

#include "core/layout.h"

#include "linalg/numbers.h"

#include <stdio.h>

/* The entries of a tensor that are parameters, or those that are not: index [count].
   The caller frees it. */
static inline int64_t tensor_entries(const flo_tensor *t, bool free_ones,
                                     int64_t **index)
{
    int64_t count = 0, at = 0;
    *index = malloc((size_t)(t->count + 1) * sizeof **index);
    assert_non_null(*index);
    const int64_t rows = t->ragged ? t->ragged->rows : 1;
    for (int64_t r = 0; r < rows; r++) {
        const int64_t length = t->ragged ? t->ragged->length[r] : t->count;
        const int64_t seen = t->ragged ? t->ragged->seen[r] : t->count;
        for (int64_t k = 0; k < length; k++, at++)
            if ((k < seen) == free_ones)
                (*index)[count++] = at;
    }
    assert_int_equal(at, t->count);
    return count;
}

/* Parameters as a random, not an initial, layer has them: nothing is zero, and outputs
   stay near 1. */
static inline void draw_parameters(const flo_layout *layout, flo_real *theta)
{
    for (int64_t i = 0; i < layout->count; i++) {
        const flo_tensor *const t = &layout->tensors[i];
        double inputs = (double)(t->rank == 2 ? t->shape[1] : 9);
        if (t->ragged)
            inputs = (double)t->count / (double)t->ragged->rows;
        draw_normals(100 + (uint64_t)i, 0.7 / sqrt(inputs), t->count,
                     theta + t->offset);
        int64_t *zero;
        const int64_t zeros = tensor_entries(t, false, &zero);
        for (int64_t k = 0; k < zeros; k++)
            theta[t->offset + zero[k]] = 0;
        free(zero);
    }
}

/* dtheta against finite differences of the loss by theta, tensor by tensor. */
static inline void assert_parameter_gradients(const char *what,
                                              const flo_layout *layout,
                                              const flo_real *dtheta, flo_real *theta,
                                              loss_of *loss, void *data)
{
    for (int64_t i = 0; i < layout->count; i++) {
        const flo_tensor *const t = &layout->tensors[i];
        char name[400];
        snprintf(name, sizeof name, "%s: %s", what, t->name);
        int64_t *index;
        const int64_t count = tensor_entries(t, true, &index);
        assert_gradient_at(name, count, index, dtheta + t->offset, theta + t->offset,
                           loss, data);
        free(index);
        const int64_t zeros = tensor_entries(t, false, &index);
        for (int64_t k = 0; k < zeros; k++)
            if (dtheta[t->offset + index[k]] != 0)
                fail_msg("%s, element %lld: found gradient %g of a structural zero",
                         name, (long long)index[k],
                         (double)dtheta[t->offset + index[k]]);
        free(index);
    }
}

/* What a fresh pass finds (core/pass.h): no numbers for weights, zeros for all else. */
static inline void make_fresh(const flo_layout *layout, flo_real *dtheta)
{
    for (int64_t i = 0; i < layout->count; i++) {
        const flo_tensor *const t = &layout->tensors[i];
        fill_reals(t->count, t->decay ? (double)NAN : 0, dtheta + t->offset);
    }
}

/* A gradient that was added to what held `before` everywhere: `twice` is that, `once`
   was added to zero. What is no parameter is zero in both. */
static inline void assert_parameters_added(const flo_tensor *t, double before,
                                           const flo_real *once, const flo_real *twice)
{
    for (int parameter = 0; parameter < 2; parameter++) {
        int64_t *index;
        const int64_t count = tensor_entries(t, parameter, &index);
        for (int64_t k = 0; k < count; k++) {
            const int64_t at = t->offset + index[k];
            assert_near(twice[at], parameter ? before + (double)once[at] : 0,
                        near_enough);
        }
        free(index);
    }
}

#endif
