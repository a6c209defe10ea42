/* The watchdog: a rank that stands still ends the job with its name, instead of a hang.

   The main thread says where it is, by atomics that cost nothing; a thread of its own
   in each rank writes that to a shared file, the board, and reads what the others
   wrote. When a rank has stood still for the timeout and none of the others was seen to
   move either, the survivors find who is to blame (watch_verdict.h), one of them says
   so, and all end. A rank that works, however long, is waited for: loops that may take
   long count their work (flo_worked). Neither MPI nor clocks of two hosts are needed
   for any of it. */
#ifndef FLO_COMM_WATCH_H
#define FLO_COMM_WATCH_H

#include "comm/comm.h"

/* Where the main thread may be: enumerator, words for "has been ... since". */
#define FLO_PHASE_LIST(ROW)                                                            \
    ROW(FLO_PHASE_START, "starting")                                                   \
    ROW(FLO_PHASE_PREPROCESSING, "fitting the first layers to the data")               \
    ROW(FLO_PHASE_READING, "reading rows")                                             \
    ROW(FLO_PHASE_GRADIENT, "computing the gradient")                                  \
    ROW(FLO_PHASE_UPDATE, "updating the parameters")                                   \
    ROW(FLO_PHASE_VALIDATION, "scoring the validation rows")                           \
    ROW(FLO_PHASE_REPORT, "writing metrics")                                           \
    ROW(FLO_PHASE_SAMPLES, "drawing samples")                                          \
    ROW(FLO_PHASE_CHECKPOINT, "writing a checkpoint")                                  \
    ROW(FLO_PHASE_TEST, "scoring the test rows")                                       \
    ROW(FLO_PHASE_SCORING, "scoring rows")

#define FLO_PHASE_ENUMERATOR(name, words) name,
typedef enum flo_phase { FLO_PHASE_LIST(FLO_PHASE_ENUMERATOR) FLO_PHASES } flo_phase;
#undef FLO_PHASE_ENUMERATOR

typedef struct flo_watch_task {
    double timeout_seconds; /* 0: no watchdog */
    /* Called once by the rank that tells, from its watching thread, before it ends:
       `step` is where it was. NULL: none. */
    void (*tell)(void *argument, int64_t step, const char *message);
    void *argument;
} flo_watch_task;

/* Starts the watching thread of every rank; nothing on one rank. Until flo_watch_share
   a rank sees itself alone: it ends the job when it is stuck outside MPI, and when it
   waits inside for ten times the timeout. Collective. FLO_ERROR_MEMORY (no thread);
   agreed. */
FLO_MUST_USE flo_status flo_watch_start(flo_comm *comm, flo_context *context,
                                        const flo_watch_task *task);

/* Shares the board `path`, which rank 0 makes anew and flo_watch_stop removes. Returns
   whether all ranks can write it; when not, they see themselves alone, as before, and
   *reason [size] says why (of the lowest such rank, on all). Collective. */
bool flo_watch_share(flo_comm *comm, const char *path, char *reason, size_t size);

/* Waits for all ranks, ends the thread, and removes the board. Collective. */
void flo_watch_stop(flo_comm *comm);

/* Says where the main thread is; step 0: before the first. Local. */
void flo_watch_at(flo_comm *comm, flo_phase phase, int64_t step);

#endif
