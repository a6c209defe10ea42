/* Looking at the environment: every rank its own, then messages, copies and speed. */
#include "comm/hosts.h"
#include "comm/launch.h"
#include "core/clock.h"
#include "core/version.h"
#include "train/environment_parts.h"
#include "train/memory.h"
#include "train/threads.h"

#include <omp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    SMALL_BYTES = 8,
    LARGE_BYTES = 1 << 20,
    SMALL_ROUNDS = 200,
    LARGE_ROUNDS = 20,
    MOST_HOSTS = 64, /* that messages are tried to */
    MATRIX = 192     /* rows and columns: three of them in a core's own cache */
};

static const double PRODUCT_SECONDS = 0.2;

/* What a rank's readers find at its address. */
static const uint64_t readable = 1;

/* What the config asks for; a config that cannot be used is a finding. */
static flo_status look_at_config(flo_comm *comm, flo_arena *arena,
                                 const flo_train_options *options, flo_needs *needs,
                                 int *threads)
{
    flo_context *const context = flo_arena_context(arena);
    flo_trainer t;
    char *text;
    needs->config = options->config;
    const flo_status status = flo_trainer_create(comm, context, options, &t);
    flo_status copied = FLO_OK;
    if (t.config.run.directory) {
        copied = flo_arena_string(arena, t.config.run.directory, &text);
        needs->directory = copied == FLO_OK ? text : NULL;
    }
    if (status == FLO_OK) {
        const int64_t vectors = 1 + flo_optimizer_vectors(t.optimizer);
        needs->memory_bytes = flo_memory_bytes(&t);
        needs->checkpoint_bytes =
            (double)(vectors * t.flow->parameters.size) * sizeof(flo_real);
        needs->keep = t.config.checkpoint.keep;
        *threads = t.threads;
    }
    flo_trainer_destroy(&t);
    if (status != FLO_OK && copied == FLO_OK) {
        copied = flo_arena_string(arena, flo_context_message(context), &text);
        needs->failure = copied == FLO_OK ? text : NULL;
    }
    return flo_comm_agree(comm, context, copied);
}

/* "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH ..." becomes "OpenBLAS 0.3.21". */
static void name_blas(char *name, size_t size)
{
    const char *const text = flo_blas_library();
    size_t length = strcspn(text, " ");
    length += text[length] ? 1 + strcspn(text + length + 1, " ") : 0;
    snprintf(name, size, "%.*s", (int)length, text);
}

static void look_at_rank(const flo_comm *comm, int threads, flo_rank_facts *f)
{
    memset(f, 0, sizeof *f); /* it travels with its padding */
    flo_machine_look("", &f->machine);
    snprintf(f->build, sizeof f->build, "%s (%s, %s)", FLO_VERSION, FLO_COMMIT,
             FLO_REAL_NAME);
    snprintf(f->blas_core, sizeof f->blas_core, "%s", flo_blas_start());
    name_blas(f->blas, sizeof f->blas);
    f->blas_how = flo_blas_how();
    f->blas_threads = flo_blas_threads();
    f->threads = threads;
    f->cpus = flo_cpus_of_team(threads);
    f->waiting = flo_probe_waiting(comm);
    f->pid = getpid();
    f->address = (uint64_t)(uintptr_t)&readable;
    f->copy_error = -1;
}

/* Everybody's facts on all ranks. */
static void share_facts(flo_comm *comm, const flo_rank_facts *mine, flo_rank_facts *all)
{
    const int64_t bytes = (int64_t)sizeof *mine;
    flo_comm_gather_bytes(comm, mine, bytes, all);
    flo_comm_broadcast(comm, all, bytes * flo_comm_size(comm));
}

/* Reads a byte of the next rank on the host, as large messages are copied. */
static void try_copy(const flo_environment *e, int self, flo_rank_facts *mine)
{
    for (int i = 1; i < e->ranks; i++) {
        const int other = (self + i) % e->ranks;
        if (!flo_share_host(e, self, other))
            continue;
        mine->copy_error =
            flo_machine_read_process(e->rank[other].pid, e->rank[other].address);
        return;
    }
}

/* Billions of operations a second of this rank's threads, each with matrices of its
   own, for a fixed time. */
static double product_speed(flo_context *context, int threads)
{
    const int64_t n = MATRIX;
    flo_real *memory;
    double products = 0;
    if (flo_allocate(context, threads * 3 * n * n, sizeof *memory, &memory) != FLO_OK)
        return 0;
    const double begin = flo_seconds();
#pragma omp parallel num_threads(threads) reduction(+ : products)
    {
        flo_real *const a = memory + omp_get_thread_num() * 3 * n * n;
        flo_real *const b = a + n * n, *const c = b + n * n;
        while (flo_seconds() - begin < PRODUCT_SECONDS) {
            flo_product_nn(n, n, n, a, b, 0, c);
            products++;
        }
    }
    const double seconds = flo_seconds() - begin;
    flo_free(context, &memory);
    return 2e-9 * (double)(n * n * n) * products / seconds;
}

/* Small messages always; large ones not where copying between processes fails, which
   would make Open MPI fail in the middle of one. */
static flo_link measure(flo_comm *comm, int peer, bool large)
{
    flo_link link = {.peer = peer};
    link.seconds = flo_probe_message(comm, 0, peer, SMALL_BYTES, SMALL_ROUNDS);
    if (large) {
        const double seconds =
            flo_probe_message(comm, 0, peer, LARGE_BYTES, LARGE_ROUNDS);
        link.bytes_per_second = seconds > 0 ? LARGE_BYTES / seconds : 0;
    }
    return link;
}

static void measure_messages(flo_comm *comm, flo_environment *e, bool large)
{
    int hosts = 0;
    for (int rank = 1; rank < e->ranks && hosts < MOST_HOSTS; rank++) {
        if (flo_share_host(e, 0, rank)) {
            if (!e->near.peer)
                e->near = measure(comm, rank, large);
            continue;
        }
        if (flo_first_beside(e, rank) != rank)
            continue;
        const flo_link link = measure(comm, rank, true);
        if (!e->far.peer || link.bytes_per_second < e->far.bytes_per_second)
            e->far = link;
        hosts++;
    }
}

/* In turn: copies, messages, then products on all ranks at once. */
static void measure_all(flo_comm *comm, flo_arena *arena, flo_environment *e,
                        flo_rank_facts *mine)
{
    try_copy(e, flo_comm_rank(comm), mine);
    double failed = mine->copy_error > 0;
    flo_comm_maximum(comm, &failed, 1);
    measure_messages(comm, e, failed == 0);
    flo_comm_barrier(comm);
    mine->gflops = product_speed(flo_arena_context(arena), mine->threads);
}

/* Whether the ranks of a host can share memory. */
static flo_status look_at_sharing(flo_comm *comm, flo_arena *arena, flo_environment *e)
{
    char *note;
    FLO_TRY(flo_hosts_find(comm, flo_arena_context(arena), 0));
    const flo_status status = flo_arena_string(arena, flo_hosts_note(comm), &note);
    if (status == FLO_OK && *note)
        e->sharing = note;
    return flo_comm_agree(comm, flo_arena_context(arena), status);
}

flo_status flo_environment_look(flo_comm *comm, flo_arena *arena,
                                const char *start_failure, const char *config,
                                const char *const *overrides, int64_t override_count,
                                flo_environment *e)
{
    *e = (flo_environment){.start_failure = start_failure,
                           .launcher = flo_launch_name(),
                           .ranks = flo_comm_size(comm),
                           .hdf5 = flo_hdf5_build_look()};
    const flo_train_options options = {.config = config,
                                       .overrides = overrides,
                                       .override_count = override_count,
                                       .check = true,
                                       .quiet = true};
    char *library;
    flo_rank_facts mine, *all;
    flo_status status = flo_arena_take(arena, 1, sizeof mine.blas, &library);
    if (status == FLO_OK)
        status = flo_arena_take(arena, e->ranks, sizeof *all, &all);
    FLO_TRY(flo_comm_agree(comm, flo_arena_context(arena), status));
    flo_comm_built_with(library, sizeof mine.blas);
    e->library = library;
    e->rank = all;
    int threads = flo_threads_usable(comm);
    if (config)
        FLO_TRY(look_at_config(comm, arena, &options, &e->needs, &threads));
    FLO_TRY(look_at_sharing(comm, arena, e));
    look_at_rank(comm, threads, &mine);
    share_facts(comm, &mine, all);
    measure_all(comm, arena, e, &mine);
    share_facts(comm, &mine, all);
    if (flo_comm_rank(comm) == 0)
        flo_directory_try(e->needs.directory ? e->needs.directory : ".", &e->directory);
    return FLO_OK;
}
