/* A model written, read back and used through the public API: the same bits; another
   model, a damaged file and failed allocations end in a status. */
#include "flow/model_file.h"
#include "flow/shift.h"

#include "flotilla/flotilla.h"

#include "flow/build.h"
#include "flow/tiles.h"
#include "hdf5/sealed_file.h"

#include <stdio.h>
#include <unistd.h>

enum { D = 3, C = 2, ROWS = 300 };

/* Written as an effective config is: with what the context passes through. */
#define STEPS "preprocess_context: [{kind: standardize}], "
#define DENSITY BUILD_DENSITY_WITH(STEPS)
#define SAMPLING BUILD_SAMPLING_WITH(STEPS)

static const char *const both[] = {DENSITY, SAMPLING};

typedef struct saved {
    flo_flow *flow;
    flo_real *theta, *average;
} saved;

static saved make(fixture *f, const char *yaml)
{
    saved s = {.flow = build_flow(f, yaml, D, C)};
    s.theta = build_theta(f, s.flow);
    s.average = build_reals(f, s.flow->parameters.size);
    for (int64_t i = 0; i < s.flow->parameters.size; i++)
        s.average[i] = s.theta[i] / 2;
    return s;
}

/* The bytes of the model under a config text, to be freed; sealed behind `size`. */
static void *write_model(fixture *f, const saved *s, const char *config, bool averages,
                         size_t *size)
{
    flo_image *image;
    void *bytes;
    assert_int_equal(flo_image_create(f->context, &image), FLO_OK);
    assert_int_equal(
        flo_model_add(image, s->flow, config, s->theta, averages ? s->average : NULL),
        FLO_OK);
    assert_int_equal(flo_image_finish(&image, FLO_SEAL_BYTES, &bytes, size), FLO_OK);
    flo_seal(bytes, *size);
    return bytes;
}

static flo_status read_model(fixture *f, const void *bytes, size_t size,
                             bool use_average, flo_flow **flow, flo_real **theta)
{
    flo_image *image;
    assert_int_equal(flo_image_open(f->context, "m.h5", bytes, size, &image), FLO_OK);
    const flo_status status =
        flo_model_read(f->arena, image, "m.h5", use_average, flow, theta);
    flo_image_destroy(&image);
    return status;
}

static void what_is_read_has_the_bits_that_were_written(void **state)
{
    fixture *const f = *state;
    for (int c = 0; c < 8; c++) {
        const bool averages = c & 2, use_average = c & 4;
        const saved s = make(f, both[c % 2]);
        size_t size;
        void *bytes = write_model(f, &s, both[c % 2], averages, &size);
        flo_flow *flow;
        flo_real *theta;
        assert_int_equal(read_model(f, bytes, size, use_average, &flow, &theta),
                         FLO_OK);
        flo_free(f->context, &bytes);
        assert_int_equal(flow->features, D);
        assert_int_equal(flow->context, C);
        assert_int_equal(flow->seed, s.flow->seed);
        assert_int_equal(flow->direction, s.flow->direction);
        assert_int_equal(flow->parameters.size, s.flow->parameters.size);
        assert_same_bits("theta", (size_t)flow->parameters.size * sizeof *theta, theta,
                         averages && use_average ? s.average : s.theta);
        assert_same_bits("constants", (size_t)flow->constants.size * sizeof(double),
                         flow->constant, s.flow->constant);
    }
}

/* The context of a model from before it had steps passes as it is. */
static void a_model_without_steps_for_its_context_has_none(void **state)
{
    fixture *const f = *state;
    const saved s = make(f, BUILD_DENSITY_WITH("preprocess_context: [], "));
    size_t size;
    void *bytes = write_model(f, &s, BUILD_DENSITY, false, &size);
    flo_flow *flow;
    flo_real *theta;
    assert_int_equal(read_model(f, bytes, size, false, &flow, &theta), FLO_OK);
    flo_free(f->context, &bytes);
    assert_int_equal(flow->context, C);
    assert_int_equal(flow->context_layers, 0);
    assert_int_equal(flow->constants.size, s.flow->constants.size);
}

static void the_config_comes_back_as_text_and_tree(void **state)
{
    fixture *const f = *state;
    const saved s = make(f, DENSITY);
    size_t size;
    void *bytes = write_model(f, &s, DENSITY, false, &size);
    flo_image *image;
    char *text;
    flo_node *root;
    assert_int_equal(flo_image_open(f->context, "m.h5", bytes, size, &image), FLO_OK);
    assert_int_equal(flo_model_config(f->arena, image, "m.h5", &text, &root), FLO_OK);
    flo_image_destroy(&image);
    flo_free(f->context, &bytes);
    assert_string_equal(text, DENSITY);
    assert_non_null(flo_node_find(root, "flow"));
}

/* The config says another model than the tensors are: each kind of difference. */
static void a_tensor_of_another_shape_is_refused(void **state)
{
#define START "flow: {layers: [{kind: permutation}, "
    static const struct {
        const char *written, *config, *word;
    } pairs[] = {
        {START "{kind: affine_coupling, hidden: 5}]}",
         START "{kind: affine_coupling, hidden: 6}]}",
         "parameters/01_affine_coupling/hidden_0/weight"},
        {START "{kind: affine_coupling, hidden: [5, 5]}]}",
         START "{kind: affine_coupling, hidden: [5, 6]}]}",
         "parameters/01_affine_coupling/hidden_1/weight"},
        {START "{kind: lu_linear}]}", START "{kind: elementwise_affine}]}",
         "parameters/01_elementwise_affine/log_scale"},
        {START "{kind: elementwise_affine}]}",
         START "{kind: elementwise_affine}, {kind: lu_linear}]}",
         "parameters/02_lu_linear/factors"},
    };
#undef START
    fixture *const f = *state;
    for (int i = 0; i < 4; i++) {
        const saved s = make(f, pairs[i].written);
        size_t size;
        void *bytes = write_model(f, &s, pairs[i].config, false, &size);
        flo_flow *flow;
        flo_real *theta;
        const flo_status status = read_model(f, bytes, size, true, &flow, &theta);
        flo_free(f->context, &bytes);
        if (status != FLO_ERROR_FILE ||
            !strstr(flo_context_message(f->context), pairs[i].word))
            fail_msg("%s as %s: status %d, message: %s", pairs[i].written,
                     pairs[i].config, status, flo_context_message(f->context));
    }
}

/* An image that is no model, or of another time. */
static void other_files_and_versions_are_refused(void **state)
{
    static const struct {
        const char *format;
        int64_t version;
        const char *word;
    } images[] = {{NULL, 1, "found no flotilla model"},
                  {"pickle", 1, "found no flotilla model"},
                  {"flotilla model", 99, "found model format 99, wanted 1"}};
    fixture *const f = *state;
    for (int i = 0; i < 3; i++) {
        flo_image *image;
        void *bytes;
        size_t size;
        assert_int_equal(flo_image_create(f->context, &image), FLO_OK);
        if (images[i].format)
            assert_int_equal(flo_image_set_text(image, "/", "format", images[i].format),
                             FLO_OK);
        assert_int_equal(
            flo_image_set_integer(image, "/", "format_version", images[i].version),
            FLO_OK);
        assert_int_equal(flo_image_finish(&image, 0, &bytes, &size), FLO_OK);
        flo_flow *flow;
        flo_real *theta;
        assert_int_equal(read_model(f, bytes, size, true, &flow, &theta),
                         FLO_ERROR_FILE);
        flo_free(f->context, &bytes);
        assert_non_null(strstr(flo_context_message(f->context), "m.h5"));
        assert_non_null(strstr(flo_context_message(f->context), images[i].word));
    }
}

/* A model file in a new folder, under `path`. */
static void write_file(fixture *f, const saved *s, const char *config, char *folder,
                       char *path)
{
    size_t size;
    void *bytes = write_model(f, s, config, true, &size);
    strcpy(folder, "/tmp/flotilla-test-XXXXXX");
    assert_non_null(mkdtemp(folder));
    sprintf(path, "%s/model.h5", folder);
    assert_int_equal(flo_sealed_write(f->context, path, bytes, size), FLO_OK);
    flo_free(f->context, &bytes);
}

static void the_public_model_gives_the_same_bits(void **state)
{
    fixture *const f = *state;
    char folder[64], path[80];
    for (int way = 0; way < 2; way++) {
        const saved s = make(f, both[way]);
        write_file(f, &s, both[way], folder, path);
        flo_model *model;
        assert_int_equal(flo_model_open(f->context, path, 2, &model), FLO_OK);
        assert_int_equal(flo_model_features(model), D);
        assert_int_equal(flo_model_context_features(model), C);
        assert_int_equal(flo_model_parameters(model), s.flow->parameters.size);

        flo_real x[2][ROWS * D], context[ROWS * C];
        double log_prob[2][ROWS];
        flo_tiles *tiles;
        assert_int_equal(flo_tiles_create(f->arena, s.flow, 1, &tiles), FLO_OK);
        draw_normals(1, 1, ROWS * C, context);
        flo_tiles_sample(tiles, s.average, 5, 7, ROWS, 0.9, context, x[0]);
        flo_model_sample(model, 5, 7, ROWS, 0.9, context, x[1]);
        assert_same_bits("samples", sizeof x[0], x[1], x[0]);
        flo_tiles_log_prob(tiles, s.average, 0, ROWS, x[0], context, log_prob[0], NULL);
        flo_model_log_prob(model, 0, ROWS, x[0], context, log_prob[1]);
        assert_same_bits("log_prob", sizeof log_prob[0], log_prob[1], log_prob[0]);
        flo_model_close(&model);
        assert_null(model);
        flo_model_close(&model);
        unlink(path);
        rmdir(folder);
    }
}

static void a_missing_or_damaged_file_is_refused(void **state)
{
    fixture *const f = *state;
    char folder[64], path[80];
    flo_model *model;
    assert_int_equal(flo_model_open(f->context, "/no/such.h5", 1, &model),
                     FLO_ERROR_FILE);
    assert_null(model);
    assert_non_null(strstr(flo_context_message(f->context), "/no/such.h5"));
    const saved s = make(f, DENSITY);
    write_file(f, &s, DENSITY, folder, path);
    FILE *const file = fopen(path, "r+");
    assert_non_null(file);
    assert_int_equal(fseek(file, 1000, SEEK_SET), 0);
    const int byte = fgetc(file);
    assert_int_equal(fseek(file, 1000, SEEK_SET), 0);
    assert_true(fputc(byte ^ 1, file) >= 0);
    fclose(file);
    assert_int_equal(flo_model_open(f->context, path, 1, &model), FLO_ERROR_FILE);
    assert_null(model);
    assert_non_null(strstr(flo_context_message(f->context), path));
    unlink(path);
    rmdir(folder);
}

/* The n-th allocation of `work` fails, for every n until it is not reached: a status of
   memory, nothing leaked. */
static void sweep(flo_status work(flo_context *context, const void *data),
                  const void *data, int64_t least)
{
    flo_status status = FLO_ERROR_MEMORY;
    int64_t n = 0;
    while (status != FLO_OK) {
        flo_context *context;
        assert_int_equal(flo_context_create(&context), FLO_OK);
        context->fail_at = ++n;
        status = work(context, data);
        if (status != FLO_OK && status != FLO_ERROR_MEMORY)
            fail_msg("allocation %lld: status %d, %s", (long long)n, status,
                     flo_context_message(context));
        if (status == FLO_ERROR_MEMORY)
            assert_non_null(strstr(flo_context_message(context), "out of memory"));
        assert_true(n < 1000);
        assert_int_equal(flo_context_destroy(&context), 0);
    }
    assert_true(n > least);
}

static flo_status open_and_use(flo_context *context, const void *path)
{
    flo_model *model;
    FLO_TRY(flo_model_open(context, path, 2, &model));
    flo_real x[4 * D], c[4 * C] = {0};
    double log_prob[4];
    flo_model_sample(model, 1, 0, 4, 1, c, x);
    flo_model_log_prob(model, 0, 4, x, c, log_prob);
    flo_model_close(&model);
    return FLO_OK;
}

static void opening_survives_every_failed_allocation(void **state)
{
    fixture *const f = *state;
    char folder[64], path[80];
    const saved s = make(f, DENSITY);
    write_file(f, &s, DENSITY, folder, path);
    sweep(open_and_use, path, 5);
    flo_context *context;
    assert_int_equal(flo_context_create(&context), FLO_OK);
    context->fail_at = 3;
    flo_model *model;
    assert_int_equal(flo_model_open(context, path, 1, &model), FLO_ERROR_MEMORY);
    assert_null(model);
    assert_int_equal(flo_context_destroy(&context), 0);
    unlink(path);
    rmdir(folder);
}

/* Columns far from 0 and far from 1: as the plain model of what is left of them. */
static void a_shifted_model_takes_numbers_in_double(void **state)
{
    fixture *const f = *state;
    char folder[64], path[80];
    const saved s = make(f, DENSITY);
    double origin[D + C], factor[D + C], x[ROWS * D], context[ROWS * C];
    flo_real y[ROWS * D], given[ROWS * C], drawn[ROWS * D];
    double log_factor = 0, wanted[ROWS], found[ROWS];
    for (int64_t j = 0; j < D + C; j++) {
        origin[j] = j % 2 ? 0x1p45 + (double)j : 0;
        factor[j] = j % 3 ? 1 : 0x1p-3;
        log_factor += j < D ? log(factor[j]) : 0;
    }
    for (int64_t i = 0; i < ROWS * D; i++) {
        y[i] = (flo_real)((double)(i * 37 % 101 - 50) / 32);
        x[i] = (double)y[i] / factor[i % D] + origin[i % D];
    }
    for (int64_t i = 0; i < ROWS * C; i++) {
        given[i] = (flo_real)((double)(i * 31 % 97 - 48) / 32);
        context[i] = (double)given[i] / factor[D + i % C] + origin[D + i % C];
    }
    flo_tiles *tiles;
    assert_int_equal(flo_tiles_create(f->arena, s.flow, 1, &tiles), FLO_OK);
    flo_tiles_log_prob(tiles, s.average, 0, ROWS, y, given, wanted, NULL);
    flo_tiles_sample(tiles, s.average, 5, 7, ROWS, 0.9, given, drawn);
    assert_int_equal(flo_flow_shift((flo_flow *)s.flow, origin, factor), FLO_OK);
    write_file(f, &s, DENSITY, folder, path);
    flo_model *model;
    assert_int_equal(flo_model_open(f->context, path, 2, &model), FLO_OK);
    flo_model_log_prob_double(model, 0, ROWS, x, context, found);
    for (int i = 0; i < ROWS; i++)
        assert_true(fabs(found[i] - wanted[i] - log_factor) <= 1e-10 * fabs(wanted[i]));
    flo_model_sample_double(model, 5, 7, ROWS, 0.9, context, x);
    for (int64_t i = 0; i < ROWS * D; i++)
        assert_true(x[i] == (double)drawn[i] / factor[i % D] + origin[i % D]);
    flo_model_close(&model);
    unlink(path);
    rmdir(folder);
}

static flo_status add_and_finish(flo_context *context, const void *data)
{
    const saved *const s = data;
    flo_image *image;
    void *bytes;
    size_t size;
    FLO_TRY(flo_image_create(context, &image));
    const flo_status status =
        flo_model_add(image, s->flow, DENSITY, s->theta, s->average);
    if (status != FLO_OK) {
        flo_image_destroy(&image);
        return status;
    }
    FLO_TRY(flo_image_finish(&image, FLO_SEAL_BYTES, &bytes, &size));
    flo_free(context, &bytes);
    return FLO_OK;
}

static void writing_survives_every_failed_allocation(void **state)
{
    const saved s = make(*state, DENSITY);
    sweep(add_and_finish, &s, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(what_is_read_has_the_bits_that_were_written),
        FIXTURE_TEST(a_model_without_steps_for_its_context_has_none),
        FIXTURE_TEST(the_config_comes_back_as_text_and_tree),
        FIXTURE_TEST(a_tensor_of_another_shape_is_refused),
        FIXTURE_TEST(other_files_and_versions_are_refused),
        FIXTURE_TEST(the_public_model_gives_the_same_bits),
        FIXTURE_TEST(a_shifted_model_takes_numbers_in_double),
        FIXTURE_TEST(a_missing_or_damaged_file_is_refused),
        FIXTURE_TEST(opening_survives_every_failed_allocation),
        FIXTURE_TEST(writing_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
