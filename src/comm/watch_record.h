/* What a rank says of itself on the board: one record of fixed size, sealed, so that a
   half-written one is never believed. */
#ifndef FLO_COMM_WATCH_RECORD_H
#define FLO_COMM_WATCH_RECORD_H

#include "comm/watch.h"

enum {
    FLO_WATCH_ADDRESSES = 5,
    FLO_WATCH_HOST_BYTES = 168,
    FLO_WATCH_RECORD_BYTES = 256
};

/* What the main thread waits for inside MPI: enumerator, words for "waits in ...". */
#define FLO_WAIT_LIST(ROW)                                                             \
    ROW(FLO_WAIT_NONE, "")                                                             \
    ROW(FLO_WAIT_EXCHANGE, "the exchange of gradients")                                \
    ROW(FLO_WAIT_MEETING, "a meeting of all ranks")

#define FLO_WAIT_ENUMERATOR(name, words) name,
typedef enum flo_wait { FLO_WAIT_LIST(FLO_WAIT_ENUMERATOR) FLO_WAITS } flo_wait;
#undef FLO_WAIT_ENUMERATOR

/* Without gaps: all its bytes are sealed. */
typedef struct flo_watch_record {
    uint64_t job;   /* of one start of a job: a leftover has another */
    uint64_t beats; /* records written so far */
    double
        still_seconds; /* since the work was last seen to grow, by the rank's clock */
    int64_t step;
    int32_t rank, pid, phase, wait;
    int32_t told;                          /* the message is out: the others may end */
    int32_t addresses;                     /* known */
    uint32_t address[FLO_WATCH_ADDRESSES]; /* IPv4 of the host, network order */
    uint32_t unused;
    char host[FLO_WATCH_HOST_BYTES];
    uint64_t seal;
} flo_watch_record;

_Static_assert(sizeof(flo_watch_record) == FLO_WATCH_RECORD_BYTES, "no gaps");

void flo_watch_record_seal(flo_watch_record *record);

/* Whether it is whole, of this job, and of this rank. Pure. Local. */
bool flo_watch_record_holds(const flo_watch_record *record, uint64_t job, int rank);

/* "step 52, reading rows (waiting in a meeting of all ranks)" into text [size]. Pure.
   Local. */
void flo_watch_record_place(const flo_watch_record *record, char *text, size_t size);

/* "reading rows"; of any number. Static storage. Local. */
const char *flo_watch_phase_words(int phase);

#endif
