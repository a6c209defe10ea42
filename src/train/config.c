/* The whole configuration of a run: tables of the sections that training reads,
   loading, and what may change between a stop and a resume. */
#include "train/config.h"

#include "flow/presets.h"

#include <string.h>

#define AT(member) offsetof(flo_config, member)

static const flo_setting run_rows[] = {
    {"directory", FLO_TEXT, AT(run.directory), 0, 0, NULL, NULL, FLO_REQUIRED,
     "run directory: checkpoints, metrics, samples"},
    {"seed", FLO_INTEGER, AT(run.seed), 0, 9e15, "1", NULL, 0,
     "seed of everything random: same seed, same bits"},
    {"threads", FLO_INTEGER, AT(run.threads), 1, 4096, "auto", NULL, FLO_AUTO_VALUE,
     "threads a rank; auto takes the cores that the rank may use"},
    {.name = NULL}};

static const flo_setting train_rows[] = {
    {"batch", FLO_INTEGER, AT(train.batch), 1, 1e9, "512", NULL, 0,
     "rows of a global batch, over all ranks"},
    {"lanes", FLO_INTEGER, AT(train.lanes), 1, 65536, "16", NULL, 0,
     "units of data and summation; at least ranks x threads; part of the result"},
    {"steps", FLO_INTEGER, AT(train.steps), 0, 1e15, "0", NULL, 0,
     "optimizer steps; this or epochs"},
    {"epochs", FLO_NUMBER, AT(train.epochs), 0, 1e9, "0", NULL, 0,
     "passes over the training rows; this or steps"},
    {"optimizer", FLO_CHOICE, AT(train.optimizer.optimizer), 0, 0, "adam",
     FLO_OPTIMIZER_CHOICES, 0, "update rule"},
    {"learning_rate", FLO_NUMBER, AT(train.schedule.learning_rate), 0, 100, "5e-4",
     NULL, 0, "learning rate after the warm-up"},
    {"schedule", FLO_CHOICE, AT(train.schedule.schedule), 0, 0, "cosine",
     FLO_SCHEDULE_CHOICES, 0, "course of the learning rate; cosine ends at 0"},
    {"warmup_steps", FLO_INTEGER, AT(train.schedule.warmup_steps), 0, 1e12, "0", NULL,
     0, "steps of linear warm-up"},
    {"schedule_factor", FLO_NUMBER, AT(train.schedule.schedule_factor), 1e-6, 1, "0.5",
     NULL, 0, "step and plateau: factor of every drop"},
    {"schedule_steps", FLO_INTEGER, AT(train.schedule.schedule_steps), 1, 1e15, "10000",
     NULL, 0, "step: steps between drops"},
    {"schedule_patience", FLO_INTEGER, AT(train.schedule.schedule_patience), 1, 1e9,
     "10", NULL, 0, "plateau: validations without a new best before a drop"},
    {"beta1", FLO_NUMBER, AT(train.optimizer.beta1), 0, 0.9999999, "0.9", NULL, 0,
     "adam: decay of the first moment"},
    {"beta2", FLO_NUMBER, AT(train.optimizer.beta2), 0, 0.9999999, "0.999", NULL, 0,
     "adam: decay of the second moment"},
    {"epsilon", FLO_NUMBER, AT(train.optimizer.epsilon), 1e-30, 1, "1e-8", NULL, 0,
     "adam: added to the root of the second moment"},
    {"weight_decay", FLO_NUMBER, AT(train.optimizer.weight_decay), 0, 10, "0.01", NULL,
     0, "adamw: decay of the weights of linear maps"},
    {"momentum", FLO_NUMBER, AT(train.optimizer.momentum), 0, 0.9999, "0.9", NULL, 0,
     "sgd: momentum"},
    {"clip", FLO_NUMBER, AT(train.optimizer.clip), 0, 1e12, "5", NULL, 0,
     "largest global norm of the gradient; 0: no clipping"},
    {"average", FLO_NUMBER, AT(train.optimizer.average), 0, 0.9999999, "0", NULL, 0,
     "decay of the moving average of the parameters; 0: none"},
    {"patience", FLO_INTEGER, AT(train.patience), 0, 1e9, "0", NULL, 0,
     "validations without a new best before training stops; 0: never"},
    {"gemm", FLO_CHOICE, AT(train.gemm), 0, 0, "full", FLO_GEMM_CHOICES, 0,
     "numbers that products of conditioners take in while training: full, or bf16, "
     "rounded to bfloat16 (sums in float), which some processors do twice as fast; "
     "densities, validation and samples are full always"},
    {"max_bad_steps", FLO_INTEGER, AT(train.max_bad_steps), 1, 1e9, "10", NULL, 0,
     "steps in a row with a gradient that is not finite before training fails"},
    {.name = NULL}};

static const flo_setting checkpoint_rows[] = {
    {"every", FLO_INTEGER, AT(checkpoint.every), 0, 1e15, "1000", NULL, 0,
     "steps between checkpoints; 0: only by minutes and at the end"},
    {"minutes", FLO_NUMBER, AT(checkpoint.minutes), 0, 1e9, "10", NULL, 0,
     "minutes between checkpoints; 0: only by steps"},
    {"keep", FLO_INTEGER, AT(checkpoint.keep), 1, 1e9, "3", NULL, 0,
     "newest checkpoints to keep; the best is kept besides"},
    {.name = NULL}};

static const flo_setting report_rows[] = {
    {"every", FLO_INTEGER, AT(report.every), 1, 1e15, "50", NULL, 0,
     "steps between lines of metrics"},
    {"validate_every", FLO_INTEGER, AT(report.validate_every), 0, 1e15, "500", NULL, 0,
     "steps between validations; 0: only at the end"},
    {"sample_every", FLO_INTEGER, AT(report.sample_every), 0, 1e15, "0", NULL, 0,
     "steps between sample files; 0: only at the end"},
    {"samples", FLO_INTEGER, AT(report.samples), 0, 1e9, "1024", NULL, 0,
     "samples in a file; 0: none; sample i of a conditional flow has the context of "
     "row "
     "i of validation (of train where there is none), from the first again at its end"},
    {"draws", FLO_INTEGER, AT(report.draws), 1, 1e6, "auto", NULL, FLO_AUTO_VALUE,
     "draws of dequantize's noise that the score of a row is the mean density over, in "
     "test.json, evaluate and logprob; auto: 128, and of more than 16 such columns "
     "2048 "
     "/ columns, at least 8"},
    {.name = NULL}};

static const flo_setting comm_rows[] = {
    {"timeout_seconds", FLO_NUMBER, AT(comm.timeout_seconds), 0, 1e9, "300", NULL, 0,
     "a rank that stands still so long while the others wait ends the job, which names "
     "it; from 1 on; 0: never"},
    {"bucket_mb", FLO_NUMBER, AT(comm.bucket_mb), 0.001, 4096, "0.25", NULL, 0,
     "MB of gradient that are exchanged at a time, whole layers: the next ones are "
     "computed meanwhile"},
    {"shared_ranks", FLO_INTEGER, AT(comm.shared_ranks), 0, 1e6, "0", NULL, 0,
     "consecutive ranks of a host, at most, that share memory for gradients and "
     "parameters; 0: all of them; 1: none, they send messages as between hosts"},
    {.name = NULL}};

static const flo_settings run_table = {"run", "where a run lies and how it is started",
                                       run_rows};
static const flo_settings train_table = {"train", "how the parameters are fitted",
                                         train_rows};
static const flo_settings checkpoint_table = {"checkpoint", "when a run is saved",
                                              checkpoint_rows};
static const flo_settings report_table = {"report", "what is written on the way",
                                          report_rows};
static const flo_settings comm_table = {"comm", "messages between ranks", comm_rows};

const flo_settings *const flo_config_sections[] = {&run_table,
                                                   &flo_data_settings_table,
                                                   &flo_flow_settings_table,
                                                   &train_table,
                                                   &checkpoint_table,
                                                   &report_table,
                                                   &comm_table,
                                                   NULL};

static const char *const known[] = {
    "run",  "data",      "preprocess", "preprocess_context", "context_categories",
    "flow", "objective", "train",      "checkpoint",         "report",
    "comm"};

/* Settings that a resumed run may have otherwise. */
static const char *const changeable[] = {"run.directory",
                                         "run.threads",
                                         "data.files",
                                         "data.memory",
                                         "train.steps",
                                         "train.epochs",
                                         "train.patience",
                                         "train.max_bad_steps",
                                         "checkpoint",
                                         "report",
                                         "comm"};

static flo_status read_sections(flo_arena *arena, flo_config *config)
{
    const flo_settings *const tables[] = {&run_table, &train_table, &checkpoint_table,
                                          &report_table, &comm_table};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        FLO_TRY(flo_settings_read(arena, config->root,
                                  flo_node_find(config->root, tables[i]->name),
                                  tables[i], config));
    const flo_node *const train = flo_node_find(config->root, "train");
    if ((config->train.steps > 0) == (config->train.epochs > 0))
        return flo_settings_fail(arena, train,
                                 "either train.steps or train.epochs above 0");
    if (config->train.batch < config->train.lanes)
        return flo_settings_fail(
            arena, flo_node_find(train, "batch"),
            "a batch of at least train.lanes = %lld rows, or fewer lanes",
            (long long)config->train.lanes);
    const double timeout = config->comm.timeout_seconds;
    if (timeout > 0 && timeout < 1)
        return flo_settings_fail(
            arena,
            flo_node_find(flo_node_find(config->root, "comm"), "timeout_seconds"),
            "0 (never), or at least 1");
    return FLO_OK;
}

flo_status flo_config_parse(flo_arena *arena, const char *name, const char *text,
                            size_t length, const char *const *overrides, int64_t count,
                            flo_config *config)
{
    *config = (flo_config){.root = NULL};
    FLO_TRY(flo_yaml_parse(arena, name, text, length, &config->root));
    for (int64_t i = 0; i < count; i++)
        FLO_TRY(flo_yaml_override(arena, config->root, overrides[i]));
    if (config->root->kind != FLO_NODE_MAP)
        return flo_settings_fail(arena, config->root, "sections such as `run:`");
    FLO_TRY(
        flo_settings_known(arena, config->root, known, sizeof known / sizeof *known));
    FLO_TRY(flo_presets_expand(arena, config->root));
    return read_sections(arena, config);
}

flo_status flo_config_load(flo_comm *comm, flo_arena *arena, const char *path,
                           const char *const *overrides, int64_t count,
                           flo_config *config)
{
    flo_context *const context = flo_arena_context(arena);
    char *text = NULL;
    flo_status status = FLO_OK;
    if (flo_comm_rank(comm) == 0) {
        size_t length;
        status = flo_file_text(arena, path, &text, &length);
    }
    FLO_TRY(flo_comm_agree(comm, context, status));
    FLO_TRY(flo_comm_broadcast_text(comm, context, &text));
    status =
        flo_config_parse(arena, path, text, strlen(text), overrides, count, config);
    if (flo_comm_rank(comm) != 0)
        flo_free(context, &text);
    return flo_comm_agree(comm, context, status);
}

flo_status flo_config_data(flo_arena *arena, flo_config *config)
{
    return flo_settings_read(arena, config->root, flo_node_find(config->root, "data"),
                             &flo_data_settings_table, &config->data);
}

flo_status flo_config_comm(flo_arena *arena, flo_config *config)
{
    return flo_settings_read(arena, config->root, flo_node_find(config->root, "comm"),
                             &comm_table, config);
}

flo_status flo_config_report(flo_arena *arena, flo_config *config)
{
    return flo_settings_read(arena, config->root, flo_node_find(config->root, "report"),
                             &report_table, config);
}

flo_status flo_config_print(flo_arena *arena, const flo_config *config, char **text)
{
    return flo_yaml_print(arena, config->root, text);
}

flo_status flo_config_same(flo_arena *arena, const flo_node *stored,
                           const flo_config *config)
{
    char *path;
    FLO_TRY(flo_settings_difference(arena, stored, config->root, changeable,
                                    sizeof changeable / sizeof *changeable, &path));
    if (!path)
        return FLO_OK;
    return flo_fail(
        flo_arena_context(arena), FLO_ERROR_CONFIG,
        "%s: found another value than the run was started with, wanted the "
        "same for --resume; take the run's config.yaml, or start over with "
        "--fresh. These may change: run.directory, run.threads, data.files, "
        "data.memory, train.steps, train.epochs, train.patience, "
        "train.max_bad_steps, checkpoint, report, comm",
        path);
}
