/* upload_stream.c - see upload_stream.h. */
#include "storage/upload_stream.h"

#include <stdatomic.h>

#include "base/fs.h"
#include "base/metrics.h"

struct UploadStream {
    S3Request *request;
    Payload *payload;
    int fd;
    int64_t offset, max_bytes;
    void (*finish)(S3Request *r, const UploadResult *result, const Error *err);
    pthread_mutex_t lock;
    Buf filling;                            /* under lock: what the loop received */
    bool is_working;                        /* under lock: a worker has the stream */
    bool is_paused, has_ended, is_complete; /* under lock */
    /* the worker's */
    Buf working;
    int64_t written;
    uint64_t crc64;
    bool has_failed;
    Error error;
};

static int stream_write(void *arg, const void *bytes, size_t n, Error *err)
{
    UploadStream *s = arg;
    if (s->written + (int64_t)n > s->max_bytes) {
        return err_set(err, ERR_ENTITY_TOO_LARGE,
                       "your proposed upload exceeds the maximum allowed object size");
    }
    if (fs_pwrite_all(s->fd, bytes, n, (off_t)(s->offset + s->written), err) < 0)
        return -1;
    s->crc64 = crc64nvme_update(s->crc64, bytes, n);
    s->written += (int64_t)n;
    return 0;
}

static void stream_free(void *arg)
{
    UploadStream *s = arg;
    atomic_fetch_sub(&s->request->role->upload_bytes, 2 * UPLOAD_BUFFER_BYTES);
    buf_free(&s->filling);
    buf_free(&s->working);
    payload_free(s->payload);
    pthread_mutex_destroy(&s->lock);
}

static void stream_finish(UploadStream *s)
{
    if (!s->has_failed && !s->is_complete) {
        s->has_failed = true;
        err_set(&s->error, ERR_INCOMPLETE_BODY,
                "the client closed the connection before the end of the body");
    }
    if (!s->has_failed && payload_end(s->payload, &s->error) < 0)
        s->has_failed = true;
    metric_add(METRIC_S3_RECEIVED, (double)s->written);
    UploadResult result = {.payload = s->payload, .size = s->written, .crc64 = s->crc64};
    s->finish(s->request, s->has_failed ? NULL : &result, s->has_failed ? &s->error : NULL);
}

/* Takes what was received, until there is not enough for a piece. After a failure the rest is read and
 * dropped. */
static void stream_work(void *arg)
{
    UploadStream *s = arg;
    for (;;) {
        pthread_mutex_lock(&s->lock);
        if (s->filling.len < UPLOAD_PIECE_BYTES && !s->has_ended) {
            s->is_working = false;
            pthread_mutex_unlock(&s->lock);
            return;
        }
        bool is_last = s->has_ended;
        Buf received = s->filling;
        s->filling = s->working;
        s->working = received;
        buf_clear(&s->filling);
        bool resume = s->is_paused;
        s->is_paused = false;
        pthread_mutex_unlock(&s->lock);
        if (resume)
            http_resume_body(s->request->http);
        if (!s->has_failed && payload_feed(s->payload, buf_str(&s->working), stream_write, s, &s->error) < 0)
            s->has_failed = true;
        if (is_last) {
            stream_finish(s);
            return;
        }
    }
}

/* Under the lock, on the loop thread. */
static void stream_wake(UploadStream *s)
{
    Error err;
    if (s->is_working)
        return;
    s->is_working = true;
    if (worker_pool_submit(s->request->role->io, stream_work, s, &err) == 0)
        return;
    /* the queue is longer than there may be connections; should it be full all the same, the body ends here
     */
    s->is_working = false;
    s->has_failed = true;
    s->error = err;
}

static void stream_on_chunk(HttpRequest *http, Str bytes, void *arg)
{
    UploadStream *s = arg;
    MUTEX_GUARD(&s->lock);
    buf_add(&s->filling, bytes);
    if (s->filling.len >= UPLOAD_PIECE_BYTES)
        stream_wake(s);
    if (s->filling.len >= UPLOAD_BUFFER_BYTES && !s->is_paused) {
        s->is_paused = true;
        http_pause_body(http);
    }
}

static void stream_on_end(HttpRequest *http, bool complete, void *arg)
{
    UploadStream *s = arg;
    (void)http;
    MUTEX_GUARD(&s->lock);
    s->has_ended = true;
    s->is_complete = complete;
    stream_wake(s);
}

void upload_stream_start(S3Request *r, Payload *payload, int fd, int64_t offset, int64_t max_bytes,
                         void (*finish)(S3Request *r, const UploadResult *result, const Error *err))
{
    UploadStream *s = arena_new_of(r->arena, UploadStream);
    *s = (UploadStream){.request = r,
                        .payload = payload,
                        .fd = fd,
                        .offset = offset,
                        .max_bytes = max_bytes,
                        .finish = finish};
    s->filling = BUF_INIT(4 * UPLOAD_BUFFER_BYTES);
    s->working = BUF_INIT(4 * UPLOAD_BUFFER_BYTES);
    pthread_mutex_init(&s->lock, NULL);
    int64_t held = atomic_fetch_add(&r->role->upload_bytes, 2 * UPLOAD_BUFFER_BYTES);
    arena_on_free(r->arena, stream_free, s);
    if (held > UPLOAD_TOTAL_BYTES) {
        Error err;
        err_set(&err, ERR_OVERLOADED, "too many uploads at once; please reduce your request rate");
        finish(r, NULL, &err);
        return;
    }
    http_stream_body(r->http, (HttpBodySink){stream_on_chunk, stream_on_end}, s);
}
