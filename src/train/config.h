/* The whole configuration of a run: every section in one struct. */
#ifndef FLO_TRAIN_CONFIG_H
#define FLO_TRAIN_CONFIG_H

#include "comm/comm.h"
#include "core/gemm.h"
#include "data/settings.h"
#include "flow/settings.h"
#include "optim/optimizer.h"
#include "optim/schedule.h"

typedef struct flo_config {
    flo_node *root; /* the tree, completed with defaults as the parts read it */

    struct {
        const char *directory;
        int64_t seed;
        int64_t threads; /* a rank; FLO_AUTO: the cores that it may use */
    } run;
    flo_data_settings data;
    struct {
        int64_t batch, lanes;
        int64_t steps; /* 0: by epochs */
        double epochs; /* 0: by steps */
        int64_t patience, max_bad_steps;
        int gemm; /* flo_gemm */
        flo_optimizer_settings optimizer;
        flo_schedule_settings schedule;
    } train;
    struct {
        int64_t every;
        double minutes;
        int64_t keep;
    } checkpoint;
    struct {
        int64_t every, validate_every, sample_every, samples, draws;
    } report;
    struct {
        double timeout_seconds; /* 0: never */
        double bucket_mb;
        int64_t shared_ranks;
    } comm;
} flo_config;

/* All sections with a table of their own, in the order of the config; ends in NULL. */
extern const flo_settings *const flo_config_sections[];

/* Parses config text, applies `path=value` overrides [count] and expands flow.preset.
   `name` is for messages. Reads every section but those that need the data (flow,
   preprocess) or the objective. Local. FLO_ERROR_CONFIG, FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_config_parse(flo_arena *arena, const char *name,
                                         const char *text, size_t length,
                                         const char *const *overrides, int64_t count,
                                         flo_config *config);

/* Reads the config file on rank 0 and parses the same bytes on all ranks, so errors are
   alike too. Collective. FLO_ERROR_FILE, FLO_ERROR_CONFIG; agreed. */
FLO_MUST_USE flo_status flo_config_load(flo_comm *comm, flo_arena *arena,
                                        const char *path, const char *const *overrides,
                                        int64_t count, flo_config *config);

/* Reads section `data`; apart because a run without data has none. Local.
   FLO_ERROR_CONFIG. */
FLO_MUST_USE flo_status flo_config_data(flo_arena *arena, flo_config *config);

/* Reads section `comm` alone, or `report`, of the config in a model. Local.
   FLO_ERROR_CONFIG. */
FLO_MUST_USE flo_status flo_config_comm(flo_arena *arena, flo_config *config);
FLO_MUST_USE flo_status flo_config_report(flo_arena *arena, flo_config *config);

/* The config as it took effect: YAML text in the arena. Local. FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_config_print(flo_arena *arena, const flo_config *config,
                                         char **text);

/* Refuses to continue a run whose stored effective config differs in anything but what
   may change: more steps or epochs, patience, threads, checkpoint, report, comm, the
   directory and where the data lies. Names the setting. Local. FLO_ERROR_CONFIG. */
FLO_MUST_USE flo_status flo_config_same(flo_arena *arena, const flo_node *stored,
                                        const flo_config *config);

#endif
