/* Damaged data files, each opened and read in a process of its own: HDF5 itself crashes
   on some. Every file is refused with a message, or read in the shape it was written
   in; none hangs, and of a crash it is known in which file.

   FLOTILLA_DAMAGED_FILES=N tries N files of every kind instead of 150 (50 where a
   sanitizer makes each slow, and in double: what becomes of a file is the same there).
 */
#include "core/random.h"
#include "hdf5/dataset.h"
#include "hdf5/inside.h"
#include "hdf5/scratch.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/wait.h>
#include <cmocka.h>

#if defined __SANITIZE_ADDRESS__ || defined FLOTILLA_DOUBLE
enum { FILES = 50 };
#else
enum { FILES = 150 };
#endif
enum { ROWS = 200, COLUMNS = 6, SECONDS = 10 };

/* What became of a file; the first are exit codes of the child. */
typedef enum fate {
    SAME,    /* read, and the numbers are those written */
    CHANGED, /* read in the right shape, with other numbers */
    REFUSED,
    SHAPE,   /* read in another shape */
    SILENT,  /* refused without a message */
    CRASHED, /* told by our message */
    DIED,    /* a signal, and nothing said */
    HUNG,
    FATES
} fate;

typedef struct template
{
    const char *what;
    hid_t stored;
    scratch_layout layout;
    bool latest; /* HDF5's newest format: headers have checksums */
}
template;

typedef struct bytes {
    unsigned char *at;
    size_t size;
} bytes;

static double value(int i)
{
    return (double)(i % 251);
}

static void write_template(const char *path, const template *t)
{
    double values[ROWS * COLUMNS];
    const hsize_t shape[2] = {ROWS, COLUMNS};
    for (int i = 0; i < ROWS * COLUMNS; i++)
        values[i] = value(i);
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    if (t->latest)
        H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
    const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    scratch_add(file, "a/train", t->stored, 2, shape, &t->layout, H5T_NATIVE_DOUBLE,
                values);
    H5Fclose(file);
    H5Pclose(access);
}

static bytes load(const char *path)
{
    FILE *const file = fopen(path, "rb");
    fseek(file, 0, SEEK_END);
    bytes b = {NULL, (size_t)ftell(file)};
    rewind(file);
    b.at = malloc(b.size);
    assert_int_equal(fread(b.at, 1, b.size, file), b.size);
    fclose(file);
    return b;
}

static void store(const char *path, const bytes *b)
{
    FILE *const file = fopen(path, "wb");
    assert_int_equal(fwrite(b->at, 1, b->size, file), b->size);
    fclose(file);
}

typedef struct dice {
    flo_random_key key;
    uint64_t throws;
} dice;

/* From 0 to n - 1. */
static size_t draw(dice *d, size_t n)
{
    return (size_t)(flo_random_bits(d->key, d->throws++) % n);
}

static void change_byte(dice *d, bytes *b, size_t header)
{
    const size_t at = draw(d, draw(d, 8) ? header : b->size);
    const size_t bit = draw(d, 8), any = draw(d, 256);
    b->at[at] = (unsigned char)(draw(d, 2) ? b->at[at] ^ 1u << bit : any);
}

/* An end cut off, a block that reads as zeros, or some bytes changed, most of them
   where the headers lie. */
static void damage(bytes *b, uint64_t number)
{
    dice d = {{number, FLO_RANDOM_SAMPLES, 0, 0}, 0};
    const size_t way = draw(&d, 8), header = b->size < 3000 ? b->size : 3000;
    if (way == 0) {
        b->size = draw(&d, b->size);
    } else if (way == 1) {
        const size_t from = draw(&d, header);
        memset(b->at + from, 0, draw(&d, header - from) / 8);
    } else {
        for (size_t left = 1 + draw(&d, 4); left > 0; left--)
            change_byte(&d, b, header);
    }
}

/* In the child. */
static fate read_it(const char *path)
{
    flo_context *context;
    flo_dataset *dataset;
    if (flo_context_create(&context) != FLO_OK)
        return DIED;
    if (flo_dataset_open(context, path, "a/train", &dataset) != FLO_OK)
        return flo_context_message(context)[0] ? REFUSED : SILENT;
    const flo_dataset_info *const info = flo_dataset_describe(dataset);
    if (info->rows != ROWS || info->columns != COLUMNS)
        return SHAPE;
    flo_real *const x = calloc(ROWS * COLUMNS, sizeof *x);
    if (flo_dataset_read(dataset, 0, ROWS, COLUMNS, x) != FLO_OK)
        return strstr(flo_context_message(context), path) ? REFUSED : SILENT;
    flo_dataset_close(&dataset);
    for (int i = 0; i < ROWS * COLUMNS; i++)
        if ((double)x[i] != value(i))
            return CHANGED;
    return SAME;
}

/* As the program does (cli/crash.c), but for the message. */
static void crash(int signal)
{
    (void)signal;
    _exit(10 + (flo_hdf5_file_inside() ? CRASHED : DIED));
}

#ifdef __SANITIZE_ADDRESS__
void __sanitizer_set_death_callback(void (*callback)(void));

static bool is_in(void *frame, const char *library)
{
    Dl_info about;
    return dladdr(frame, &about) && strstr(about.dli_fname, library);
}

/* The sanitizer found something: whose frame stands below its own? */
static void die(void)
{
    void *frame[64];
    const int frames = backtrace(frame, 64);
    int last = frames - 1;
    while (last >= 0 && !is_in(frame[last], "libasan"))
        last--;
    _exit(10 + (last >= 0 && last + 1 < frames && is_in(frame[last + 1], "libhdf5")
                    ? CRASHED
                    : DIED));
}
#endif

static void run_child(const char *path)
{
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_set_death_callback(die);
#endif
    static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGABRT};
    struct sigaction ours = {.sa_handler = crash, .sa_flags = SA_NODEFER};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        sigaction(signals[i], &ours, NULL);
    dup2(open("/dev/null", O_WRONLY), STDERR_FILENO); /* glibc's last words */
    alarm(SECONDS);
    _exit(10 + (int)read_it(path));
}

static fate try_file(const char *path)
{
    int status;
    const pid_t child = fork();
    if (child == 0)
        run_child(path);
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status))
        return WTERMSIG(status) == SIGALRM ? HUNG : DIED;
    return WEXITSTATUS(status) >= 10 ? (fate)(WEXITSTATUS(status) - 10) : DIED;
}

static void try_template(const template *t, int64_t files)
{
    char folder[SCRATCH_BYTES], path[SCRATCH_PATH];
    int count[FATES] = {0};
    scratch_create(folder);
    snprintf(path, sizeof path, "%s/a.h5", folder);
    write_template(path, t);
    const bytes whole = load(path);
    assert_int_equal(try_file(path), SAME);
    for (int64_t i = 0; i < files; i++) {
        bytes b = {malloc(whole.size), whole.size};
        memcpy(b.at, whole.at, whole.size);
        damage(&b, (uint64_t)i);
        store(path, &b);
        free(b.at);
        const fate f = try_file(path);
        count[f]++;
        if (f == SILENT || f == DIED || f == HUNG || f == SHAPE)
            print_error("%s: file %lld: fate %d\n", t->what, (long long)i, (int)f);
    }
    free(whole.at);
    scratch_remove(folder);
    print_message("%s: of %lld files %d refused, %d read as written, %d with other "
                  "numbers, %d in another shape; the library crashed on %d, died "
                  "on %d, hung on %d\n",
                  t->what, (long long)files, count[REFUSED], count[SAME],
                  count[CHANGED], count[SHAPE], count[CRASHED], count[DIED],
                  count[HUNG]);
    assert_int_equal(count[SILENT] + count[DIED] + count[HUNG] + count[SHAPE], 0);
}

static int64_t wanted_files(void)
{
    const char *const text = getenv("FLOTILLA_DAMAGED_FILES");
    return text ? atoll(text) : FILES;
}

static void test_damaged_files(void **state)
{
    (void)state;
    const scratch_layout contiguous = {.chunk = {0}}, compact = {.compact = 1};
    const scratch_layout chunked = {.chunk = {64, COLUMNS}};
    const scratch_layout deflate = {.chunk = {64, COLUMNS}, .deflate = 3};
    const scratch_layout narrow = {.chunk = {64, 4}, .deflate = 3};
    const template templates[] = {
        {"contiguous", H5T_IEEE_F32LE, contiguous, false},
        {"contiguous, latest", H5T_IEEE_F32LE, contiguous, true},
        {"big-endian", H5T_STD_I16BE, contiguous, false},
        {"chunked", H5T_IEEE_F64LE, chunked, false},
        {"deflate", H5T_IEEE_F32LE, deflate, false},
        {"deflate, latest", H5T_STD_U8LE, narrow, true},
        {"compact", H5T_IEEE_F32LE, compact, false},
    };
    for (size_t i = 0; i < sizeof templates / sizeof *templates; i++)
        try_template(&templates[i], wanted_files());
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_damaged_files)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
