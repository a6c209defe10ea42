/* Cores, limits and folders, as a machine made for the test has them. */
#include "run/cpus.h"
#include "run/directory_probe.h"
#include "run/machine.h"
#include "run/scratch.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* A file below the scratch folder, with the folders above it. */
static void put(scratch *f, const char *path, const char *text)
{
    char name[1024];
    snprintf(name, sizeof name, "%s%s", f->directory, path);
    for (char *slash = name + strlen(f->directory) + 1; (slash = strchr(slash, '/'));
         *slash++ = '/') {
        *slash = '\0';
        mkdir(name, 0755);
    }
    scratch_write(name, text);
}

static void the_least_limit_of_cgroups_2_holds(void **state)
{
    scratch *const f = *state;
    flo_machine m;
    put(f, "/proc/self/cgroup", "0::/slurm/job_7/step_0\n");
    put(f, "/sys/fs/cgroup/slurm/job_7/step_0/memory.max", "max\n");
    put(f, "/sys/fs/cgroup/slurm/job_7/memory.max", "4000000000\n");
    put(f, "/sys/fs/cgroup/slurm/memory.max", "9000000000\n");
    put(f, "/sys/fs/cgroup/slurm/job_7/step_0/cpu.max", "max 100000\n");
    put(f, "/sys/fs/cgroup/slurm/cpu.max", "150000 100000\n");
    put(f, "/proc/meminfo",
        "MemTotal:  1000 kB\nMemFree: 1 kB\nMemAvailable:   600 kB\n");
    flo_machine_look(f->directory, &m);
    assert_int_equal(m.memory_limit, 4000000000);
    assert_true(m.cores_worth == 1.5);
    assert_int_equal(m.memory, 1024000);
    assert_int_equal(m.memory_free, 614400);
    assert_int_equal(m.shared, -1);
}

static void limits_of_cgroups_1_are_read(void **state)
{
    scratch *const f = *state;
    flo_machine m;
    put(f, "/proc/self/cgroup",
        "5:cpuset:/set\n4:cpu,cpuacct:/a\n3:memory:/box\n1:name=systemd:/\n");
    put(f, "/sys/fs/cgroup/memory/box/memory.limit_in_bytes", "9223372036854771712\n");
    put(f, "/sys/fs/cgroup/memory/memory.limit_in_bytes", "8000000\n");
    put(f, "/sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "50000\n");
    put(f, "/sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000\n");
    put(f, "/sys/fs/cgroup/cpu/set/cpu.cfs_quota_us", "1\n");
    put(f, "/sys/fs/cgroup/cpu/set/cpu.cfs_period_us", "100000\n");
    flo_machine_look(f->directory, &m);
    assert_int_equal(m.memory_limit, 8000000);
    assert_true(m.cores_worth == 0.5);
}

static void without_limits_there_are_none(void **state)
{
    scratch *const f = *state;
    flo_machine m;
    put(f, "/proc/self/cgroup", "2:cpu:/\n1:memory:/\nnonsense\n");
    put(f, "/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
    put(f, "/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    flo_machine_look(f->directory, &m);
    assert_int_equal(m.memory_limit, INT64_MAX);
    assert_true(isinf(m.cores_worth));
    assert_int_equal(m.memory, -1);
    assert_true(m.cores >= 1);
    struct rlimit files;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
    assert_int_equal(m.open_files, files.rlim_cur);
}

static void cores_are_counted_compared_and_told(void **state)
{
    (void)state;
    char text[64];
    const flo_cpus none = {{0}}, some = {{0x10f, 1}}, more = {{0x30f, 3}},
                   high = {{0, 2}};
    assert_int_equal(flo_cpus_count(&none), 0);
    assert_int_equal(flo_cpus_count(&some), 6);
    assert_true(flo_cpus_within(&some, &more) && flo_cpus_within(&some, &some));
    assert_false(flo_cpus_within(&more, &some) || flo_cpus_within(&high, &some));
    assert_string_equal(flo_cpus_text(&none, text, sizeof text), "");
    assert_string_equal(flo_cpus_text(&some, text, sizeof text), "0-3,8,64");
    assert_string_equal(flo_cpus_text(&more, text, sizeof text), "0-3,8-9,64-65");
    assert_string_equal(flo_cpus_text(&some, text, 7), "0-3,8");
}

/* The cores of a team are those of its threads together, as the kernel says. */
static void a_team_has_the_cores_of_its_threads(void **state)
{
    (void)state;
    cpu_set_t set, one;
    assert_int_equal(sched_getaffinity(0, sizeof set, &set), 0);
    flo_cpus cpus = flo_cpus_of_team(3);
    assert_int_equal(flo_cpus_count(&cpus), CPU_COUNT(&set));
    int first = 0;
    while (!CPU_ISSET((size_t)first, &set))
        first++;
    CPU_ZERO(&one);
    CPU_SET((size_t)first, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    cpus = flo_cpus_of_team(1);
    assert_int_equal(flo_cpus_count(&cpus), 1);
    assert_int_equal(cpus.word[first / 64], UINT64_C(1) << first % 64);
    assert_int_equal(sched_setaffinity(0, sizeof set, &set), 0);
}

static void memory_of_another_process_is_read_or_refused(void **state)
{
    (void)state;
    static const uint64_t word = 7;
    assert_int_equal(flo_machine_read_process(getpid(), (uint64_t)(uintptr_t)&word), 0);
    assert_int_equal(flo_machine_read_process(getpid(), 8), EFAULT);
}

static int entries(const char *path)
{
    int count = 0;
    DIR *const folder = opendir(path);
    assert_non_null(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

static void a_good_folder_is_left_as_it_was(void **state)
{
    scratch *const f = *state;
    char missing[128];
    flo_directory_probe probe;
    snprintf(missing, sizeof missing, "%s/runs/none/yet", f->directory);
    const char *const paths[] = {f->directory, missing};
    for (int i = 0; i < 2; i++) {
        flo_directory_try(paths[i], &probe);
        assert_null(probe.failed);
        assert_string_equal(probe.path, f->directory);
        assert_true(probe.locks);
        assert_true(probe.flush_seconds > 0);
        assert_true(probe.free_bytes > 0);
        assert_int_equal(entries(f->directory), 2); /* . and .. */
    }
    flo_directory_try("none/here", &probe);
    assert_string_equal(probe.path, ".");
}

static void what_fails_is_named(void **state)
{
    (void)state;
    flo_directory_probe probe;
    flo_directory_try("/proc/none", &probe);
    assert_string_equal(probe.path, "/proc");
    assert_string_equal(probe.failed, "open");
    assert_true(probe.error != 0);
}

/* In a process that may not write files of more than 1 kB. */
static void a_failed_write_leaves_nothing(void **state)
{
    scratch *const f = *state;
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit small = {1024, 1024};
        flo_directory_probe probe;
        setrlimit(RLIMIT_FSIZE, &small);
        flo_directory_try(f->directory, &probe);
        _exit(probe.failed && strcmp(probe.failed, "write") == 0 && probe.error == EFBIG
                  ? 0
                  : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(entries(f->directory), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(the_least_limit_of_cgroups_2_holds),
        SCRATCH_TEST(limits_of_cgroups_1_are_read),
        SCRATCH_TEST(without_limits_there_are_none),
        cmocka_unit_test(cores_are_counted_compared_and_told),
        cmocka_unit_test(a_team_has_the_cores_of_its_threads),
        cmocka_unit_test(memory_of_another_process_is_read_or_refused),
        SCRATCH_TEST(a_good_folder_is_left_as_it_was),
        SCRATCH_TEST(what_fails_is_named),
        SCRATCH_TEST(a_failed_write_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
