/* The nearest of some names to one that is not among them: "did you mean ...?". */
#ifndef FLO_CONFIG_NEAREST_H
#define FLO_CONFIG_NEAREST_H

#include <stddef.h>

/* A search: start with {.wanted = name}, offer each candidate, read `name`. */
typedef struct flo_nearest {
    const char *wanted;
    const char *name; /* the nearest so far [length], NULL if none is close */
    size_t length;    /* of `name`, which need not end there */
    size_t distance;  /* its edit distance */
} flo_nearest;

/* The edits (insert, delete, change, swap of neighbours) from a [m] to b [n]; names
   longer than 64 bytes are `SIZE_MAX` apart. Pure. Local. */
size_t flo_edit_distance(const char *a, size_t m, const char *b, size_t n);

/* Keeps the candidate [length] if it is close (about one edit in four characters) and
   closer than those before. Local. */
void flo_nearest_offer(flo_nearest *search, const char *candidate, size_t length);

#endif
