/* http_policy.c - which Host and Origin a server answers to.
 *
 * A browser can be made to send requests to a loopback port (DNS rebinding, or a page that simply tries);
 * what it cannot do is lie about Host and Origin. So a request over TCP must name a host that is ours, and,
 * when it carries an Origin, come from exactly the host and port it was sent to. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>

#include "net/http_internal.h"

static char *lower_copy(Str s)
{
    char *copy = malloc(s.len + 1);
    if (!copy)
        return NULL;
    for (size_t i = 0; i < s.len; i++)
        copy[i] = (char)(s.ptr[i] >= 'A' && s.ptr[i] <= 'Z' ? s.ptr[i] + 32 : s.ptr[i]);
    copy[s.len] = '\0';
    return copy;
}

int policy_init(HttpServer *server, Error *err)
{
    const char *const *hosts = server->options.hosts;
    size_t n = 0;
    while (hosts && hosts[n])
        n++;
    server->hosts = calloc(n + 1, sizeof *server->hosts);
    for (size_t i = 0; server->hosts && i < n; i++) {
        server->hosts[i] = lower_copy(str_from(hosts[i]));
        if (!server->hosts[i])
            return err_set(err, ERR_LIMIT, "no memory for the host names");
        server->n_hosts++;
    }
    return server->hosts ? 0 : err_set(err, ERR_LIMIT, "no memory for the host names");
}

void policy_free(HttpServer *server)
{
    for (size_t i = 0; i < server->n_hosts; i++)
        free(server->hosts[i]);
    free(server->hosts);
}

/* Whether `text` is the address at which the client reached us. */
static bool is_local_address(const Conn *c, const char *text)
{
    struct sockaddr_storage local = { 0 };
    socklen_t size = sizeof local;
    struct in6_addr v6;
    struct in_addr v4;
    if (getsockname(c->fd, (struct sockaddr *)&local, &size) != 0)
        return false;
    if (local.ss_family == AF_INET)
        return inet_pton(AF_INET, text, &v4) == 1 &&
               v4.s_addr == ((const struct sockaddr_in *)&local)->sin_addr.s_addr;
    return local.ss_family == AF_INET6 && inet_pton(AF_INET6, text, &v6) == 1 &&
           memcmp(&v6, &((const struct sockaddr_in6 *)&local)->sin6_addr, sizeof v6) == 0;
}

/* Ours on every connection, or only on this one (the address that it came to). */
typedef enum Ours { OURS_NOT, OURS_HERE, OURS_ALWAYS } Ours;

static Ours host_is_ours(const HttpRequest *r, Str host)
{
    const HttpServer *server = r->conn->loop->server;
    char text[256];
    if (str_eq_nocase(host, STR("localhost")))
        return OURS_ALWAYS;
    for (size_t i = 0; i < server->n_hosts; i++)
        if (str_eq_nocase(host, str_from(server->hosts[i])))
            return OURS_ALWAYS;
    if (host.len >= sizeof text)
        return OURS_NOT;
    memcpy(text, host.ptr, host.len);
    text[host.len] = '\0';
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, text, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127)
        return OURS_ALWAYS;
    if (inet_pton(AF_INET6, text, &v6) == 1 && memcmp(&v6, &in6addr_loopback, sizeof v6) == 0)
        return OURS_ALWAYS;
    return is_local_address(r->conn, text) ? OURS_HERE : OURS_NOT;
}

/* "http://host:port" of the page, compared with Host; the scheme's own port may be left out on either side.
 */
static bool origin_is_ours(Str origin, Str host_header)
{
    bool secure = origin.len > 8 && str_eq_nocase(str_slice(origin, 0, 8), STR("https://"));
    bool plain = origin.len > 7 && str_eq_nocase(str_slice(origin, 0, 7), STR("http://"));
    if (!secure && !plain)
        return false;
    Str a, a_port, b, b_port, standard = secure ? STR("443") : STR("80");
    if (http_split_host(str_slice(origin, secure ? 8 : 7, origin.len), &a, &a_port) != 0 ||
        http_split_host(host_header, &b, &b_port) != 0)
        return false;
    return str_eq_nocase(a, b) && str_eq(a_port.len ? a_port : standard, b_port.len ? b_port : standard);
}

int policy_check(const HttpRequest *r, const char **ret_reason)
{
    const HttpParser *p = &r->parser;
    Str header = request_span(r, p->host), host, port;
    if (r->conn->listener->is_unix)
        return 0;
    Loop *loop = r->conn->loop;
    if (header.len != loop->good_host_len || memcmp(header.ptr, loop->good_host, header.len) != 0) {
        if (http_split_host(header, &host, &port) != 0) {
            *ret_reason = "Host is malformed";
            return 400;
        }
        Ours ours = host_is_ours(r, host);
        if (ours == OURS_NOT) {
            *ret_reason = "this server does not answer for that Host";
            return 421;
        }
        if (ours == OURS_ALWAYS && header.len <= sizeof loop->good_host) {
            memcpy(loop->good_host, header.ptr, header.len);
            loop->good_host_len = header.len;
        }
    }
    if (p->has_origin && !origin_is_ours(request_span(r, p->origin), header)) {
        *ret_reason = "the Origin is foreign";
        return 403;
    }
    return 0;
}
