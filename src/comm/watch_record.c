/* Records of ranks: sealed, checked, told in words. */
#include "comm/watch_record.h"

#include "core/checksum.h"

#include <stddef.h>
#include <stdio.h>

#define WORDS_ROW(name, words) words,
static const char *const phase_words[] = {FLO_PHASE_LIST(WORDS_ROW)};
static const char *const wait_words[] = {FLO_WAIT_LIST(WORDS_ROW)};
#undef WORDS_ROW

void flo_watch_record_seal(flo_watch_record *r)
{
    r->seal = flo_checksum(r, offsetof(flo_watch_record, seal));
}

bool flo_watch_record_holds(const flo_watch_record *r, uint64_t job, int rank)
{
    return r->seal == flo_checksum(r, offsetof(flo_watch_record, seal)) &&
           r->job == job && r->rank == rank;
}

const char *flo_watch_phase_words(int phase)
{
    return 0 <= phase && phase < FLO_PHASES ? phase_words[phase] : "somewhere";
}

void flo_watch_record_place(const flo_watch_record *r, char *text, size_t size)
{
    char step[40] = "";
    if (r->step > 0)
        snprintf(step, sizeof step, "step %lld, ", (long long)r->step);
    const bool waits = FLO_WAIT_NONE < r->wait && r->wait < FLO_WAITS;
    snprintf(text, size, "%s%s%s%s%s", step, flo_watch_phase_words(r->phase),
             waits ? " (waiting in " : "", waits ? wait_words[r->wait] : "",
             waits ? ")" : "");
}
