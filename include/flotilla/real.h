/* The floating-point type of parameters, rows and activations. */
#ifndef FLOTILLA_REAL_H
#define FLOTILLA_REAL_H

/* float, or double where the library was built with -DFLOTILLA_DOUBLE=ON. A program
   that links the library gets the right definition from its CMake or pkg-config target.
 */
#ifdef FLOTILLA_DOUBLE
typedef double flo_real;
#define FLO_REAL_NAME "double"
#else
typedef float flo_real;
#define FLO_REAL_NAME "float"
#endif

#endif
