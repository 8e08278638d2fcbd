/* http_io.c - the bytes of a connection. */
#include <errno.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include "base/fault.h"
#include "net/http_internal.h"

ssize_t conn_recv(Conn *c, void *bytes, size_t n)
{
    if (c->pushback.len > 0) {
        size_t take = n < c->pushback.len ? n : c->pushback.len;
        memcpy(bytes, c->pushback.data, take);
        buf_consume(&c->pushback, take);
        if (c->pushback.len == 0)
            buf_free(&c->pushback);
        return (ssize_t)take;
    }
    if (fault_point("net.http.recv", NULL)) {
        errno = ECONNRESET;
        return -1;
    }
    ssize_t got;
    do
        got = recv(c->fd, bytes, n, 0);
    while (got < 0 && errno == EINTR);
    return got;
}

ssize_t conn_read(Conn *c, void *bytes, size_t n)
{
    bool from_socket = c->pushback.len == 0;
    ssize_t got = conn_recv(c, bytes, n);
    bool drained = got < 0 ? errno == EAGAIN : (size_t)got < n && !c->half_closed;
    if (from_socket && drained)
        atomic_store(&c->readable, false);
    return got;
}

void conn_pushback(Conn *c, const char *bytes, size_t n)
{
    c->pushback.max = 2 * HTTP_LOOP_BYTES;
    if (c->pushback.len > 0) {      /* in front of what is there */
        Buf joined = BUF_INIT(2 * HTTP_LOOP_BYTES);
        buf_append(&joined, bytes, n);
        buf_add(&joined, buf_str(&c->pushback));
        buf_free(&c->pushback);
        c->pushback = joined;
    } else {
        buf_append(&c->pushback, bytes, n);
    }
    if (c->pushback.overflow)
        atomic_store(&c->dead, true);
    atomic_store(&c->readable, true);
}

ssize_t conn_sendv(Conn *c, const struct iovec *parts, int n_parts, bool more)
{
    if (fault_point("net.http.send", NULL)) {
        errno = ECONNRESET;
        return -1;
    }
    int flags = MSG_NOSIGNAL | (more ? MSG_MORE : 0);
    ssize_t sent;
    do {
        if (n_parts == 1) {
            sent = send(c->fd, parts[0].iov_base, parts[0].iov_len, flags);
        } else {
            struct msghdr message = { .msg_iov = (struct iovec *)parts, .msg_iovlen = (size_t)n_parts };
            sent = sendmsg(c->fd, &message, flags);
        }
    } while (sent < 0 && errno == EINTR);
    return sent;
}

ssize_t conn_sendfile(Conn *c, int file, int64_t offset, size_t n)
{
    if (fault_point("net.http.send", NULL)) {
        errno = ECONNRESET;
        return -1;
    }
    off_t at = offset;
    ssize_t sent;
    do
        sent = sendfile(c->fd, file, &at, n);
    while (sent < 0 && errno == EINTR);
    return sent;
}
