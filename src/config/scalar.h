/* The text of one scalar as a boolean, an integer, a number, a count of bytes; and
   back. Locales do not matter. */
#ifndef FLO_CONFIG_SCALAR_H
#define FLO_CONFIG_SCALAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Each says whether the whole text is such a value and sets *value only then. Pure.
   Local. */

/* true, false. */
bool flo_scalar_boolean(const char *text, bool *value);

/* 512, -3, 1_000_000, and 1e6 or 2.5e3 where whole. Never INT64_MIN. */
bool flo_scalar_integer(const char *text, int64_t *value);

/* 5e-4, .5, 1_000.5; finite. */
bool flo_scalar_number(const char *text, double *value);

/* 4096, 64kB, 2GB, 1.5 GiB: B, kB, MB, GB, TB are powers of 1000, KiB, MiB, GiB, TiB of
   1024; no unit means bytes; whole and not negative. */
bool flo_scalar_bytes(const char *text, int64_t *value);

/* Short text that reads as the same value: 512, 1e9, 0.001; 64kB, 1GiB. `text` has
   FLO_SCALAR_BYTES bytes. Local. */
enum { FLO_SCALAR_BYTES = 40 };
void flo_scalar_print_number(double value, char *text);
void flo_scalar_print_bytes(double value, char *text);

#endif
