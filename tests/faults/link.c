/*
 * Carries packets between two TUN devices as a long line does: late, with losses, or not at all.
 *
 * Arguments: the descriptors of both devices, and a file that is shared in memory with the harness, which sets
 * delay, jitter and loss there and reads the counters. Layout: network.py. Packets keep their order.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum { PACKETS = 4096, BYTES = 2048, MILLION = 1000000 };

struct control {
    volatile int32_t delay;  /* microseconds */
    volatile int32_t jitter; /* microseconds more or less */
    volatile int32_t loss;   /* of a million packets */
    volatile int32_t late;   /* packets that were delayed */
    volatile int32_t lost;   /* packets that were dropped */
};

struct packet {
    int64_t due; /* microseconds, monotonic */
    size_t length;
    char data[BYTES];
};

struct line {
    int from, to;
    unsigned first, count;
    int64_t last_due;
    struct packet packets[PACKETS];
};

static struct line lines[2];

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * MILLION + time.tv_nsec / 1000;
}

/* Take what a device has sent. */
static void take(struct line *line, struct control *control)
{
    char spill[BYTES];
    for (;;) {
        int full = line->count == PACKETS;
        struct packet *packet = &line->packets[(line->first + line->count) % PACKETS];
        ssize_t length = read(line->from, full ? spill : packet->data, BYTES);
        if (length <= 0)
            return;
        if (full || random() % MILLION < control->loss) {
            control->lost++;
            continue;
        }
        int64_t due = now() + control->delay;
        if (control->jitter)
            due += random() % (2 * control->jitter + 1) - control->jitter;
        if (due < line->last_due)
            due = line->last_due;
        control->late += control->delay > 0;
        packet->due = line->last_due = due;
        packet->length = (size_t)length;
        line->count++;
    }
}

/* Give the other device what is due; a device that is down takes nothing, and its packets are gone. */
static void give(struct line *line, struct control *control)
{
    while (line->count && line->packets[line->first].due <= now()) {
        struct packet *packet = &line->packets[line->first];
        if (write(line->to, packet->data, packet->length) < 0)
            control->lost++;
        line->first = (line->first + 1) % PACKETS;
        line->count--;
    }
}

static int64_t wait_for(const struct line *line)
{
    return line->count ? line->packets[line->first].due : INT64_MAX;
}

int main(int count, char **arguments)
{
    if (count != 4)
        return 2;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int file = open(arguments[3], O_RDWR | O_CLOEXEC);
    struct control *control = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (file < 0 || control == MAP_FAILED)
        return 1;
    for (int i = 0; i < 2; i++) {
        lines[i].from = atoi(arguments[1 + i]);
        lines[i].to = atoi(arguments[2 - i]);
        fcntl(lines[i].from, F_SETFL, O_NONBLOCK);
    }
    for (;;) {
        struct pollfd ends[2] = {{lines[0].from, POLLIN, 0}, {lines[1].from, POLLIN, 0}};
        int64_t due = wait_for(&lines[0]) < wait_for(&lines[1]) ? wait_for(&lines[0]) : wait_for(&lines[1]);
        int64_t left = due == INT64_MAX ? MILLION : due - now();
        if (left < 0)
            left = 0;
        struct timespec patience = {left / MILLION, left % MILLION * 1000};
        if (ppoll(ends, 2, &patience, NULL) < 0 && errno != EINTR)
            return 1;
        for (int i = 0; i < 2; i++) {
            take(&lines[i], control);
            give(&lines[i], control);
        }
    }
}
