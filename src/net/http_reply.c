/* http_reply.c - builds answers. Any thread; everything under the request's mutex. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/thread.h"
#include "format/json.h"
#include "net/http_internal.h"

enum { LENGTH_CHUNKED = -1, HEAD_ROOM = 256 };

static void check_set_header(const char *name)
{
    assert(http_is_token(str_from(name)));
    assert(strcasecmp(name, "Content-Length") != 0 && strcasecmp(name, "Connection") != 0 &&
           strcasecmp(name, "Transfer-Encoding") != 0 && strcasecmp(name, "Date") != 0);
    (void)name;
}

void http_set_header(HttpRequest *r, const char *name, Str value)
{
    check_set_header(name);
    MUTEX_GUARD(&r->mutex);
    assert(!r->begun);
    size_t name_len = strlen(name);
    char *to = buf_reserve(&r->extra, name_len + value.len + 4);
    if (!to)
        return;
    memcpy(to, name, name_len);
    to += name_len;
    *to++ = ':';
    *to++ = ' ';
    for (size_t i = 0; i < value.len; i++) {        /* a line break would split the answer */
        unsigned char byte = (unsigned char)value.ptr[i];
        *to++ = byte < 0x20 || byte == 0x7f ? ' ' : (char)byte;
    }
    *to++ = '\r';
    *to++ = '\n';
    r->extra.len += name_len + value.len + 4;
}

void http_set_headerf(HttpRequest *r, const char *name, const char *format, ...)
{
    char small[512];
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(small, sizeof small, format, args);
    assert(n >= 0);
    if ((size_t)n < sizeof small) {
        http_set_header(r, name, str_of(small, (size_t)n));
    } else {
        _cleanup_buf_ Buf large = BUF_INIT(HTTP_SET_HEADERS_BYTES);
        if (buf_vprintf(&large, format, again) == 0)
            http_set_header(r, name, buf_str(&large));
    }
    va_end(again);
    va_end(args);
}

/* "Date: …\r\n"; formatted once a second by each thread. */
static Str date_line(void)
{
    enum { LINE_MAX_BYTES = TIME_TEXT_MAX + 10 };
    static __thread struct { int64_t second; size_t len; char text[LINE_MAX_BYTES]; } cached = { -1, 0, "" };
    int64_t now_us = clock_now_us(), second = now_us / 1000000;
    if (second != cached.second) {
        char date[TIME_TEXT_MAX];
        time_format_http(now_us, date);
        int n = snprintf(cached.text, sizeof cached.text, "Date: %s\r\n", date);
        assert(n > 0 && (size_t)n < sizeof cached.text);
        cached.len = (size_t)n;
        cached.second = second;
    }
    return str_of(cached.text, cached.len);
}

/* Whether the connection can serve another request after this answer, as far as known now. */
static bool must_close(HttpRequest *r)
{
    if (r->close_after || !r->parser.keep_alive || atomic_load(&r->conn->loop->server->draining))
        return true;
    int mode = atomic_load(&r->body_mode);
    if (mode == BODY_DONE)
        return false;
    /* After a final answer a client that waits for 100 may send the body or not: the next byte could be
     * either. */
    return atomic_load(&r->continue_due) ||
           (mode == BODY_UNREAD && atomic_load(&r->body_left) > HTTP_DISCARD_BYTES);
}

static char *put(char *to, Str s)
{
    if (s.len > 0)
        memcpy(to, s.ptr, s.len);
    return to + s.len;
}

static char *put_i64(char *to, int64_t value)
{
    char digits[20];
    size_t n = 0;
    do
        digits[n++] = (char)('0' + value % 10);
    while (value /= 10);
    while (n > 0)
        *to++ = digits[--n];
    return to;
}

/* Appends the head to r->out. length: of the body as announced; LENGTH_CHUNKED: not known. */
static void put_head(HttpRequest *r, int status, const char *content_type, int64_t length)
{
    assert(!r->begun && status >= 200 && status <= 999 && length >= LENGTH_CHUNKED);
    r->begun = true;
    r->status = status;
    bool no_length = status == 204 || status == 304;
    r->no_body = no_length || r->parser.ll.method == HTTP_HEAD;
    r->chunked = !no_length && length == LENGTH_CHUNKED && r->parser.minor > 0;
    if (!no_length && length == LENGTH_CHUNKED && !r->chunked)
        r->close_after = r->until_close = true;     /* HTTP/1.0 */
    r->close_after = must_close(r);
    Str type = str_from(content_type), text = str_from(http_status_text(status)), extra = buf_str(&r->extra);
    char *start = buf_reserve(&r->out, HEAD_ROOM + type.len + text.len + extra.len), *to = start;
    if (!start) {
        atomic_store(&r->conn->dead, true);
        return;
    }
    to = put_i64(put(to, STR("HTTP/1.1 ")), status);
    *to++ = ' ';
    to = put(put(put(to, text), STR("\r\n")), date_line());
    if (r->close_after)
        to = put(to, STR("Connection: close\r\n"));
    else if (r->parser.minor == 0)
        to = put(to, STR("Connection: keep-alive\r\n"));
    if (type.len > 0)
        to = put(put(put(to, STR("Content-Type: ")), type), STR("\r\n"));
    if (r->chunked)
        to = put(to, STR("Transfer-Encoding: chunked\r\n"));
    else if (!no_length && length >= 0)
        to = put(put_i64(put(to, STR("Content-Length: ")), length), STR("\r\n"));
    to = put(put(to, extra), STR("\r\n"));
    r->out.len += (size_t)(to - start);
}

void http_reply(HttpRequest *r, int status, const char *content_type, Str body)
{
    pthread_mutex_lock(&r->mutex);
    put_head(r, status, content_type, (int64_t)body.len);
    if (!r->no_body && body.len <= HTTP_COPY_BYTES) {
        buf_add(&r->out, body);
    } else if (!r->no_body && (r->mem = malloc(body.len))) {
        memcpy(r->mem, body.ptr, body.len);
        r->mem_len = body.len;
    } else if (!r->no_body) {
        r->cut = true;
    }
    r->ended = true;
    output_submit(r);
}

void http_reply_buf(HttpRequest *r, int status, const char *content_type, Buf *body)
{
    if (body->len <= HTTP_COPY_BYTES) {
        http_reply(r, status, content_type, buf_str(body));
        buf_free(body);
        return;
    }
    pthread_mutex_lock(&r->mutex);
    put_head(r, status, content_type, (int64_t)body->len);
    if (!r->no_body)
        r->mem = buf_take(body, &r->mem_len);
    else
        buf_free(body);
    r->ended = true;
    output_submit(r);
}

/* Small pieces of files are cheaper to read than to send by themselves. */
static bool put_small_file(HttpRequest *r, int fd, int64_t offset, int64_t length)
{
    if (length > HTTP_COPY_BYTES)
        return false;
    char *to = buf_reserve(&r->out, (size_t)length);
    if (!to || fs_pread_all(fd, to, (size_t)length, offset, NULL) != 0)
        return false;
    r->out.len += (size_t)length;
    return true;
}

void http_reply_file(HttpRequest *r, int status, const char *content_type, int fd, int64_t offset,
                     int64_t length)
{
    assert(fd >= 0 && offset >= 0 && length >= 0);
    pthread_mutex_lock(&r->mutex);
    put_head(r, status, content_type, length);
    if (r->no_body || length == 0 || put_small_file(r, fd, offset, length)) {
        close(fd);
    } else {
        r->file = fd;
        r->file_at = offset;
        r->file_left = length;
    }
    r->ended = true;
    output_submit(r);
}

void http_reply_error(HttpRequest *r, const Error *err)
{
    const ErrInfo *info = err_info(err->code);
    _cleanup_buf_ Buf body = BUF_INIT(16 * 1024);
    JsonWriter w = JSON_WRITER(&body);
    json_object(&w);
    json_key(&w, "error");
    json_object(&w);
    json_kv_cstr(&w, "message", err->message);
    json_kv_cstr(&w, "type", info->iceberg_type);
    json_kv_int(&w, "code", info->http_status);
    json_end_object(&w);
    json_end_object(&w);
    http_reply(r, info->http_status, "application/json", buf_str(&body));
}

void http_begin(HttpRequest *r, int status, const char *content_type, int64_t content_length)
{
    pthread_mutex_lock(&r->mutex);
    put_head(r, status, content_type, content_length < 0 ? LENGTH_CHUNKED : content_length);
    r->length_left = content_length < 0 ? -1 : content_length;
    output_submit(r);
}

/* Waits until there is room; the loop's thread may not wait. */
static int write_wait(HttpRequest *r, Error *err)
{
    Conn *c = r->conn;
    while (!atomic_load(&c->dead) && output_pending(r) > HTTP_WRITE_HIGH_BYTES) {
        if (http_this_loop)
            return err_set(err, ERR_OVERLOADED, "the client does not read its answer");
        pthread_cond_wait(&r->room, &r->mutex);
    }
    return atomic_load(&c->dead) ? err_set(err, ERR_CANCELED, "the client is gone") : 0;
}

/* Gathers what is pending, the frame of a chunk and the bytes; what the socket does not take at once is
 * copied. */
static int write_piece(HttpRequest *r, Str bytes, Error *err)
{
    Buf *out = &r->out;
    if (r->chunked) {
        char frame[24];
        int n = snprintf(frame, sizeof frame, "%zx\r\n", bytes.len);
        assert(n > 0 && (size_t)n < sizeof frame);
        buf_append(out, frame, (size_t)n);
    }
    size_t sent = 0;
    if (http_this_worker == r->conn->loop->server && bytes.len > HTTP_COPY_BYTES) {
        size_t before = out->len - r->out_at;
        struct iovec parts[2] = { { out->data + r->out_at, before }, { (char *)bytes.ptr, bytes.len } };
        ssize_t n = before > 0 ? conn_sendv(r->conn, parts, 2, r->chunked)
                               : conn_sendv(r->conn, parts + 1, 1, r->chunked);
        if (n < 0 && errno != EAGAIN) {
            atomic_store(&r->conn->dead, true);
            return err_set(err, ERR_CANCELED, "the client is gone");
        }
        size_t of_out = n < 0 ? 0 : (size_t)n < before ? (size_t)n : before;
        r->out_at += of_out;
        sent = n < 0 ? 0 : (size_t)n - of_out;
        if (r->out_at == out->len) {
            buf_clear(out);
            r->out_at = 0;
        }
    }
    if (r->out_at > HTTP_WRITE_LOW_BYTES) {
        buf_consume(out, r->out_at);
        r->out_at = 0;
    }
    buf_append(out, bytes.ptr + sent, bytes.len - sent);
    if (r->chunked)
        buf_puts(out, "\r\n");
    if (buf_check(out, err) != 0) {
        r->cut = true;
        return -1;
    }
    return 0;
}

int http_write(HttpRequest *r, Str bytes, Error *err)
{
    pthread_mutex_lock(&r->mutex);
    assert(r->begun && !r->ended);
    if (r->no_body || bytes.len == 0) {
        pthread_mutex_unlock(&r->mutex);
        return 0;
    }
    if (r->length_left >= 0 && bytes.len > (size_t)r->length_left) {
        r->cut = true;
        pthread_mutex_unlock(&r->mutex);
        return err_set(err, ERR_INTERNAL, "more was written than the announced length");
    }
    if (write_wait(r, err) != 0 || write_piece(r, bytes, err) != 0) {
        pthread_mutex_unlock(&r->mutex);
        return -1;
    }
    if (r->length_left >= 0)
        r->length_left -= (int64_t)bytes.len;
    output_submit(r);
    return 0;
}

void http_end(HttpRequest *r, bool ok)
{
    pthread_mutex_lock(&r->mutex);
    assert(r->begun && !r->ended);
    if (r->length_left > 0 && !r->no_body && ok) {
        log_error("http.short_answer", L_INT("missing_bytes", r->length_left));
        ok = false;
    }
    if (!ok)
        r->cut = true;
    else if (r->chunked && !r->no_body && !r->cut)
        buf_puts(&r->out, "0\r\n\r\n");
    r->ended = true;
    output_submit(r);
}

void http_close_after(HttpRequest *r)
{
    MUTEX_GUARD(&r->mutex);
    r->close_after = true;
}
