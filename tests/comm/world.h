/* What each test on ranks starts with and ends with: a communicator, and no leak. */
#ifndef TESTS_COMM_WORLD_H
#define TESTS_COMM_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "comm/comm_private.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct world {
    flo_context *context;
    flo_comm *comm;
} world;

static inline int world_setup(void **state)
{
    world *const w = calloc(1, sizeof *w);
    *state = w;
    /* A failing rank ends the job by abort: the others wait in the next collective. */
    if (!w || setenv("CMOCKA_TEST_ABORT", "1", 1) != 0 ||
        flo_context_create(&w->context) != FLO_OK)
        return -1;
    if (flo_comm_start(w->context, NULL, NULL, &w->comm) == FLO_OK)
        return 0;
    fprintf(stderr, "%s\n", flo_context_message(w->context));
    return -1;
}

static inline int world_teardown(void **state)
{
    world *const w = *state;
    flo_comm_finish(&w->comm);
    assert_null(w->comm);
    assert_int_equal(flo_context_destroy(&w->context), 0);
    free(w);
    return 0;
}

#endif
