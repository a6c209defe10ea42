/* Some rows of a split, evenly spaced, into a file. */
#include "train/excerpt.h"

#include "core/arena.h"
#include "data/rows_place.h"
#include "hdf5/image.h"
#include "hdf5/sealed_file.h"

#include <string.h>
#include <unistd.h>

/* Rows close to each other are read together, those between them in vain. */
enum { PIECE_ROWS = 1024, CLOSE = 16 };

typedef struct picker {
    flo_arena *arena;
    flo_rows *rows;
    int64_t D, C, total;
    int64_t wanted;  /* rows to read */
    int64_t count;   /* rows kept so far */
    flo_batch kept;  /* [wanted, ..] */
    flo_batch piece; /* [PIECE_ROWS, ..] */
    int64_t *row, *file;
} picker;

static flo_status take_batch(picker *e, int64_t rows, flo_batch *batch)
{
    FLO_TRY(flo_arena_take(e->arena, rows * e->D, sizeof(flo_real), &batch->x));
    FLO_TRY(
        flo_arena_take(e->arena, rows * e->C + 1, sizeof(flo_real), &batch->context));
    return flo_arena_take(e->arena, rows, sizeof(flo_real), &batch->weight);
}

static flo_status prepare(picker *e, int64_t most)
{
    e->D = flo_rows_features(e->rows);
    e->C = flo_rows_context_features(e->rows);
    e->total = flo_rows_count(e->rows);
    e->wanted = most < e->total ? most : e->total;
    FLO_TRY(take_batch(e, e->wanted, &e->kept));
    FLO_TRY(take_batch(e, PIECE_ROWS, &e->piece));
    FLO_TRY(flo_arena_take(e->arena, e->wanted, sizeof *e->row, &e->row));
    return flo_arena_take(e->arena, e->wanted, sizeof *e->file, &e->file);
}

/* Row k of those wanted: floor(k total / wanted), without the product's overflow. */
static int64_t pick(const picker *e, int64_t k)
{
    return k * (e->total / e->wanted) + k * (e->total % e->wanted) / e->wanted;
}

static void keep(picker *e, int64_t row, int64_t at)
{
    const size_t D = (size_t)e->D, C = (size_t)e->C, real = sizeof(flo_real);
    const flo_real weight = e->piece.weight[at];
    if (!(weight > 0))
        return;
    memcpy(e->kept.x + e->count * e->D, e->piece.x + at * e->D, D * real);
    if (C)
        memcpy(e->kept.context + e->count * e->C, e->piece.context + at * e->C,
               C * real);
    e->kept.weight[e->count] = weight;
    e->file[e->count] = flo_rows_place(e->rows, row, &e->row[e->count]);
    e->count++;
}

static flo_status read_rows(picker *e)
{
    const int64_t span = e->total / e->wanted < CLOSE ? PIECE_ROWS : 1;
    for (int64_t k = 0, end; k < e->wanted; k = end) {
        const int64_t first = pick(e, k);
        for (end = k + 1; end < e->wanted && pick(e, end) < first + span;)
            end++;
        e->piece.rows = pick(e, end - 1) + 1 - first;
        FLO_TRY(flo_rows_read(e->rows, first, e->piece.rows, &e->piece, NULL));
        for (int64_t i = k; i < end; i++)
            keep(e, pick(e, i), pick(e, i) - first);
    }
    return FLO_OK;
}

/* Numbers of columns as `path` [count], and their names as an attribute of `of`. */
static flo_status add_columns(picker *e, flo_image *image, bool of_context,
                              const char *of, const char *path)
{
    const int64_t count = of_context ? e->C : e->D;
    const char **names;
    int64_t *number;
    bool named = true;
    FLO_TRY(flo_arena_take(e->arena, count, sizeof *names, &names));
    FLO_TRY(flo_arena_take(e->arena, count, sizeof *number, &number));
    for (int64_t c = 0; c < count; c++) {
        number[c] = flo_rows_column(e->rows, of_context, c, &names[c]);
        named = named && names[c];
    }
    if (named) /* beyond what an attribute takes the numbers must do */
        (void)flo_image_set_texts(image, of, "columns", count, names);
    return flo_image_add(image, path, FLO_ELEMENT_INT64, 1, &count, number);
}

static flo_status add_files(picker *e, flo_image *image)
{
    const flo_source *const source = flo_rows_source(e->rows);
    const int64_t count = flo_source_describe(source)->shards;
    const char **names;
    int64_t first;
    FLO_TRY(flo_arena_take(e->arena, count, sizeof *names, &names));
    for (int64_t s = 0; s < count; s++)
        names[s] = flo_source_shard(source, s, &first);
    (void)flo_image_set_texts(image, "x", "files", count, names);
    return flo_image_add(image, "file", FLO_ELEMENT_INT64, 1, &e->count, e->file);
}

static flo_status add_rows(picker *e, flo_image *image)
{
    const int64_t x[2] = {e->count, e->D}, context[2] = {e->count, e->C};
    FLO_TRY(flo_image_add(image, "x", FLO_ELEMENT_REAL, 2, x, e->kept.x));
    FLO_TRY(add_columns(e, image, false, "x", "column"));
    if (e->C) {
        FLO_TRY(flo_image_add(image, "context", FLO_ELEMENT_REAL, 2, context,
                              e->kept.context));
        FLO_TRY(add_columns(e, image, true, "context", "context_column"));
    }
    FLO_TRY(flo_image_add(image, "weight", FLO_ELEMENT_REAL, 1, x, e->kept.weight));
    FLO_TRY(flo_image_add(image, "row", FLO_ELEMENT_INT64, 1, x, e->row));
    return add_files(e, image);
}

static flo_status add_all(picker *e, const flo_excerpt *excerpt, flo_image *image)
{
    char source[FLO_MESSAGE_BYTES];
    flo_rows_tell(e->rows, excerpt->split, source, sizeof source);
    FLO_TRY(flo_image_set_text(image, "/", "source", source));
    FLO_TRY(flo_image_set_text(image, "/", "split", excerpt->split));
    FLO_TRY(flo_image_set_integer(image, "/", "rows", e->total));
    FLO_TRY(flo_image_set_integer(image, "/", "left_out", e->wanted - e->count));
    return add_rows(e, image);
}

static flo_status write_file(flo_context *context, picker *e,
                             const flo_excerpt *excerpt)
{
    flo_image *image;
    void *bytes;
    size_t size;
    FLO_TRY(flo_image_create(context, &image));
    const flo_status added = add_all(e, excerpt, image);
    if (added != FLO_OK) {
        flo_image_destroy(&image);
        return added;
    }
    FLO_TRY(flo_image_finish(&image, 0, &bytes, &size));
    const flo_status status = flo_file_replace(context, excerpt->path, bytes, size);
    flo_free(context, &bytes);
    return status;
}

flo_status flo_excerpt_write(flo_context *context, flo_rows *rows,
                             const flo_excerpt *excerpt, int64_t *written)
{
    picker e = {.rows = rows};
    if (!excerpt->force && access(excerpt->path, F_OK) == 0)
        return flo_fail(context, FLO_ERROR_USAGE,
                        "%s: exists already; give another name, or --force to replace "
                        "it",
                        excerpt->path);
    FLO_TRY(flo_arena_create(context, &e.arena));
    flo_status status = prepare(&e, excerpt->most);
    if (status == FLO_OK)
        status = read_rows(&e);
    if (status == FLO_OK && e.count == 0)
        status = flo_rows_fail_weightless(rows);
    if (status == FLO_OK)
        status = write_file(context, &e, excerpt);
    *written = e.count;
    flo_arena_destroy(&e.arena);
    return status;
}
