/* What the matrix products of a thread come to: multiply-adds, time, shapes. For
   benchmarks; where nobody counts, a product costs one test more. */
#ifndef FLO_LINALG_TALLY_H
#define FLO_LINALG_TALLY_H

#include <stdbool.h>
#include <stdint.h>

enum { FLO_TALLY_SHAPES = 64 };

/* c [rows, columns] = a [rows, inner] b [inner, columns], either stored transposed. */
typedef struct flo_product_shape {
    bool left_transposed, right_transposed;
    int64_t rows, columns, inner;
} flo_product_shape;

typedef struct flo_tally {
    bool timed;     /* also the seconds: two looks at the clock a product */
    double work;    /* multiply-adds of all products, thin and triangular ones too */
    double seconds; /* spent in them */
    int64_t
        shapes; /* distinct ones of the dense products; more than fit are left out */
    flo_product_shape shape[FLO_TALLY_SHAPES];
    int64_t calls[FLO_TALLY_SHAPES]; /* of each shape */
} flo_tally;

/* From here on the products of the calling thread count in `tally` (borrowed); NULL:
   nowhere, as at first. Local. */
void flo_tally_products(flo_tally *tally);

/* For the products themselves: begin gives the tally of this thread, or NULL, and the
   time; end adds a product of so many multiply-adds, and its shape where there is one.
   Local. */
flo_tally *flo_tally_begin(double *began);
void flo_tally_end(flo_tally *tally, double began, double work,
                   const flo_product_shape *shape);

#endif
