/*
 * Fails, kills or hangs a process at a chosen system call. Preloaded into Mailmill's processes by tests only.
 *
 * MAILMILL_FAULT_CONTROL names a file with a few rules that harness and process share in memory: the harness
 * arms a rule, the process counts matching calls down and acts at the last one. Layout: shim.py.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { CREATE = 1, WRITE, FSYNC, RENAME, UNLINK, SEND, DATASYNC, TRUNCATE };
enum { KILL_BEFORE = -1, KILL_AFTER = -2, CRASH = -3, SPIN = -4, HANG = -5, EXHAUST = -6, KILL_WITHIN = -7, FULL = -8 };
enum { RULES = 8 };

struct rule {
    volatile int32_t call;      /* 0: not armed */
    volatile int32_t countdown; /* acts when it reaches 0 */
    volatile int32_t action;    /* an errno, or one of the above */
    volatile int32_t repeat;    /* goes on acting afterwards */
    volatile int32_t fired;
    volatile int32_t port;      /* SEND: the other end's port; 0: any */
    volatile int32_t marker_length;
    char where[196];            /* what the path, or the socket's path, must contain */
    char marker[64];            /* what the data must contain */
};

struct control {
    struct rule rules[RULES];
    volatile int32_t clock_offset; /* seconds by which the wall clock is wrong */
};

static struct rule *rules;
static struct control *control;

__attribute__((constructor)) static void shim_start(void)
{
    const char *path = getenv("MAILMILL_FAULT_CONTROL");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *shared = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (shared == MAP_FAILED)
        return;
    control = shared;
    rules = control->rules;
}

static void *next(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

/* Return the action that is due for a call, or 0. */
static int due(int call, const char *path, int port, const void *data, size_t length)
{
    for (int i = 0; rules && i < RULES; i++) {
        struct rule *rule = &rules[i];
        if (rule->call != call)
            continue;
        if (rule->port && rule->port != port)
            continue;
        if (rule->where[0] && (!path || !strstr(path, rule->where)))
            continue;
        if (rule->marker_length && !memmem(data, length, rule->marker, (size_t)rule->marker_length))
            continue;
        int left = __sync_sub_and_fetch(&rule->countdown, 1);
        if (left == 0 || (left < 0 && rule->repeat)) {
            __sync_add_and_fetch(&rule->fired, 1);
            return rule->action;
        }
    }
    return 0;
}

/* Take all memory that the limit of this process leaves, and keep it, as a leak would. */
static void exhaust(void)
{
    for (size_t size = (size_t)1 << 28; size >= 4096; size /= 2)
        while (mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED)
            ;
    for (size_t size = (size_t)1 << 20; size >= 1024; size /= 2)
        for (void *volatile block = malloc(size); block; block = malloc(size))
            ;
}

/* Do what is due before a call; return whether the call shall fail, with errno set. */
static int before(int action)
{
    if (action == KILL_BEFORE)
        kill(getpid(), SIGKILL);
    if (action == CRASH)
        kill(getpid(), SIGSEGV);
    if (action == SPIN)
        for (;;)
            ;
    if (action == HANG)
        for (;;)
            pause();
    if (action == EXHAUST)
        exhaust();
    if (action > 0)
        errno = action;
    return action > 0;
}

static void after(int action)
{
    int kept = errno;
    if (action == KILL_AFTER)
        kill(getpid(), SIGKILL);
    errno = kept;
}

static int armed(int call)
{
    for (int i = 0; rules && i < RULES; i++)
        if (rules[i].call == call)
            return 1;
    return 0;
}

static const char *path_of(int fd, char *buffer, size_t size)
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, buffer, size - 1);
    if (length < 0)
        return NULL;
    buffer[length] = 0;
    return buffer;
}

/* The port at the other end of a socket, and in `path` the name of a unix socket at either end. */
static int socket_of(int fd, char *path)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    path[0] = 0;
    if (getpeername(fd, (struct sockaddr *)&address, &length))
        return -1;
    if (address.ss_family == AF_INET)
        return ntohs(((struct sockaddr_in *)&address)->sin_port);
    if (address.ss_family == AF_UNIX) {
        struct sockaddr_un *name = (struct sockaddr_un *)&address;
        if (length <= sizeof(sa_family_t) || !name->sun_path[0]) {
            length = sizeof address;
            if (getsockname(fd, (struct sockaddr *)&address, &length) || length <= sizeof(sa_family_t))
                return 0;
        }
        memcpy(path, name->sun_path, sizeof name->sun_path);
        path[sizeof name->sun_path - 1] = 0;
        return 0;
    }
    return -1;
}

static int due_on_socket(int fd, const void *data, size_t length)
{
    char path[sizeof(struct sockaddr_un)];
    if (!armed(SEND))
        return 0;
    int port = socket_of(fd, path);
    return port < 0 ? 0 : due(SEND, path, port, data, length);
}

static int due_on_file(int call, int fd, const void *data, size_t length)
{
    char path[4096];
    const char *name = armed(call) ? path_of(fd, path, sizeof path) : NULL;
    return name && name[0] == '/' ? due(call, name, 0, data, length) : 0;
}

#define ACT(action, result, invocation)     \
    if (before(action))                     \
        return -1;                          \
    result = invocation;                    \
    after(action);                          \
    return result

ssize_t write(int fd, const void *data, size_t length)
{
    static ssize_t (*real)(int, const void *, size_t);
    if (!real)
        *(void **)&real = next("write");
    int action = due_on_file(WRITE, fd, data, length);
    if (!action)
        action = due_on_socket(fd, data, length);
    ssize_t done;
    ACT(action, done, real(fd, data, length));
}

/* Write at an offset; within it, only the first half reaches the file. */
static ssize_t written_at(const char *symbol, int fd, const void *data, size_t length, off64_t offset)
{
    ssize_t (*real)(int, const void *, size_t, off64_t);
    *(void **)&real = next(symbol);
    int action = due_on_file(WRITE, fd, data, length);
    if (action == KILL_WITHIN || action == FULL) {
        real(fd, data, length / 2, offset);
        if (action == KILL_WITHIN)
            kill(getpid(), SIGKILL);
        errno = ENOSPC;
        return -1;
    }
    ssize_t done;
    ACT(action, done, real(fd, data, length, offset));
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset)
{
    return written_at("pwrite", fd, data, length, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t length, off64_t offset)
{
    return written_at("pwrite64", fd, data, length, offset);
}

ssize_t writev(int fd, const struct iovec *pieces, int count)
{
    static ssize_t (*real)(int, const struct iovec *, int);
    if (!real)
        *(void **)&real = next("writev");
    int action = 0;
    if (armed(SEND)) {
        char start[256];
        size_t length = 0;
        for (int i = 0; i < count; i++) {
            size_t part = pieces[i].iov_len;
            if (part > sizeof start - length)
                part = sizeof start - length;
            memcpy(start + length, pieces[i].iov_base, part);
            length += part;
        }
        action = due_on_socket(fd, start, length);
    }
    ssize_t done;
    ACT(action, done, real(fd, pieces, count));
}

ssize_t send(int fd, const void *data, size_t length, int flags)
{
    static ssize_t (*real)(int, const void *, size_t, int);
    if (!real)
        *(void **)&real = next("send");
    int action = due_on_socket(fd, data, length);
    ssize_t done;
    ACT(action, done, real(fd, data, length, flags));
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    static int (*real)(clockid_t, struct timespec *);
    if (!real)
        *(void **)&real = next("clock_gettime");
    int done = real(clock, now);
    if (!done && control && clock == CLOCK_REALTIME)
        now->tv_sec += control->clock_offset;
    return done;
}

int fsync(int fd)
{
    static int (*real)(int);
    if (!real)
        *(void **)&real = next("fsync");
    int action = due_on_file(FSYNC, fd, "", 0), done;
    ACT(action, done, real(fd));
}

int fdatasync(int fd)
{
    static int (*real)(int);
    if (!real)
        *(void **)&real = next("fdatasync");
    int action = due_on_file(DATASYNC, fd, "", 0), done;
    ACT(action, done, real(fd));
}

static int truncated(const char *symbol, int fd, off64_t length)
{
    int (*real)(int, off64_t);
    *(void **)&real = next(symbol);
    int action = due_on_file(TRUNCATE, fd, "", 0), done;
    ACT(action, done, real(fd, length));
}

int ftruncate(int fd, off_t length)
{
    return truncated("ftruncate", fd, length);
}

int ftruncate64(int fd, off64_t length)
{
    return truncated("ftruncate64", fd, length);
}

int rename(const char *from, const char *to)
{
    static int (*real)(const char *, const char *);
    if (!real)
        *(void **)&real = next("rename");
    int action = due(RENAME, from, 0, "", 0), done;
    ACT(action, done, real(from, to));
}

int unlink(const char *path)
{
    static int (*real)(const char *);
    if (!real)
        *(void **)&real = next("unlink");
    int action = due(UNLINK, path, 0, "", 0), done;
    ACT(action, done, real(path));
}

static int opened(const char *symbol, const char *path, int flags, mode_t mode)
{
    int (*real)(const char *, int, mode_t);
    *(void **)&real = next(symbol);
    int action = flags & O_CREAT ? due(CREATE, path, 0, "", 0) : 0, done;
    ACT(action, done, real(path, flags, mode));
}

static mode_t mode_of(int flags, va_list rest)
{
    return flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0;
}

int open(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    mode_t mode = mode_of(flags, rest);
    va_end(rest);
    return opened("open", path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    mode_t mode = mode_of(flags, rest);
    va_end(rest);
    return opened("open64", path, flags, mode);
}
