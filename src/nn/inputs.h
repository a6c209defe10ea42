/* What a conditioner network reads of columns: the number itself, or of an angle its
   cosine and sine, so that nothing happens at the seam of the circle (Rezende et al.
   2020, arXiv 2002.02428). */
#ifndef FLO_NN_INPUTS_H
#define FLO_NN_INPUTS_H

#include "core/arena.h"
#include "flotilla/real.h"

#include <stdbool.h>

/* The period of columns that come as angles between -pi and pi. */
#define FLO_TURN 6.28318530717958647692

typedef struct flo_inputs {
    int64_t columns, count; /* n; inputs of the network: an angle gives two */
    double period;          /* of the angles */
    const int64_t *first;   /* [n + 1], where the inputs of a column begin; NULL: no
                               column is an angle, each is one input */
} flo_inputs;

/* is_angle [columns] is read once; NULL: no column is an angle. Local.
   FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_inputs_make(flo_arena *arena, int64_t columns,
                                        const bool *is_angle, double period,
                                        flo_inputs *inputs);

/* Column j of B rows, `stride` apart, into its rows of input [count, B]. Pure. Local.
 */
void flo_inputs_read(const flo_inputs *inputs, int64_t j, int64_t B, int64_t stride,
                     const flo_real *x, flo_real *input);

/* dinput [count, B] becomes derivatives by the columns, [columns, B], in place; input
   is that of read. Pure. Local. */
void flo_inputs_backward(const flo_inputs *inputs, int64_t B, const flo_real *input,
                         flo_real *dinput);

#endif
