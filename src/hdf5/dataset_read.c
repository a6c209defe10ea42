/* Choosing columns of an array and reading rows of them: records are staged, the chosen
   columns picked and converted. */
#include "hdf5/dataset_parts.h"

#include "hdf5/library.h"
#include "hdf5/meaning.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    STAGING_BYTES = 1 << 18, /* stays in the L2 cache */
    WIDE_COUNT = 1 << 12
};

/* Opens a member of a group; its rows must be as many as those opened before. */
static flo_status open_member(flo_dataset *dataset, flo_member *member,
                              const flo_member **other)
{
    FLO_TRY(flo_stored_open(dataset->choice, dataset->file, dataset->descriptor,
                            dataset->file_id, member->path, &member->stored));
    const int64_t found = member->stored.info.rows;
    if (!*other)
        *other = member;
    const int64_t wanted = (*other)->stored.info.rows;
    if (found == wanted)
        return FLO_OK;
    return flo_fail(dataset->context, FLO_ERROR_DATA,
                    "%s: data set '%s' has %lld rows, wanted %lld, as many as '%s', to "
                    "be a column beside it",
                    dataset->file, member->path, (long long)found, (long long)wanted,
                    (*other)->path);
}

/* Adds "name: meaning" to what the members before it mean. */
static void add_meaning(char *text, size_t bytes, const char *name, const char *meaning)
{
    const size_t used = strlen(text);
    if (meaning[0])
        snprintf(text + used, bytes - used, "%s%.100s: %.200s", used ? "; " : "", name,
                 meaning);
}

/* What the chosen members of a group are together. */
static void describe_together(flo_dataset *dataset)
{
    flo_dataset_info *const info = &dataset->info;
    const int64_t columns = info->columns;
    char meaning[sizeof info->meaning] = "";
    bool is_first = true;
    for (int64_t i = 0; i < dataset->members; ++i) {
        const flo_dataset_info *const member = &dataset->member[i].stored.info;
        if (!dataset->member[i].picks)
            continue;
        add_meaning(meaning, sizeof meaning, dataset->column_name[i], member->meaning);
        if (is_first) {
            *info = *member;
            is_first = false;
            continue;
        }
        info->stored_bytes += member->stored_bytes;
        info->direct = info->direct && member->direct;
        if (member->chunk_rows > info->chunk_rows)
            info->chunk_rows = member->chunk_rows;
    }
    memcpy(info->meaning, meaning, sizeof meaning);
    info->columns = columns;
    info->by_name = info->is_group = true;
}

static int64_t column_at(const int64_t *column, int64_t i)
{
    return column ? column[i] : i;
}

static const flo_field *find_field(const flo_record *record, int64_t column)
{
    const flo_field *field = record->field;
    while (column >= field->first + field->columns)
        ++field;
    return field;
}

static bool is_plain(const flo_dataset *dataset, int64_t i)
{
    return !dataset->origin || (dataset->origin[i] == 0 && dataset->factor[i] == 1);
}

/* The picks of a member: a column that follows the one before it, here and in the
   record, makes the same pick longer; not where one is shifted and one is not. */
static void make_picks(const flo_dataset *dataset, flo_member *member, int64_t count,
                       const int64_t *column)
{
    const int64_t columns = member->stored.info.columns;
    const flo_field *before = NULL;
    for (int64_t i = 0; i < count; ++i) {
        const int64_t at = column_at(column, i) - member->first;
        if (at < 0 || at >= columns) {
            before = NULL;
            continue;
        }
        const flo_field *const field = find_field(&member->stored.record, at);
        const bool plain = is_plain(dataset, i);
        if (field == before && at == column_at(column, i - 1) - member->first + 1 &&
            plain == is_plain(dataset, i - 1)) {
            ++member->pick[member->picks - 1].count;
            continue;
        }
        member->pick[member->picks++] =
            (flo_pick){.offset = field->offset + (at - field->first) * field->size,
                       .count = 1,
                       .place = i,
                       .column = at,
                       .convert = field->convert,
                       .meaning = field->meaning,
                       .masks = field->masks,
                       .mask_offset = field->mask_offset +
                                      (field->masks > 1 ? at - field->first : 0),
                       .origin = plain ? NULL : dataset->origin + i,
                       .factor = plain ? NULL : dataset->factor + i};
        before = field;
    }
}

static int64_t count_chosen(const flo_member *member, int64_t count,
                            const int64_t *column)
{
    int64_t chosen = 0;
    for (int64_t i = 0; i < count; ++i) {
        const int64_t at = column_at(column, i) - member->first;
        chosen += at >= 0 && at < member->stored.info.columns;
    }
    return chosen;
}

/* Whether some numbers go through double. */
static bool needs_wide(const flo_dataset *dataset)
{
    bool needs = dataset->origin != NULL;
    for (int64_t m = 0; m < dataset->members; ++m)
        for (int64_t p = 0; p < dataset->member[m].picks; ++p)
            needs = needs || dataset->member[m].pick[p].meaning;
    return needs;
}

static flo_status choose(flo_dataset *dataset, int64_t count, const int64_t *column)
{
    const flo_member *other = NULL;
    int64_t widest = 0;
    for (int64_t m = 0; m < dataset->members; ++m) {
        flo_member *const member = &dataset->member[m];
        const int64_t chosen = count_chosen(member, count, column);
        if (dataset->info.is_group)
            flo_stored_close(&member->stored);
        if (chosen == 0)
            continue;
        if (dataset->info.is_group)
            FLO_TRY(open_member(dataset, member, &other));
        FLO_TRY(flo_arena_take(dataset->choice, chosen, sizeof *member->pick,
                               &member->pick));
        make_picks(dataset, member, count, column);
        if (member->stored.record.bytes > widest)
            widest = member->stored.record.bytes;
    }
    dataset->staging_bytes = widest > STAGING_BYTES ? widest : STAGING_BYTES;
    FLO_TRY(
        flo_arena_take(dataset->choice, dataset->staging_bytes, 1, &dataset->staging));
    dataset->chosen = count;
    dataset->wide_count = 0;
    if (needs_wide(dataset)) {
        dataset->wide_count = count > WIDE_COUNT ? count : WIDE_COUNT;
        FLO_TRY(flo_arena_take(dataset->choice, dataset->wide_count,
                               sizeof *dataset->wide, &dataset->wide));
    }
    if (dataset->info.is_group)
        describe_together(dataset);
    return FLO_OK;
}

flo_status flo_dataset_choose(flo_dataset *dataset, int64_t count,
                              const int64_t *column)
{
    flo_arena_destroy(&dataset->choice);
    for (int64_t m = 0; m < dataset->members; ++m)
        dataset->member[m].picks = 0;
    FLO_TRY(flo_arena_create(dataset->context, &dataset->choice));
    const flo_hdf5_use use = flo_hdf5_begin_file(dataset->file);
    const flo_status status = choose(dataset, count, column);
    flo_hdf5_end(use);
    return status;
}

/* Whether the records of a member are the rows of out as they stand. */
static bool is_in_place(const flo_dataset *dataset, const flo_member *member,
                        int64_t stride)
{
    const flo_pick *const pick = member->pick;
    return member->picks == 1 && !pick->origin && !pick->meaning &&
           !member->stored.holes && stride == dataset->chosen &&
           pick->count == stride && flo_converter_copies(pick->convert) &&
           member->stored.record.bytes == pick->count * (int64_t)sizeof(flo_real);
}

/* What the numbers of a pick stand for, in double: out [rows, count]. */
static void widen(const flo_pick *pick, int64_t rows, const void *staged, int64_t bytes,
                  double *out, int64_t stride)
{
    flo_converter_widen(pick->convert)(rows, pick->count, staged, bytes, NULL, out,
                                       stride);
    if (pick->meaning)
        flo_meaning_apply(pick->meaning, rows, pick->count, out, stride);
}

/* The same less the origin of each column. */
static void widen_shifted(const flo_pick *pick, int64_t rows, const void *staged,
                          int64_t bytes, double *out)
{
    const int64_t n = pick->count;
    if (pick->origin && !pick->meaning) { /* takes it off whole numbers exactly */
        flo_converter_widen(pick->convert)(rows, n, staged, bytes, pick->origin, out,
                                           n);
        return;
    }
    widen(pick, rows, staged, bytes, out, n);
    for (int64_t i = 0; pick->origin && i < rows; ++i)
        for (int64_t j = 0; j < n; ++j)
            out[i * n + j] -= pick->origin[j];
}

/* The columns of a pick of staged rows on their way through double: what they stand
   for, less their origin, times their factor. */
static void convert_wide(const flo_dataset *dataset, const flo_pick *pick, int64_t rows,
                         int64_t bytes, int64_t stride, flo_real *out)
{
    const int64_t n = pick->count, most = dataset->wide_count / n;
    const unsigned char *staged = dataset->staging + pick->offset;
    for (int64_t done = 0, some; done < rows; done += some) {
        some = rows - done < most ? rows - done : most;
        widen_shifted(pick, some, staged + done * bytes, bytes, dataset->wide);
        for (int64_t i = 0; i < some; ++i)
            for (int64_t j = 0; j < n; ++j) {
                const double value = dataset->wide[i * n + j];
                out[(done + i) * stride + j] =
                    (flo_real)(pick->factor ? value * pick->factor[j] : value);
            }
    }
}

/* The columns of a pick of staged rows, into rows of out or of wide. */
static void convert_pick(const flo_dataset *dataset, const flo_pick *pick, int64_t rows,
                         int64_t bytes, int64_t stride, flo_real *out, double *wide)
{
    const unsigned char *const staged = dataset->staging + pick->offset;
    if (wide)
        widen(pick, rows, staged, bytes, wide + pick->place, stride);
    else if (pick->origin || pick->meaning)
        convert_wide(dataset, pick, rows, bytes, stride, out + pick->place);
    else
        pick->convert(rows, pick->count, staged, bytes, out + pick->place, stride);
}

/* What its mask says is missing, of a pick of staged rows. */
static void apply_masks(const flo_dataset *dataset, const flo_pick *pick, int64_t rows,
                        int64_t bytes, int64_t stride, flo_real *out, double *wide)
{
    const unsigned char *mask = dataset->staging + pick->mask_offset;
    for (int64_t i = 0; i < rows; ++i, mask += bytes)
        for (int64_t j = 0; j < pick->count; ++j) {
            const int64_t at = i * stride + pick->place + j;
            if (!mask[pick->masks > 1 ? j : 0])
                continue;
            if (out)
                out[at] = (flo_real)NAN;
            else
                wide[at] = (double)NAN;
        }
}

/* Rows of a member into out, or where that is NULL into wide. */
static flo_status read_member(const flo_dataset *dataset, const flo_member *member,
                              int64_t first, int64_t count, int64_t stride,
                              flo_real *out, double *wide)
{
    const flo_stored *const stored = &member->stored;
    const int64_t bytes = stored->record.bytes;
    if (out && is_in_place(dataset, member, stride))
        return flo_stored_read(stored, first, count, out);
    const int64_t most = dataset->staging_bytes / bytes;
    for (int64_t done = 0; done < count; done += most) {
        const int64_t rows = count - done < most ? count - done : most;
        FLO_TRY(flo_stored_read(stored, first + done, rows, dataset->staging));
        for (int64_t p = 0; p < member->picks; ++p) {
            const flo_pick *const pick = &member->pick[p];
            flo_real *const to = out ? out + done * stride : NULL;
            double *const to_wide = wide ? wide + done * stride : NULL;
            convert_pick(dataset, pick, rows, bytes, stride, to, to_wide);
            if (pick->masks)
                apply_masks(dataset, pick, rows, bytes, stride, to, to_wide);
            if (stored->holes)
                flo_holes_apply(stored->holes, first + done, rows, pick->column,
                                pick->count, stride, to ? to + pick->place : NULL,
                                to_wide ? to_wide + pick->place : NULL);
        }
    }
    return FLO_OK;
}

static flo_status read_rows(const flo_dataset *dataset, int64_t first, int64_t count,
                            int64_t stride, flo_real *out, double *wide)
{
    assert(first >= 0 && count >= 0 && first <= dataset->info.rows - count);
    assert(stride >= dataset->chosen);
    for (int64_t m = 0; count > 0 && m < dataset->members; ++m)
        if (dataset->member[m].picks)
            FLO_TRY(read_member(dataset, &dataset->member[m], first, count, stride, out,
                                wide));
    return FLO_OK;
}

flo_status flo_dataset_read(flo_dataset *dataset, int64_t first, int64_t count,
                            int64_t stride, flo_real *out)
{
    return read_rows(dataset, first, count, stride, out, NULL);
}

flo_status flo_dataset_read_wide(flo_dataset *dataset, int64_t first, int64_t count,
                                 int64_t stride, double *out)
{
    return read_rows(dataset, first, count, stride, NULL, out);
}

void flo_dataset_shift(flo_dataset *dataset, const double *origin, const double *factor)
{
    dataset->origin = origin;
    dataset->factor = factor;
}

int64_t flo_dataset_bytes(const flo_dataset *dataset)
{
    int64_t bytes =
        dataset->staging_bytes + dataset->wide_count * (int64_t)sizeof *dataset->wide;
    for (int64_t m = 0; m < dataset->members; ++m)
        bytes += dataset->member[m].picks ? dataset->member[m].stored.cache_bytes : 0;
    return bytes;
}
