/* The network, asked by a connection to a port that nobody serves. */
#include "comm/watch_reach.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DISCARD_PORT = 9, ANSWER_MILLISECONDS = 2000 };

void flo_watch_addresses(flo_watch_record *r)
{
    struct ifaddrs *all;
    r->addresses = 0;
    if (getifaddrs(&all) != 0)
        return;
    for (const struct ifaddrs *a = all; a && r->addresses < FLO_WATCH_ADDRESSES;
         a = a->ifa_next) {
        if (!a->ifa_addr || a->ifa_addr->sa_family != AF_INET ||
            (a->ifa_flags & IFF_LOOPBACK) || !(a->ifa_flags & IFF_UP))
            continue;
        struct sockaddr_in address;
        memcpy(&address, a->ifa_addr, sizeof address);
        r->address[r->addresses++] = address.sin_addr.s_addr;
    }
    freeifaddrs(all);
}

/* The error of a connection once it is settled: 0 and ECONNREFUSED are answers. */
static int settled(int connection)
{
    struct pollfd wait = {.fd = connection, .events = POLLOUT};
    int error = 0;
    socklen_t size = sizeof error;
    if (poll(&wait, 1, ANSWER_MILLISECONDS) <= 0)
        return ETIMEDOUT;
    return getsockopt(connection, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error
                                                                            : errno;
}

static int ask(uint32_t address)
{
    const int connection =
        socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (connection < 0)
        return 0; /* for want of files or rights: that tells nothing of the host */
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(DISCARD_PORT),
                             .sin_addr.s_addr = address};
    int error = 0;
    if (connect(connection, (const struct sockaddr *)&to, sizeof to) != 0)
        error = errno == EINPROGRESS ? settled(connection) : errno;
    close(connection);
    return error == ECONNREFUSED ? 0 : error;
}

static bool is_own(const flo_watch_record *own, uint32_t address)
{
    for (int i = 0; i < own->addresses; i++)
        if (own->address[i] == address)
            return true;
    return false;
}

bool flo_watch_reaches(const flo_watch_record *other, char *reason, size_t size)
{
    flo_watch_record own = {.rank = 0};
    bool asked = false;
    flo_watch_addresses(&own);
    for (int i = 0; i < other->addresses && i < FLO_WATCH_ADDRESSES; i++) {
        if (is_own(&own, other->address[i]))
            continue;
        const int error = ask(other->address[i]);
        if (!error)
            return true;
        char text[INET_ADDRSTRLEN] = "";
        const struct in_addr address = {.s_addr = other->address[i]};
        inet_ntop(AF_INET, &address, text, sizeof text);
        snprintf(reason, size, "%s: %s", text, strerror(error));
        asked = true;
    }
    return !asked;
}
