/* One living holder at a time, by the kernel or by heartbeat; the dead never block. */
#include "run/lock.h"
#include "run/scratch.h"

#include <errno.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

/* File systems without locks. */
static int says_enolck(int file, int operation)
{
    (void)file, (void)operation;
    errno = ENOLCK;
    return -1;
}

static int says_enotsup(int file, int operation)
{
    (void)file, (void)operation;
    errno = ENOTSUP;
    return -1;
}

static int says_enosys(int file, int operation)
{
    (void)file, (void)operation;
    errno = ENOSYS;
    return -1;
}

static int says_eio(int file, int operation)
{
    (void)file, (void)operation;
    errno = EIO;
    return -1;
}

static const flo_lock_rules kernel = {flock, 0.04, 0.4};
static const flo_lock_rules hearts = {says_enolck, 0.04, 0.4};

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void pause_seconds(double length)
{
    const struct timespec pause = {.tv_nsec = (long)(length * 1e9)};
    nanosleep(&pause, NULL);
}

/* A child that takes the lock, says so, and holds it until it is killed. */
static pid_t holder(scratch *f, const flo_lock_rules *rules)
{
    int ends[2];
    char byte;
    assert_int_equal(pipe(ends), 0);
    const pid_t pid = fork();
    if (pid == 0) {
        flo_lock *lock;
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* not to outlive a test that fails */
        if (flo_lock_acquire(f->context, f->run, rules, &lock) != FLO_OK ||
            write(ends[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], &byte, 1), 1);
    close(ends[0]);
    return pid;
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/* What holds for both ways to lock. */
static void held_and_given_back(scratch *f, const flo_lock_rules *rules)
{
    flo_lock *lock, *other;
    char text[512], wanted[64];
    ok(flo_lock_acquire(f->context, f->run, rules, &lock));
    snprintf(wanted, sizeof wanted, "pid=%ld job=- restart=-", (long)getpid());
    assert_non_null(strstr(scratch_read(f->run, text, sizeof text), wanted));
    assert_false(flo_lock_lost(lock));
    snprintf(wanted, sizeof wanted, "another process is writing this run: pid %ld",
             (long)getpid());
    refused(FLO_ERROR_USAGE, flo_lock_acquire(f->context, f->run, rules, &other),
            wanted);
    assert_null(other);
    flo_lock_release(&lock);
    assert_null(lock);
    flo_lock_release(&lock);
    assert_string_equal(scratch_read(f->run, text, sizeof text), "");
    const double start = seconds();
    ok(flo_lock_acquire(f->context, f->run, rules, &lock));
    assert_true(seconds() - start < rules->silence_seconds / 2); /* no waiting */
    flo_lock_release(&lock);
}

static void one_holder_by_kernel(void **state)
{
    held_and_given_back(*state, &kernel);
}

static void one_holder_by_heartbeat(void **state)
{
    int (*const kernels[])(int, int) = {says_enolck, says_enotsup, says_enosys};
    for (int i = 0; i < 3; i++) {
        const flo_lock_rules rules = {kernels[i], 0.04, 0.4};
        held_and_given_back(*state, &rules);
    }
}

static void other_failures_are_reported(void **state)
{
    scratch *const f = *state;
    const flo_lock_rules broken = {says_eio, 0.04, 0.4};
    flo_lock *lock;
    refused(FLO_ERROR_FILE, flo_lock_acquire(f->context, f->run, &broken, &lock),
            "flock: Input/output error");
    refused(FLO_ERROR_FILE,
            flo_lock_acquire(f->context, scratch_name(f, "no/lock"), &kernel, &lock),
            "open: No such file");
    for (int n = 1; n <= 2; n++) {
        f->context->fail_at = f->context->made + n;
        refused(FLO_ERROR_MEMORY, flo_lock_acquire(f->context, f->run, &kernel, &lock),
                "memory");
    }
}

static void a_living_process_blocks(scratch *f, const flo_lock_rules *rules)
{
    const pid_t pid = holder(f, rules);
    char wanted[32];
    snprintf(wanted, sizeof wanted, "pid %ld on host", (long)pid);
    flo_lock *lock;
    const flo_status status = flo_lock_acquire(f->context, f->run, rules, &lock);
    end(pid);
    refused(FLO_ERROR_USAGE, status, wanted);
    ok(flo_lock_acquire(f->context, f->run, rules, &lock));
    flo_lock_release(&lock);
}

/* A killed holder is no longer in the way: at once, or after its silence. */
static void only_the_living_block(void **state)
{
    a_living_process_blocks(*state, &kernel);
    a_living_process_blocks(*state, &hearts);
}

/* A holder on a host that is gone: what it signed stands in the file for ever. */
static void a_silent_holder_is_dead(void **state)
{
    scratch *const f = *state;
    flo_lock *lock;
    scratch_write(f->run, "host=gone pid=1 job=- restart=- beat=1700000000000\n");
    const double start = seconds();
    ok(flo_lock_acquire(f->context, f->run, &hearts, &lock));
    assert_true(seconds() - start > hearts.silence_seconds / 2);
    flo_lock_release(&lock);
}

/* Two come upon a dead holder at a time: the other signs last, and has it. */
static void of_two_the_last_to_sign_has_it(void **state)
{
    scratch *const f = *state;
    const flo_lock_rules rules = {says_enolck, 0.8,
                                  0.1}; /* signs at 0.2, looks at 0.6 */
    flo_lock *lock;
    scratch_write(f->run, "host=gone pid=1 job=- restart=- beat=1700000000000\n");
    const pid_t other = fork();
    if (other == 0) {
        pause_seconds(0.4);
        scratch_write(f->run, "host=other pid=7 job=- restart=- beat=1700000000000\n");
        _exit(0);
    }
    refused(FLO_ERROR_USAGE, flo_lock_acquire(f->context, f->run, &rules, &lock),
            "pid 7 on host other");
    waitpid(other, NULL, 0);
}

/* flock, but the first time the file is removed just before: another process moved the
   run aside. */
static int moved_away(int file, int operation)
{
    char link[64], path[256] = "", mark[300];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    assert_true(readlink(link, path, sizeof path - 1) > 0);
    snprintf(mark, sizeof mark, "%s.moved", path);
    if (!scratch_exists(mark)) {
        scratch_write(mark, "");
        unlink(path);
    }
    return flock(file, operation);
}

static void a_lock_on_a_moved_file_is_none(void **state)
{
    scratch *const f = *state;
    const flo_lock_rules rules = {moved_away, 0.04, 0.4};
    flo_lock *lock, *other;
    ok(flo_lock_acquire(f->context, f->run, &rules, &lock));
    assert_true(scratch_exists(f->run));
    assert_false(flo_lock_lost(lock));
    refused(FLO_ERROR_USAGE, flo_lock_acquire(f->context, f->run, &kernel, &other),
            "another process");
    flo_lock_release(&lock);
}

/* A job that Slurm started again takes the run over from what is left of it. */
static void an_earlier_start_of_the_job(scratch *f, const flo_lock_rules *rules)
{
    flo_lock *left, *lock;
    char before[512], after[512];
    setenv("SLURM_JOB_ID", "77", 1);
    unsetenv("SLURM_RESTART_COUNT");
    ok(flo_lock_acquire(f->context, f->run, rules, &left));
    setenv("SLURM_RESTART_COUNT", "1", 1);
    const double start = seconds();
    ok(flo_lock_acquire(f->context, f->run, rules, &lock));
    assert_true(seconds() - start < rules->silence_seconds / 2);
    assert_false(flo_lock_lost(lock));
    unsetenv("SLURM_JOB_ID");
    unsetenv("SLURM_RESTART_COUNT");
    if (rules->kernel == flock) { /* by heartbeat, both are this process */
        assert_true(flo_lock_lost(left));
        scratch_read(f->run, before, sizeof before);
        flo_lock_release(&left);
        assert_string_equal(scratch_read(f->run, after, sizeof after), before);
        assert_non_null(strstr(after, "job=77 restart=1"));
    }
    flo_lock_release(&left);
    flo_lock_release(&lock);
}

static void a_restarted_job_takes_over(void **state)
{
    an_earlier_start_of_the_job(*state, &kernel);
    an_earlier_start_of_the_job(*state, &hearts);
}

static void another_job_is_named(void **state)
{
    scratch *const f = *state;
    flo_lock *left, *lock;
    setenv("SLURM_JOB_ID", "77", 1);
    ok(flo_lock_acquire(f->context, f->run, &kernel, &left));
    setenv("SLURM_JOB_ID", "78", 1);
    refused(FLO_ERROR_USAGE, flo_lock_acquire(f->context, f->run, &kernel, &lock),
            "Slurm job 77");
    unsetenv("SLURM_JOB_ID");
    flo_lock_release(&left);
}

/* Within one start of a job a holder may be about to end: it is waited for, not for
   ever (four programs that each believe to be alone look just the same). */
static void the_same_start_is_waited_for(void **state)
{
    scratch *const f = *state;
    flo_lock *lock;
    setenv("SLURM_JOB_ID", "77", 1);
    const pid_t pid = holder(f, &kernel);
    refused(FLO_ERROR_USAGE, flo_lock_acquire(f->context, f->run, &kernel, &lock),
            "Slurm job 77");
    const pid_t killer = fork();
    if (killer == 0) {
        pause_seconds(0.1);
        _exit(kill(pid, SIGKILL));
    }
    ok(flo_lock_acquire(f->context, f->run, &kernel, &lock));
    flo_lock_release(&lock);
    waitpid(killer, NULL, 0);
    waitpid(pid, NULL, 0);
    unsetenv("SLURM_JOB_ID");
}

/* A holder whose file another host signed knows it, and leaves the file alone. */
static void a_lost_lock_is_noticed(void **state)
{
    scratch *const f = *state;
    const char *const foreign = "host=other pid=1 job=- restart=- beat=1700000000000\n";
    char text[512];
    flo_lock *lock;
    ok(flo_lock_acquire(f->context, f->run, &hearts, &lock));
    bool lost = false;
    for (int n = 0; n < 100 && !lost; n++) { /* a beat may come in between */
        scratch_write(f->run, foreign);
        pause_seconds(0.05);
        lost = flo_lock_lost(lock);
    }
    assert_true(lost);
    flo_lock_release(&lock);
    assert_string_equal(scratch_read(f->run, text, sizeof text), foreign);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(one_holder_by_kernel),
        SCRATCH_TEST(one_holder_by_heartbeat),
        SCRATCH_TEST(other_failures_are_reported),
        SCRATCH_TEST(only_the_living_block),
        SCRATCH_TEST(a_silent_holder_is_dead),
        SCRATCH_TEST(of_two_the_last_to_sign_has_it),
        SCRATCH_TEST(a_lock_on_a_moved_file_is_none),
        SCRATCH_TEST(a_restarted_job_takes_over),
        SCRATCH_TEST(another_job_is_named),
        SCRATCH_TEST(the_same_start_is_waited_for),
        SCRATCH_TEST(a_lost_lock_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
