/* What a call can answer: the list of statuses, and the two ways to pass one on. */
#ifndef FLOTILLA_STATUS_H
#define FLOTILLA_STATUS_H

/* One row a status: enumerator, text. */
#define FLO_STATUS_LIST(ROW)                                                           \
    ROW(FLO_OK, "done")                                                                \
    ROW(FLO_ERROR_USAGE, "wrong command line or argument")                             \
    ROW(FLO_ERROR_CONFIG, "wrong configuration")                                       \
    ROW(FLO_ERROR_FILE, "a file could not be read or written")                         \
    ROW(FLO_ERROR_DATA, "the data cannot be used")                                     \
    ROW(FLO_ERROR_MEMORY, "out of memory")                                             \
    ROW(FLO_ERROR_MPI, "an MPI call failed")                                           \
    ROW(FLO_ERROR_NUMERIC, "a computation gave values that are not finite")            \
    ROW(FLO_ERROR_INTERNAL, "a defect in flotilla")

#define FLO_STATUS_ENUMERATOR(name, text) name,
typedef enum flo_status {
    FLO_STATUS_LIST(FLO_STATUS_ENUMERATOR) FLO_STATUSES
} flo_status;
#undef FLO_STATUS_ENUMERATOR

#if defined(__GNUC__)
#define FLO_ATTRIBUTE(...) __attribute__((__VA_ARGS__))
#else
#define FLO_ATTRIBUTE(...)
#endif

/* A status must be looked at: FLO_MUST_USE stands before each declaration. */
#define FLO_MUST_USE FLO_ATTRIBUTE(warn_unused_result)

/* Calls, and returns the status to the caller unless it is FLO_OK. */
#define FLO_TRY(call)                                                                  \
    do {                                                                               \
        const flo_status flo_try_status = (call);                                      \
        if (flo_try_status != FLO_OK)                                                  \
            return flo_try_status;                                                     \
    } while (0)

/* The text of a status. Static storage. Local. */
const char *flo_status_text(flo_status status);

#endif
