/* What a run tells: log lines, the banner, metrics, the progress line. Rank 0 only; on
   other ranks the functions do nothing. */
#ifndef FLO_TRAIN_REPORT_H
#define FLO_TRAIN_REPORT_H

#include "train/normals.h"
#include "train/reconstruction.h"
#include "train/trainer.h"

/* One line (printf format) to stderr, unless --quiet, and to log.txt. Local. */
void flo_report_line(flo_trainer *trainer, const char *format, ...)
    FLO_ATTRIBUTE(format(printf, 2, 3));

/* The same for what could not be done, also with --quiet. Local. */
void flo_report_failure(flo_trainer *trainer, const char *format, ...)
    FLO_ATTRIBUTE(format(printf, 2, 3));

/* What runs, on what, how large. Local. */
void flo_report_banner(flo_trainer *trainer);

/* The expanded layers, memory and read plan of --check, to stdout. Local. */
void flo_report_check(flo_trainer *trainer);

/* Forgets the times before the first step. Local. */
void flo_report_start(flo_trainer *trainer);

/* A line of metrics when report.every says so or a validation was made at this step
   (else NULL); the window of training sums starts anew. Every rank calls it:
   the window is part of a checkpoint. A line that cannot be written is reported, and
   training goes on. Local. */
void flo_report_step(flo_trainer *trainer, double rate, double norm,
                     const flo_evaluation *validation);

/* test.json, and the figures to people. Local. FLO_ERROR_FILE. */
FLO_MUST_USE flo_status flo_report_test(flo_trainer *trainer,
                                        const flo_evaluation *evaluation,
                                        const flo_reconstruction *reconstruction,
                                        const flo_normal_figures *normals);

/* The figures of both normals on a split beside the flow's; a warning where the flow is
   worse than the better one by more than its standard error (NaN: not known). Local. */
void flo_report_normals(flo_trainer *trainer, const char *split,
                        const flo_normals *normals, const flo_normal_figures *figures,
                        double log_likelihood, double standard_error);

/* An evaluation as a JSON object, in text [size]; a number that JSON does not have is
   null. Local. */
void flo_report_evaluation(const flo_evaluation *evaluation,
                           const flo_reconstruction *reconstruction, char *text,
                           size_t size);

/* Whether a reconstruction error is above its limit; then text [size] tells of it and
   of what to do. Local. */
bool flo_report_is_lossy(const flo_reconstruction *reconstruction, char *text,
                         size_t size);

#endif
