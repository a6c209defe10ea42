/* A signal is remembered; a second SIGINT ends the process. */
#include "run/signals.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static void each_signal_is_remembered(void **state)
{
    (void)state;
    static const int signals[] = {SIGTERM, SIGINT, SIGUSR1, SIGUSR2};
    flo_signals_install();
    assert_int_equal(flo_signals_pending(), 0);
    for (int i = 0; i < 4; i++) {
        raise(signals[i]);
        assert_int_equal(flo_signals_pending(), signals[i]);
        flo_signals_clear();
        assert_int_equal(flo_signals_pending(), 0);
    }
}

static void the_first_one_counts(void **state)
{
    (void)state;
    flo_signals_install();
    flo_signals_clear();
    raise(SIGUSR1);
    raise(SIGTERM);
    raise(SIGTERM);
    raise(SIGINT);
    assert_int_equal(flo_signals_pending(), SIGUSR1);
    flo_signals_clear();
}

/* The wait status of a child that raises `first`, then `second`, then exits with 3. */
static int child(int first, int second)
{
    const pid_t pid = fork();
    if (pid == 0) {
        flo_signals_install();
        flo_signals_clear();
        raise(first);
        if (flo_signals_pending() != first)
            _exit(4);
        raise(second);
        _exit(3);
    }
    int status = -1;
    waitpid(pid, &status, 0);
    return status;
}

static void a_second_interrupt_ends_the_process(void **state)
{
    (void)state;
    const int twice = child(SIGINT, SIGINT);
    assert_true(WIFSIGNALED(twice) && WTERMSIG(twice) == SIGINT);
    const int other = child(SIGTERM, SIGINT);
    assert_true(WIFEXITED(other) && WEXITSTATUS(other) == 3);
    const int after = child(SIGINT, SIGTERM);
    assert_true(WIFEXITED(after) && WEXITSTATUS(after) == 3);
    const int again = child(SIGTERM, SIGTERM);
    assert_true(WIFEXITED(again) && WEXITSTATUS(again) == 3);
}

static void a_file_that_grows_too_large_is_no_death(void **state)
{
    (void)state;
    flo_signals_install();
    raise(SIGXFSZ);
    assert_int_equal(flo_signals_pending(), 0);
}

/* A read that a signal interrupts goes on. */
static void system_calls_are_restarted(void **state)
{
    (void)state;
    int ends[2];
    flo_signals_install();
    flo_signals_clear();
    assert_int_equal(pipe(ends), 0);
    const pid_t pid = fork();
    if (pid == 0) {
        const struct timespec pause = {.tv_nsec = 50 * 1000 * 1000};
        nanosleep(&pause, NULL);
        kill(getppid(), SIGUSR2);
        nanosleep(&pause, NULL);
        _exit(write(ends[1], "x", 1) != 1);
    }
    char byte = 0;
    const ssize_t got = read(ends[0], &byte, 1);
    assert_int_equal(got, 1);
    assert_int_equal(flo_signals_pending(), SIGUSR2);
    waitpid(pid, NULL, 0);
    close(ends[0]);
    close(ends[1]);
    flo_signals_clear();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_signal_is_remembered),
        cmocka_unit_test(the_first_one_counts),
        cmocka_unit_test(a_second_interrupt_ends_the_process),
        cmocka_unit_test(a_file_that_grows_too_large_is_no_death),
        cmocka_unit_test(system_calls_are_restarted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
