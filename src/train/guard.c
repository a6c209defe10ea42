/* The watchdog of a training run. */
#include "train/guard.h"

#include "comm/watch.h"
#include "train/report.h"

#include <stdio.h>

enum { PATH_BYTES = 4096 };

/* From the watching thread of any rank, with a context of its own: rank 0 may be the
   one that stands still. What cannot be written stands on the terminal. */
static void tell(void *argument, int64_t step, const char *message)
{
    flo_trainer *const t = argument;
    flo_context *context;
    if (!t->begun || flo_context_create(&context) != FLO_OK)
        return;
    if (flo_directory_fail(context, t->config.run.directory, step, message) != FLO_OK)
        fprintf(stderr, "flotilla: %s\n", flo_context_message(context));
    flo_context_destroy(&context);
}

flo_status flo_guard_start(flo_trainer *t)
{
    const flo_watch_task task = {
        .timeout_seconds = t->config.comm.timeout_seconds, .tell = tell, .argument = t};
    return flo_watch_start(t->comm, t->context, &task);
}

void flo_guard_share(flo_trainer *t)
{
    char path[PATH_BYTES], reason[FLO_MESSAGE_BYTES / 2];
    snprintf(path, sizeof path, "%s/heartbeats", t->config.run.directory);
    if (!flo_watch_share(t->comm, path, reason, sizeof reason))
        flo_report_line(t,
                        "note: the ranks cannot see each other's heartbeats: %s; where "
                        "all wait for one of them, the job ends only after ten times "
                        "comm.timeout_seconds",
                        reason);
}
