/* http_util.c - ranges, entity tags, status texts, listening sockets. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fs.h"
#include "net/http_internal.h"

/* RFC 9110, 14.1.2. A malformed or multiple range is ignored, one that cannot be satisfied is an error. */
int http_parse_range(Str header, int64_t size, int64_t *ret_from, int64_t *ret_to, Error *err)
{
    Str prefix = STR("bytes=");
    if (!header.ptr || header.len < prefix.len || !str_eq_nocase(str_slice(header, 0, prefix.len), prefix))
        return 1;
    Str last, first = str_cut(str_trim(str_slice(header, prefix.len, header.len)), '-', &last);
    int64_t from, to = INT64_MAX;
    if (!last.ptr || (first.len == 0 && last.len == 0))
        return 1;
    if (last.len > 0 && str_to_i64(last, 0, INT64_MAX, &to, NULL) != 0)
        return 1;
    if (first.len > 0) {
        if (str_to_i64(first, 0, INT64_MAX, &from, NULL) != 0 || from > to)
            return 1;
    } else {
        from = to < size ? size - to : 0;
        if (to == 0)
            from = size;
        to = INT64_MAX;
    }
    if (from >= size)
        return err_set(err, ERR_INVALID_RANGE, "range %.*s does not overlap the %lld bytes that there are",
                       STR_ARG(header), (long long)size);
    *ret_from = from;
    *ret_to = to < size ? to : size - 1;
    return 0;
}

bool http_etag_matches(Str header, Str etag)
{
    Str rest = header;
    while (rest.ptr && rest.len > 0) {
        rest = str_trim(rest);
        if (rest.len > 0 && rest.ptr[0] == '*')
            return true;
        if (rest.len > 1 && rest.ptr[0] == 'W' && rest.ptr[1] == '/')
            rest = str_slice(rest, 2, rest.len);
        Str tag;
        if (rest.len > 0 && rest.ptr[0] == '"') {       /* a quoted tag may hold commas */
            tag = str_cut(str_slice(rest, 1, rest.len), '"', &rest);
            if (rest.ptr)
                str_cut(rest, ',', &rest);
        } else {
            tag = str_trim(str_cut(rest, ',', &rest));
        }
        if (str_eq(tag, etag))
            return true;
    }
    return false;
}

int http_require_json(const HttpRequest *r, Error *err)
{
    Str rest, type = http_header(r, "Content-Type");
    Str media = type.ptr ? str_trim(str_cut(type, ';', &rest)) : STR("");
    if (str_eq_nocase(media, STR("application/json")))
        return 0;
    return err_set(err, ERR_UNSUPPORTED_MEDIA_TYPE, "Content-Type is \"%.*s\", application/json is expected",
                   STR_ARG(media));
}

const char *http_status_text(int status)
{
    static const struct { int status; const char *text; } texts[] = {
        { 200, "OK" }, { 201, "Created" }, { 202, "Accepted" }, { 204, "No Content" },
        { 206, "Partial Content" }, { 301, "Moved Permanently" }, { 302, "Found" }, { 303, "See Other" },
        { 304, "Not Modified" }, { 307, "Temporary Redirect" }, { 308, "Permanent Redirect" },
        { 400, "Bad Request" }, { 401, "Unauthorized" }, { 403, "Forbidden" }, { 404, "Not Found" },
        { 405, "Method Not Allowed" }, { 406, "Not Acceptable" }, { 408, "Request Timeout" },
        { 409, "Conflict" }, { 410, "Gone" }, { 411, "Length Required" }, { 412, "Precondition Failed" },
        { 413, "Content Too Large" }, { 414, "URI Too Long" }, { 415, "Unsupported Media Type" },
        { 416, "Range Not Satisfiable" }, { 417, "Expectation Failed" }, { 421, "Misdirected Request" },
        { 422, "Unprocessable Content" }, { 428, "Precondition Required" }, { 429, "Too Many Requests" },
        { 431, "Request Header Fields Too Large" }, { 499, "Client Closed Request" },
        { 500, "Internal Server Error" }, { 501, "Not Implemented" }, { 502, "Bad Gateway" },
        { 503, "Service Unavailable" }, { 504, "Gateway Timeout" }, { 505, "HTTP Version Not Supported" },
        { 507, "Insufficient Storage" },
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i].status == status)
            return texts[i].text;
    return "Unknown";
}

/* ---- listening ---- */

static int bind_and_listen(int fd, const struct sockaddr *address, socklen_t size, const char *what,
                           Error *err)
{
    if (bind(fd, address, size) < 0 || listen(fd, HTTP_BACKLOG) < 0)
        return err_set_errno(
            err, errno == EADDRINUSE || errno == EACCES || errno == EADDRNOTAVAIL ? ERR_CONFIG : ERR_IO,
            errno, "cannot listen on %s", what);
    return 0;
}

int http_listen_tcp(Str host, int port, int *ret_fd, int *ret_port, Error *err)
{
    char name[64] = "127.0.0.1", what[96];
    if (host.len >= sizeof name || port < 0 || port > 65535)
        return err_set(err, ERR_CONFIG, "no address to listen on: %.*s port %d", STR_ARG(host), port);
    if (host.len > 0 && !str_is(host, "localhost")) {
        memcpy(name, host.ptr, host.len);
        name[host.len] = '\0';
    }
    struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
    bool is_v4 = inet_pton(AF_INET, name, &v4.sin_addr) == 1;
    if (!is_v4 && inet_pton(AF_INET6, name, &v6.sin6_addr) != 1)
        return err_set(err, ERR_CONFIG, "\"%s\" is no IP address to listen on", name);
    _cleanup_close_ int fd =
        socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_set_errno(err, ERR_IO, errno, "no socket for %s", name);
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);       /* accepted sockets inherit it */
    if (!is_v4)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    int n = snprintf(what, sizeof what, "%s port %d", name, port);
    (void)n;
    if (bind_and_listen(fd, is_v4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6,
                        is_v4 ? sizeof v4 : sizeof v6, what, err) != 0)
        return -1;
    socklen_t size = is_v4 ? sizeof v4 : sizeof v6;
    if (getsockname(fd, is_v4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6, &size) < 0)
        return err_set_errno(err, ERR_IO, errno, "getsockname failed");
    if (ret_port)
        *ret_port = ntohs(is_v4 ? v4.sin_port : v6.sin6_port);
    *ret_fd = TAKE_FD(fd);
    return 0;
}

/* Whether somebody still accepts there; a file that a dead process left behind refuses. */
static bool unix_is_alive(const struct sockaddr_un *address)
{
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return fd >= 0 &&
           (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 || errno == EAGAIN);
}

int http_listen_unix(const char *path, int *ret_fd, Error *err)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t len = strlen(path);
    if (len >= sizeof address.sun_path)
        return err_set(err, ERR_CONFIG,
                       "the socket path %s is longer than the %zu bytes that the system allows", path,
                       sizeof address.sun_path - 1);
    memcpy(address.sun_path, path, len + 1);
    struct stat status;
    if (lstat(path, &status) == 0) {
        if (!S_ISSOCK(status.st_mode) || unix_is_alive(&address))
            return err_set(err, ERR_CONFIG, "cannot listen on %s: it is in use", path);
        unlink(path);
    }
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_set_errno(err, ERR_IO, errno, "no socket for %s", path);
    /* The mode of the socket file comes from the descriptor's: there is no moment at which others may
     * connect. */
    if (fchmod(fd, 0600) < 0)
        return err_set_errno(err, ERR_IO, errno, "cannot restrict %s", path);
    if (bind_and_listen(fd, (struct sockaddr *)&address, sizeof address, path, err) != 0)
        return -1;
    if (chmod(path, 0600) < 0)
        return err_set_errno(err, ERR_IO, errno, "cannot restrict %s", path);
    *ret_fd = TAKE_FD(fd);
    return 0;
}
