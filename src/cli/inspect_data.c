/* flotilla inspect DATA: the data sets of a file, and the columns of one of them. */
#include "cli/inspect_data.h"

#include "data/spec.h"

/* A file's data sets as they are told. */
typedef struct listing {
    flo_context *context;
    const char *file;
    bool headed; /* the heading comes with the first: an error stands alone */
} listing;

/* Opens the data set as training would, since only that tells how it is read. */
static void print_dataset(const char *name, const flo_dataset_info *info,
                          void *argument)
{
    listing *const list = argument;
    flo_dataset *dataset;
    const char *how = "read by H5Dread";
    if (flo_dataset_open(list->context, list->file, name, &dataset) != FLO_OK)
        how = flo_context_message(list->context);
    else if (flo_dataset_describe(dataset)->direct)
        how = "read by pread";
    flo_dataset_close(&dataset);
    if (!list->headed)
        printf("data file %s\n", list->file);
    list->headed = true;
    printf("  %-24s %12lld rows x %lld columns  %-8s %s, %.1f MB, %s%s\n", name,
           (long long)info->rows, (long long)info->columns, info->type, info->layout,
           1e-6 * (double)info->stored_bytes, how,
           info->again ? ", by a link" : "");
}

static flo_status print_listing(flo_context *context, const char *file)
{
    listing list = {.context = context, .file = file};
    FLO_TRY(flo_dataset_each(context, file, print_dataset, &list));
    if (!list.headed)
        printf("data file %s\n  no numeric data set\n", file);
    return FLO_OK;
}

static flo_status inspect_source(const flo_call *call, flo_arena *arena,
                                 flo_source *source, const flo_inspect_options *options)
{
    flo_profile profile = {0};
    flo_inspection inspection = {.source = source, .ranks = flo_comm_size(call->comm)};
    flo_status status = FLO_OK;
    if (!options->quick) {
        FLO_TRY(flo_profile_collect(call->comm, call->context, source, &profile));
        inspection.profile = &profile;
    } else if (flo_source_describe(source)->is_group) {
        /* Its rows are counted with its columns. */
        status = flo_source_choose(source, flo_source_describe(source)->columns, NULL);
        FLO_TRY(flo_comm_agree(call->comm, call->context, status));
    }
    if (flo_cli_speaks(call)) {
        if (options->json)
            status = flo_inspect_print_json(arena, &inspection);
        else
            flo_inspect_print_text(&inspection, options->columns);
    }
    status = flo_comm_agree(call->comm, call->context, status);
    flo_profile_free(call->context, &profile);
    return status;
}

/* The data set that is meant; where none is named and several are there, *name is NULL
   and the list says enough. The same on all ranks, or agreed on afterwards. */
static flo_status find_dataset(flo_arena *arena, const char *file, bool json,
                               const char **name)
{
    if (*name)
        return FLO_OK;
    const flo_status status = flo_spec_find_dataset(arena, file, "train", name);
    return status == FLO_ERROR_DATA && !json ? FLO_OK : status;
}

flo_status flo_inspect_data(const flo_call *call, flo_arena *arena, const char *spec,
                            const flo_inspect_options *options)
{
    const char *file, *name;
    flo_status status = flo_spec_cut(arena, spec, &file, &name);
    const bool lists = status == FLO_OK && !name && !options->json;
    if (lists && flo_cli_speaks(call) && flo_dataset_exists(file, "/"))
        status = print_listing(call->context, file);
    if (status == FLO_OK)
        status = find_dataset(arena, file, options->json, &name);
    FLO_TRY(flo_comm_agree(call->comm, call->context, status));
    if (!name) {
        if (flo_cli_speaks(call))
            printf("%s:NAME tells of the columns of one\n", file);
        return FLO_OK;
    }
    flo_source *source = NULL;
    status =
        flo_source_open(call->context, &(const flo_texts){1, &file}, name, &source);
    FLO_TRY(flo_comm_agree(call->comm, call->context, status));
    status = inspect_source(call, arena, source, options);
    flo_source_close(&source);
    return status;
}
