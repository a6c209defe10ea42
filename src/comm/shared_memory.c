/* Shared memory without a name: the first rank of a host makes it, the others open it
   by way of that process's files. Unlike a window of MPI it is bounded by no file
   system (/dev/shm of a container has 64 MB), and nothing of it can be left behind. */
#include "comm/shared_memory.h"
#include "comm/comm_private.h"
#include "comm/hosts.h"
#include "core/integers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 4 << 20 };   /* bytes claimed at a time */
enum { MESSAGE = 1 << 18 }; /* bytes copied at a time */

struct flo_shared_memory {
    flo_context *context; /* borrowed */
    int64_t bytes;
    void *at;
    int file; /* -1: plain memory */
};

/* What the first rank tells the others. */
typedef struct origin {
    int process, file, error; /* of errno; 0: made */
    dev_t device;             /* what the file is known by */
    ino_t inode;
} origin;

/* ftruncate, without the signal by which one past `ulimit -f` ends a process. */
static bool resize(int file, int64_t bytes)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
        (uint64_t)bytes > limit.rlim_cur) {
        errno = EFBIG;
        return false;
    }
    return ftruncate(file, bytes) == 0;
}

static origin make(int64_t bytes)
{
    struct stat known = {0};
    const int file = memfd_create("flotilla", MFD_CLOEXEC);
    const bool made = file >= 0 && resize(file, bytes) && fstat(file, &known) == 0;
    return (origin){(int)getpid(), file, made ? 0 : errno, known.st_dev, known.st_ino};
}

/* -1 with errno. In containers the same number can be another process, and its file one
   that nobody may write to. */
static int open_other(const origin *from)
{
    char path[64];
    struct stat found;
    snprintf(path, sizeof path, "/proc/%d/fd/%d", from->process, from->file);
    const int file = open(path, O_RDWR | O_CLOEXEC);
    if (file < 0 || (fstat(file, &found) == 0 && found.st_dev == from->device &&
                     found.st_ino == from->inode))
        return file;
    close(file);
    errno = ENOENT;
    return -1;
}

static int open_file(const origin *from, bool made_it)
{
    if (made_it)
        return from->file;
    return from->error ? -1 : open_other(from);
}

static flo_status failed(const flo_shared_memory *memory, const char *what, int error)
{
    return flo_fail(memory->context, FLO_ERROR_FILE,
                    "the ranks of a host cannot share %lld bytes of memory: %s: %s; "
                    "with comm.shared_ranks: 1 they send messages instead",
                    (long long)memory->bytes, what, strerror(error));
}

/* Every rank of the host comes here; none leaves before all have opened the memory, so
   that the one that made it is there. */
static flo_status map(flo_comm *comm, flo_shared_memory *memory)
{
    origin from = {0};
    if (comm->hosts.rank == 0)
        from = make(memory->bytes);
    flo_comm_check(comm,
                   MPI_Bcast(&from, (int)sizeof from, MPI_BYTE, 0, comm->hosts.local),
                   "MPI_Bcast");
    memory->file = open_file(&from, comm->hosts.rank == 0);
    const int error = errno;
    flo_comm_check(comm, MPI_Barrier(comm->hosts.local), "MPI_Barrier");
    if (from.error)
        return failed(memory, "memfd_create and ftruncate", from.error);
    if (memory->file < 0)
        return failed(memory, "opening that of another process", error);
    void *const at = mmap(NULL, (size_t)memory->bytes, PROT_READ | PROT_WRITE,
                          MAP_SHARED, memory->file, 0);
    if (at == MAP_FAILED)
        return failed(memory, "mmap", errno);
    memory->at = at;
#ifdef MADV_HUGEPAGE /* given where .../transparent_hugepage/shmem_enabled allows */
    madvise(at, (size_t)memory->bytes, MADV_HUGEPAGE);
#endif
    return FLO_OK;
}

static void release(flo_shared_memory *memory)
{
    if (memory->file < 0) {
        flo_free(memory->context, &memory->at);
        return;
    }
    if (memory->at)
        munmap(memory->at, (size_t)memory->bytes);
    close(memory->file);
}

static flo_status create(flo_comm *comm, flo_context *context, int64_t bytes,
                         flo_shared_memory **memory)
{
    flo_shared_memory made = {.context = context, .bytes = bytes, .file = -1};
    flo_status status = comm->hosts.size == 1
                            ? flo_allocate(context, bytes, 1, &made.at)
                            : map(comm, &made);
    if (status == FLO_OK)
        status = flo_allocate(context, 1, sizeof **memory, memory);
    if (status == FLO_OK)
        **memory = made;
    else
        release(&made);
    return status;
}

flo_status flo_shared_memory_create(flo_comm *comm, flo_context *context, int64_t bytes,
                                    flo_shared_memory **memory)
{
    *memory = NULL;
    flo_comm_waits(comm, FLO_WAIT_MEETING);
    flo_status status = create(comm, context, bytes, memory);
    flo_comm_waits(comm, FLO_WAIT_NONE);
    status = flo_comm_agree(comm, context, status);
    if (status != FLO_OK)
        flo_shared_memory_destroy(memory);
    return status;
}

void flo_shared_memory_destroy(flo_shared_memory **memory)
{
    if (!*memory)
        return;
    release(*memory);
    flo_free((*memory)->context, memory);
}

void *flo_shared_memory_at(const flo_shared_memory *memory)
{
    return memory->at;
}

/* A signal ends a call and gives back what it took: each takes some milliseconds, so
   that it comes to an end between the signals of a profiler. 0, or errno. */
static int allocate(int file, int64_t first, int64_t last)
{
    while (first < last) {
        const int64_t bytes = flo_lesser(PIECE, last - first);
        if (fallocate(file, 0, first, bytes) == 0)
            first += bytes;
        else if (errno != EINTR)
            return errno == EOPNOTSUPP ? 0 : errno;
    }
    return 0;
}

flo_status flo_shared_memory_claim(flo_shared_memory *memory, int64_t first,
                                   int64_t bytes)
{
    const int error =
        memory->file < 0 ? 0 : allocate(memory->file, first, first + bytes);
    if (!error)
        return FLO_OK;
    return flo_fail(memory->context, FLO_ERROR_MEMORY,
                    "out of memory: %lld bytes that ranks of a host share were asked "
                    "for (%s); use fewer rows a batch, less data.memory or more ranks",
                    (long long)bytes, strerror(error));
}

/* The first rank of a host fills its memory; the others take part in what comes from
   rank 0, and drop it. */
static void copy_to_hosts(flo_comm *comm, const void *bytes, int64_t size, char *to)
{
    char dropped[MESSAGE];
    const bool fills = flo_host_rank(comm) == 0;
    if (flo_comm_rank(comm) == 0)
        memcpy(to, bytes, (size_t)size);
    for (int64_t at = 0; at < size; at += MESSAGE)
        flo_comm_broadcast(comm, fills ? to + at : dropped,
                           flo_lesser(MESSAGE, size - at));
}

flo_status flo_shared_memory_copy(flo_comm *comm, flo_context *context,
                                  const void *bytes, int64_t size,
                                  flo_shared_memory **memory)
{
    FLO_TRY(flo_shared_memory_create(comm, context, size, memory));
    flo_status status = FLO_OK;
    if (flo_host_rank(comm) == 0)
        status = flo_shared_memory_claim(*memory, 0, size);
    status = flo_comm_agree(comm, context, status);
    if (status != FLO_OK) {
        flo_shared_memory_destroy(memory);
        return status;
    }
    copy_to_hosts(comm, bytes, size, flo_shared_memory_at(*memory));
    return flo_comm_agree(comm, context, FLO_OK); /* the others wait for the first */
}
