/* What a run tells. */
#include "train/report.h"

#include "comm/hosts.h"
#include "comm/watch.h"
#include "core/clock.h"
#include "core/version.h"
#include "data/rows_place.h"
#include "linalg/products.h"
#include "run/json.h"
#include "train/memory.h"

#include <math.h>
#include <omp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINE_BYTES = 4096, JSON_BYTES = 4 * LINE_BYTES };

/* What the rates of the next line are measured from. */
struct flo_reporter {
    double seconds;
    int64_t step;
    double wait, exposed;
    bool open_line; /* a progress line stands on the terminal without a newline */
};

static bool on_terminal(const flo_trainer *t)
{
    return !t->options->quiet && isatty(STDERR_FILENO);
}

static void close_line(flo_trainer *t)
{
    if (t->reporter && t->reporter->open_line)
        fputs("\n", stderr);
    if (t->reporter)
        t->reporter->open_line = false;
}

/* A run tells things before it has a directory: they open its log. */
static flo_status log_line(flo_trainer *t, const char *line)
{
    const char *const early = t->early_lines;
    if (!t->directory)
        return t->arena ? flo_arena_print(t->arena, &t->early_lines, "%s%s%s",
                                          early ? early : "", early ? "\n" : "", line)
                        : FLO_OK;
    t->early_lines = NULL;
    if (early)
        FLO_TRY(flo_directory_log(t->directory, early));
    return flo_directory_log(t->directory, line);
}

static void put_line(flo_trainer *t, bool quiet, const char *format, va_list arguments)
{
    if (flo_comm_rank(t->comm) != 0)
        return;
    char line[LINE_BYTES];
    vsnprintf(line, sizeof line, format, arguments);
    close_line(t);
    if (!quiet)
        fprintf(stderr, "%s\n", line);
    /* A log that cannot be written must not end a run: metrics and checkpoints tell. */
    if (log_line(t, line) != FLO_OK)
        fprintf(stderr, "%s\n", flo_context_message(t->context));
}

void flo_report_line(flo_trainer *t, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    put_line(t, t->options->quiet, format, arguments);
    va_end(arguments);
}

void flo_report_failure(flo_trainer *t, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    put_line(t, false, format, arguments);
    va_end(arguments);
}

/* How the feed has the rows, in text [size]. */
static void describe_feed(const flo_trainer *t, char *text, size_t size)
{
    const int64_t lane = flo_lane_rows(&t->plan, t->plan.lanes - 1);
    const int64_t window = t->plan.window_rows < lane ? t->plan.window_rows : lane;
    char shuffle[100] = "each lane is shuffled whole";
    if (window < lane)
        snprintf(shuffle, sizeof shuffle,
                 "shuffled in windows of %lld rows, %.3g of a lane's %lld",
                 (long long)window, (double)window / (double)lane, (long long)lane);
    snprintf(text, size, "%s, %.4g MB a rank (data.memory: %.4g MB); %s",
             t->streams ? "streaming, two windows a lane and the reader"
                        : "resident, read once",
             1e-6 * (double)t->rows_bytes, 1e-6 * (double)t->config.data.memory,
             shuffle);
}

/* A chunk is decoded once for every block and every window that has a part of it. The
   reader takes up to 2/16 of the memory. */
static void warn_of_chunks(flo_trainer *t, int64_t chunk)
{
    const flo_lane_plan *const plan = &t->plan;
    const bool cut = plan->block_rows < chunk && plan->block_rows < plan->window_rows;
    const int64_t most = cut ? plan->block_rows : plan->window_rows;
    const int64_t reals = t->flow->features + t->flow->context + 1;
    flo_lane_plan wanted = *plan;
    wanted.window_rows = chunk;
    const int64_t more = cut ? flo_feed_needs(plan, plan->lanes, reals, false)
                             : flo_feed_needs(&wanted, plan->lanes, reals, true) -
                                   flo_feed_needs(plan, plan->lanes, reals, true) +
                                   t->config.data.memory;
    if (t->streams && chunk > most)
        flo_report_line(t,
                        "note: a chunk of %lld rows is decoded about %lld times an "
                        "epoch, for pieces of %lld rows: use data.memory: %.0fMB, or "
                        "store the data in smaller chunks",
                        (long long)chunk, (long long)((chunk + most - 1) / most),
                        (long long)most, ceil(1.15e-6 * (double)more));
}

/* What reading takes besides the rows may be more than was given. */
static void warn_of_reading(flo_trainer *t)
{
    warn_of_chunks(
        t, flo_source_describe(flo_rows_source(t->rows[FLO_TRAIN]))->chunk_rows);
    if (t->rows_bytes > t->config.data.memory)
        flo_report_line(t,
                        "note: the rows and their reader take %.4g MB, more than "
                        "data.memory; the reader decodes whole chunks, so smaller ones "
                        "take less",
                        1e-6 * (double)t->rows_bytes);
}

/* What the first file of the training rows says of its numbers, if anything. */
static const char *meaning_of(const flo_trainer *t)
{
    return flo_source_describe(flo_rows_source(t->rows[FLO_TRAIN]))->dataset->meaning;
}

void flo_report_banner(flo_trainer *t)
{
    const flo_flow *const flow = t->flow;
    flo_report_line(t, "flotilla %s (%s, %s), %s, MPI: %s", FLO_VERSION, FLO_COMMIT,
                    FLO_REAL_NAME, flo_blas_library(), flo_comm_library(t->comm));
    flo_report_line(t, "%d ranks x %d threads, %lld lanes, batch %lld, BLAS core %s",
                    flo_comm_size(t->comm), t->threads, (long long)t->plan.lanes,
                    (long long)t->plan.batch, t->blas_core);
    if (t->threads > omp_get_num_procs())
        flo_report_line(t,
                        "note: %d threads of a rank share %d cores: start mpirun with "
                        "--bind-to none, or lower run.threads",
                        t->threads, omp_get_num_procs());
    if (*flo_hosts_note(t->comm))
        flo_report_line(t, "note: %s", flo_hosts_note(t->comm));
    if (t->rows[FLO_TRAIN]) {
        char feed[300], label[LINE_BYTES / 2];
        flo_rows_tell(t->rows[FLO_TRAIN], "train", label, sizeof label);
        flo_report_line(t, "data: %lld rows x %lld columns (%lld of context), %s",
                        (long long)t->plan.rows, (long long)flow->features,
                        (long long)flow->context, label);
        describe_feed(t, feed, sizeof feed);
        flo_report_line(t, "data: %s", feed);
        const char *const meaning = meaning_of(t);
        if (meaning[0])
            flo_report_line(t, "data: read as the file says: %s", meaning);
        warn_of_reading(t);
    }
    if (t->bad_rows)
        flo_report_line(t, "data: %lld bad rows are dropped (data.on_bad_rows: drop)",
                        (long long)t->bad_rows);
    flo_report_line(t, "flow: %lld layers, %lld parameters; about %.0f MB a rank",
                    (long long)flow->layers, (long long)flow->parameters.size,
                    1e-6 * flo_memory_bytes(t));
    flo_report_line(t, "run: %s, %lld steps to do, now at %lld",
                    t->config.run.directory, (long long)t->steps,
                    (long long)t->progress.step);
}

void flo_report_check(flo_trainer *t)
{
    char *table;
    if (flo_comm_rank(t->comm) != 0 || flo_flow_describe(t->flow, &table) != FLO_OK)
        return;
    printf("layers, from %s:\n%s\n",
           t->flow->direction == FLO_DIRECTION_DENSITY ? "data to noise"
                                                       : "noise to data",
           table);
    if (t->rows[FLO_TRAIN]) {
        const flo_source_info *const source =
            flo_source_describe(flo_rows_source(t->rows[FLO_TRAIN]));
        printf("data: %lld rows x %lld columns (%lld of context), %s, %s; %lld file%s "
               "read by %s\n",
               (long long)t->plan.rows, (long long)t->flow->features,
               (long long)t->flow->context, source->dataset->type,
               source->dataset->layout, (long long)source->shards,
               source->shards == 1 ? "" : "s", source->direct ? "pread" : "H5Dread");
        char feed[300];
        describe_feed(t, feed, sizeof feed);
        printf("lanes: %lld of about %lld rows, in blocks of %lld\n",
               (long long)t->plan.lanes, (long long)flo_lane_rows(&t->plan, 0),
               (long long)t->plan.block_rows);
        printf("rows: %s\n", feed);
        if (meaning_of(t)[0])
            printf("numbers: read as the file says: %s\n", meaning_of(t));
        warn_of_reading(t);
    }
    printf("steps: %lld of %lld rows\n", (long long)t->steps, (long long)t->plan.batch);
    printf("memory: about %.0f MB a rank with %d ranks x %d threads\n",
           1e-6 * flo_memory_bytes(t), flo_comm_size(t->comm), t->threads);
}

void flo_report_start(flo_trainer *t)
{
    t->saved_seconds = flo_seconds();
    if (flo_comm_rank(t->comm) != 0)
        return;
    if (flo_arena_take(t->arena, 1, sizeof *t->reporter, &t->reporter) != FLO_OK)
        return;
    t->reporter->seconds = flo_seconds();
    t->reporter->step = t->progress.step;
    t->reporter->wait = t->feed ? flo_feed_wait_seconds(t->feed) : 0;
}

/* "key": number, or null where JSON has none. */
static void put(char *line, const char *key, double value, int digits)
{
    const size_t used = strlen(line);
    if (isfinite(value))
        snprintf(line + used, LINE_BYTES - used, ", \"%s\": %.*g", key, digits, value);
    else
        snprintf(line + used, LINE_BYTES - used, ", \"%s\": null", key);
}

static double epoch(const flo_trainer *t)
{
    return t->plan.rows
               ? (double)t->progress.step * (double)t->plan.batch / (double)t->plan.rows
               : 0;
}

static void show(flo_trainer *t, double train, double validation, double rate,
                 double rows_per_second)
{
    char text[256], more[64] = "";
    const double left = (double)(t->steps - t->progress.step) * (double)t->plan.batch /
                        (rows_per_second > 0 ? rows_per_second : 1);
    if (!isnan(validation))
        snprintf(more, sizeof more, "  validation %.4f", validation);
    snprintf(text, sizeof text,
             "step %lld/%lld  %s %.4f%s  rate %.2e  %.0f rows/s  left %d:%02d:%02d",
             (long long)t->progress.step, (long long)t->steps,
             t->objective->kind->value_name, train, more, rate, rows_per_second,
             (int)(left / 3600), (int)(left / 60) % 60, (int)left % 60);
    if (!on_terminal(t) || !isnan(validation)) {
        flo_report_line(t, "%s", text);
        return;
    }
    fprintf(stderr, "\r\033[K%s", text);
    fflush(stderr);
    t->reporter->open_line = true;
}

/* Rank 0 alone. */
static flo_status write_line(flo_trainer *t, double train, double rate, double norm,
                             const flo_evaluation *validation)
{
    flo_reporter *const r = t->reporter;
    flo_watch_at(t->comm, FLO_PHASE_REPORT, t->progress.step);
    const double now = flo_seconds();
    const double wait = t->feed ? flo_feed_wait_seconds(t->feed) : 0;
    const double exposed = flo_gradient_exposed_seconds(t->gradient);
    const double rows = (double)(t->progress.step - r->step) * (double)t->plan.batch;
    const double rows_per_second = rows / (now - r->seconds);
    char line[LINE_BYTES], name[64];
    snprintf(name, sizeof name, "train_%s", t->objective->kind->value_name);
    snprintf(line, sizeof line, "{\"step\": %lld", (long long)t->progress.step);
    put(line, "epoch", epoch(t), 8);
    put(line, "rows", (double)t->progress.step * (double)t->plan.batch, 15);
    put(line, name, train, 12);
    if (validation) {
        put(line, "validation_log_likelihood", validation->log_likelihood, 12);
        put(line, "validation_log_likelihood_preprocessed", validation->preprocessed,
            12);
        put(line, "validation_bits_per_dimension", validation->bits, 12);
    }
    put(line, "learning_rate", rate, 8);
    put(line, "gradient_norm", norm, 8);
    put(line, "bad_steps", (double)t->progress.bad_total, 15);
    put(line, "rows_per_second", rows_per_second, 6);
    put(line, "data_wait_seconds", wait - r->wait, 4);
    put(line, "exposed_communication_seconds", exposed - r->exposed, 4);
    strncat(line, "}", sizeof line - strlen(line) - 1);
    show(t, train, validation ? validation->log_likelihood : NAN, rate,
         rows_per_second);
    r->seconds = flo_seconds();
    r->step = t->progress.step;
    r->wait = wait;
    r->exposed = exposed;
    FLO_TRY(flo_directory_metrics(t->directory, line));
    return flo_directory_progress(t->directory, t->progress.step);
}

void flo_report_step(flo_trainer *t, double rate, double norm,
                     const flo_evaluation *validation)
{
    const bool due = t->progress.step % t->config.report.every == 0 ||
                     t->progress.step == t->steps || validation;
    if (!due)
        return;
    const double train = t->progress.window_value / t->progress.window_weight;
    t->progress.window_value = t->progress.window_weight = 0;
    if (t->reporter && write_line(t, train, rate, norm, validation) != FLO_OK)
        flo_report_failure(t, "%s", flo_context_message(t->context));
}

bool flo_report_is_lossy(const flo_rows *rows, const flo_reconstruction *r, char *text,
                         size_t size)
{
    char where[FLO_MESSAGE_BYTES / 2];
    if (r->error <= FLO_RECONSTRUCTION_LIMIT)
        return false;
    flo_rows_locate(rows, r->row, false, r->column, where, sizeof where);
    snprintf(text, size,
             "note: %s: comes back from noise %.3g standard deviations away "
             "(reconstruction_error), wanted at most %g: samples and "
             "log-densities do not belong together there; lower scale_limit or "
             "train.learning_rate, or configure with -DFLOTILLA_DOUBLE=ON",
             where, r->error, FLO_RECONSTRUCTION_LIMIT);
    return true;
}

/* A row by its number in its file, and that file. */
static void put_row(char *line, const flo_rows *rows, int64_t row, const char *row_key,
                    const char *file_key)
{
    char quoted[LINE_BYTES / 4];
    int64_t row_in_file;
    const char *const file = flo_rows_file_row(rows, row, &row_in_file);
    put(line, row_key, (double)row_in_file, 15);
    flo_json_quote(file, quoted, sizeof quoted);
    const size_t used = strlen(line);
    snprintf(line + used, LINE_BYTES - used, ", \"%s\": %s", file_key, quoted);
}

void flo_report_evaluation(const flo_rows *rows, const flo_evaluation *e,
                           const flo_reconstruction *r, char *text, size_t size)
{
    char line[LINE_BYTES], unscored[2 * LINE_BYTES];
    snprintf(line, sizeof line, "{\"rows\": %lld", (long long)e->rows);
    put(line, "log_likelihood", e->log_likelihood, 12);
    put(line, "standard_error", e->standard_error, 6);
    put(line, "finite_log_likelihood", e->finite, 12);
    put(line, "finite_standard_error", e->finite_error, 6);
    put(line, "log_likelihood_preprocessed", e->preprocessed, 12);
    put(line, "standard_error_preprocessed", e->preprocessed_error, 6);
    put(line, "bits_per_dimension", e->bits, 12);
    put(line, "lowest_log_prob", e->lowest, 12);
    put_row(line, rows, e->lowest_row, "lowest_row", "lowest_file");
    put(line, "trimmed_rows", (double)e->trimmed_rows, 15);
    put(line, "trimmed_log_likelihood", e->trimmed, 12);
    put(line, "nonfinite_rows", (double)e->nonfinite, 15);
    put(line, "reconstruction_error", r->error, 6);
    put(line, "reconstruction_rows", (double)r->rows, 15);
    put_row(line, rows, r->row, "reconstruction_row", "reconstruction_file");
    put(line, "reconstruction_column", (double)r->column, 15);
    flo_unscored_json(&e->unscored, rows, unscored, sizeof unscored);
    snprintf(text, size, "%s%s}", line, unscored);
}

/* What a flow that loses to a normal needs. */
static const char cure[] =
    "rows are few for this flow, or it was trained too shortly or too long: try the "
    "config that `flotilla init DATA` writes, preprocess: [{kind: standardize}, {kind: "
    "whiten}], which starts at the full normal, a smaller width, mixing: none, and "
    "data.validation with train.patience";

void flo_report_normals(flo_trainer *t, const char *split, const flo_normals *n,
                        const flo_normal_figures *f, double log_likelihood,
                        double standard_error)
{
    char full[100] = "";
    if (n->correlated)
        snprintf(full, sizeof full, ", full covariance %.4f (shrunk by %.2g)", f->full,
                 n->covariance.shrinkage);
    if (n->fitted)
        flo_report_line(t,
                        "%s, normals fitted to train%s: independent columns %.4f%s; "
                        "the flow %.4f",
                        split, t->flow->context ? " by linear regression" : "",
                        f->independent, full, log_likelihood);
    if (*n->why)
        flo_report_line(t, "%s, normals: %s", split, n->why);
    const double better = fmax(f->independent, f->full); /* of NaN the other */
    if (n->fitted && !(log_likelihood + standard_error >= better))
        flo_report_line(t,
                        "note: on %s the flow is worse than a normal by %.4g nats: %s",
                        split, better - log_likelihood, cure);
}

flo_status flo_report_test(flo_trainer *t, const flo_evaluation *e,
                           const flo_reconstruction *r, const flo_normals *normals,
                           const flo_normal_figures *n)
{
    const flo_rows *const rows = t->rows[FLO_TEST];
    char text[JSON_BYTES], more[LINE_BYTES] = "", tail[100] = "";
    int64_t lowest_row;
    if (!t->directory)
        return FLO_OK;
    const char *const file = flo_rows_file_row(rows, e->lowest_row, &lowest_row);
    if (e->trimmed_rows)
        snprintf(tail, sizeof tail, "; %.4f without the lowest %lld rows", e->trimmed,
                 (long long)e->trimmed_rows);
    flo_report_line(t,
                    "test log-likelihood %.4f +- %.4f nats over %lld rows; lowest %.4g "
                    "(row %lld of %s)%s",
                    e->log_likelihood, e->standard_error, (long long)e->rows, e->lowest,
                    (long long)lowest_row, file, tail);
    flo_report_normals(t, "test", normals, n, e->log_likelihood, e->standard_error);
    if (flo_report_is_lossy(rows, r, text, sizeof text))
        flo_report_line(t, "%s", text);
    flo_unscored_tell(&e->unscored, rows, text, sizeof text);
    if (*text)
        flo_report_line(t, "%s", text);
    flo_report_evaluation(rows, e, r, text, sizeof text - LINE_BYTES);
    text[strlen(text) - 1] = '\0'; /* goes on */
    put(more, "normal_independent", n->independent, 12);
    put(more, "normal_independent_error", n->independent_error, 6);
    put(more, "normal_full", n->full, 12);
    put(more, "normal_full_error", n->full_error, 6);
    put(more, "normal_full_shrinkage", n->shrinkage, 12);
    strncat(text, more, sizeof text - strlen(text) - 1);
    strncat(text, "}\n", sizeof text - strlen(text) - 1);
    return flo_file_replace(t->context, flo_directory_file(t->directory, "test.json"),
                            text, strlen(text));
}
