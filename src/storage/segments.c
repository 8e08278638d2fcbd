/* segments.c - see segments.h. */
#include "storage/segments.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/thread.h"
#include "format/checksum.h"
#include "storage/storage_limits.h"

#define SEGMENT_MAGIC 0x3153484cu /* "LHS1" */

typedef struct OpenSegment {
    uint32_t id; /* 0: free */
    int fd;
    unsigned users;
    uint64_t last_use;
} OpenSegment;

/* What the writer has appended to one segment and not yet written. */
typedef struct PendingSegment {
    int fd;
    uint64_t from;     /* where the bytes go */
    size_t begin, end; /* in the group's buffer */
    bool is_new;
} PendingSegment;

struct Segments {
    Str dir;
    char *dir_text;
    uint64_t max_bytes;
    /* writer */
    uint32_t id; /* 0: none yet */
    int fd;
    uint64_t tail; /* with the group */
    uint32_t committed_id;
    uint64_t committed_tail;
    Buf group;
    PendingSegment pending[8];
    size_t n_pending;
    /* readers */
    pthread_mutex_t lock;
    OpenSegment open[STORE_OPEN_SEGMENTS];
    uint64_t use_counter;
};

enum { SEGMENT_PATH_MAX = 4096 };

Segments *segments_new(Str dir, uint64_t max_bytes)
{
    Segments *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    s->dir_text = strndup(dir.ptr, dir.len);
    s->dir = str_from(s->dir_text);
    s->max_bytes = max_bytes;
    s->fd = -1;
    s->group = BUF_INIT(STORE_GROUP_BYTES * 2);
    pthread_mutex_init(&s->lock, NULL);
    return s;
}

static void segments_close_pending(Segments *s)
{
    for (size_t i = 0; i < s->n_pending; i++) {
        if (s->pending[i].fd != s->fd)
            close(s->pending[i].fd);
    }
    s->n_pending = 0;
}

void segments_free(Segments *s)
{
    if (!s)
        return;
    segments_close_pending(s);
    if (s->fd >= 0)
        close(s->fd);
    for (size_t i = 0; i < STORE_OPEN_SEGMENTS; i++) {
        if (s->open[i].id)
            close(s->open[i].fd);
    }
    buf_free(&s->group);
    pthread_mutex_destroy(&s->lock);
    free(s->dir_text);
    free(s);
}

static void segments_path(const Segments *s, uint32_t id, char out[SEGMENT_PATH_MAX])
{
    snprintf(out, SEGMENT_PATH_MAX, "%s/%08" PRIx32 ".seg", s->dir_text, id);
}

void segments_resume(Segments *s, uint32_t id, uint64_t tail)
{
    assert(s->fd < 0);
    s->id = s->committed_id = id;
    s->tail = s->committed_tail = tail;
}

/* ---- appending ---- */

static int segments_open_tail(Segments *s, bool create, Error *err)
{
    char path[SEGMENT_PATH_MAX];
    segments_path(s, s->id, path);
    return fs_open(path, O_RDWR | (create ? O_CREAT : 0), 0600, &s->fd, err);
}

static PendingSegment *segments_pending(Segments *s, bool is_new)
{
    if (s->n_pending && s->pending[s->n_pending - 1].fd == s->fd)
        return &s->pending[s->n_pending - 1];
    if (s->n_pending == sizeof s->pending / sizeof *s->pending)
        return NULL;
    PendingSegment *p = &s->pending[s->n_pending++];
    *p = (PendingSegment){
        .fd = s->fd, .from = s->tail, .begin = s->group.len, .end = s->group.len, .is_new = is_new};
    return p;
}

/* Makes sure that a segment is open that has room for n bytes. */
static int segments_make_room(Segments *s, uint64_t n, Error *err)
{
    bool is_new = false;
    if (s->id && s->tail + n > s->max_bytes && s->tail > 0) {
        bool is_pending = s->n_pending && s->pending[s->n_pending - 1].fd == s->fd;
        if (!is_pending && s->fd >= 0)
            close(s->fd);
        s->fd = -1;
        s->id++;
        s->tail = 0;
        is_new = true;
    } else if (s->id == 0) {
        s->id = 1;
        s->tail = 0;
        is_new = true;
    }
    if (s->fd < 0 && segments_open_tail(s, is_new, err) < 0)
        return -1;
    if (!segments_pending(s, is_new))
        return err_set(err, ERR_OVERLOADED, "a group of writes spans too many segments");
    return 0;
}

static void put_u32(uint8_t *p, uint32_t v)
{
    memcpy(p, &v, 4);
}
static uint32_t get_u32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return v;
}
static uint64_t get_u64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}

/* magic, header crc, generation, bucket, key length, body length, body crc */
static void segment_put_header(uint8_t h[SEGMENT_HEADER_BYTES], const SegmentRecord *r)
{
    put_u32(h, SEGMENT_MAGIC);
    memcpy(h + 8, &r->generation, 8);
    put_u32(h + 16, r->bucket);
    put_u32(h + 20, (uint32_t)r->key.len);
    put_u32(h + 24, (uint32_t)r->body.len);
    put_u32(h + 28, crc32c_update(0, r->body.ptr, r->body.len));
    put_u32(h + 4, crc32c_update(crc32c_update(0, h + 8, SEGMENT_HEADER_BYTES - 8), r->key.ptr, r->key.len));
}

int segments_append(Segments *s, const SegmentRecord *record, uint32_t *ret_id, uint64_t *ret_position,
                    Error *err)
{
    uint64_t n = segment_record_bytes(record->key.len, (int64_t)record->body.len);
    if (segments_make_room(s, n, err) < 0)
        return -1;
    uint8_t header[SEGMENT_HEADER_BYTES];
    segment_put_header(header, record);
    buf_append(&s->group, header, sizeof header);
    buf_add(&s->group, record->key);
    if (record->body.len)
        buf_add(&s->group, record->body);
    if (buf_check(&s->group, err) < 0)
        return -1;
    s->pending[s->n_pending - 1].end = s->group.len;
    *ret_id = s->id;
    *ret_position = s->tail;
    s->tail += n;
    return 0;
}

int segments_write(Segments *s, Error *err)
{
    for (size_t i = 0; i < s->n_pending; i++) {
        const PendingSegment *p = &s->pending[i];
        if (fault_point("storage.segment.write", err))
            return -1;
        if (fs_pwrite_all(p->fd, s->group.data + p->begin, p->end - p->begin, (off_t)p->from, err) < 0)
            return -1;
    }
    return 0;
}

int segments_sync(Segments *s, Error *err)
{
    bool has_new = false;
    for (size_t i = 0; i < s->n_pending; i++) {
        if (fault_point("storage.segment.sync", err))
            return -1;
        if (fs_datasync(s->pending[i].fd, err) < 0)
            return -1;
        has_new |= s->pending[i].is_new;
    }
    return has_new ? fs_sync_dir(s->dir_text, err) : 0;
}

void segments_commit(Segments *s)
{
    segments_close_pending(s);
    s->committed_id = s->id;
    s->committed_tail = s->tail;
    if (s->group.cap > 2 * STORE_GROUP_BYTES / 4)
        buf_free(&s->group), s->group = BUF_INIT(STORE_GROUP_BYTES * 2);
    buf_clear(&s->group);
}

void segments_rollback(Segments *s)
{
    segments_close_pending(s);
    if (s->id != s->committed_id && s->fd >= 0) {
        close(s->fd);
        s->fd = -1;
    }
    s->id = s->committed_id;
    s->tail = s->committed_tail;
    buf_clear(&s->group);
}

uint32_t segments_current(const Segments *s, uint64_t *ret_tail)
{
    *ret_tail = s->tail;
    return s->id;
}

/* ---- reading ---- */

static OpenSegment *segments_find_open(Segments *s, uint32_t id)
{
    for (size_t i = 0; i < STORE_OPEN_SEGMENTS; i++) {
        if (s->open[i].id == id)
            return &s->open[i];
    }
    return NULL;
}

/* A slot to use: a free one, else the one unused for longest; NULL when all are in use. */
static OpenSegment *segments_find_slot(Segments *s)
{
    OpenSegment *oldest = NULL;
    for (size_t i = 0; i < STORE_OPEN_SEGMENTS; i++) {
        OpenSegment *o = &s->open[i];
        if (o->id == 0)
            return o;
        if (o->users == 0 && (!oldest || o->last_use < oldest->last_use))
            oldest = o;
    }
    if (oldest)
        close(oldest->fd);
    return oldest;
}

/* Borrows a descriptor; *ret_slot NULL: it is the caller's own, to be closed. */
static int segments_borrow(Segments *s, uint32_t id, int *ret_fd, OpenSegment **ret_slot, Error *err)
{
    MUTEX_GUARD(&s->lock);
    OpenSegment *o = segments_find_open(s, id);
    if (!o) {
        char path[SEGMENT_PATH_MAX];
        int fd;
        segments_path(s, id, path);
        if (fs_open(path, O_RDONLY, 0, &fd, err) < 0)
            return -1;
        o = segments_find_slot(s);
        if (!o) {
            *ret_fd = fd;
            *ret_slot = NULL;
            return 0;
        }
        *o = (OpenSegment){.id = id, .fd = fd};
    }
    o->users++;
    o->last_use = ++s->use_counter;
    *ret_fd = o->fd;
    *ret_slot = o;
    return 0;
}

static void segments_give_back(Segments *s, int fd, OpenSegment *slot)
{
    if (!slot) {
        close(fd);
        return;
    }
    MUTEX_GUARD(&s->lock);
    slot->users--;
}

static int segments_read_exactly(int fd, struct iovec *iov, int n_iov, uint64_t position, uint32_t id,
                                 Error *err)
{
    size_t total = 0;
    for (int i = 0; i < n_iov; i++)
        total += iov[i].iov_len;
    if (fault_point("storage.segment.read", err))
        return -1;
    ssize_t n = preadv(fd, iov, n_iov, (off_t)position);
    if (n < 0)
        return err_set_errno(err, ERR_IO, errno, "segment %08" PRIx32 ": cannot read: %s", id,
                             strerror(errno));
    if ((size_t)n != total)
        return err_set(err, ERR_CORRUPT, "segment %08" PRIx32 " ends inside a record at %" PRIu64, id,
                       position);
    return 0;
}

int segments_read(Segments *s, uint32_t id, uint64_t position, uint32_t bucket, Str key, uint64_t generation,
                  int64_t size, Buf *out, Error *err)
{
    uint8_t head[SEGMENT_HEADER_BYTES + S3_KEY_BYTES];
    assert(key.len <= S3_KEY_BYTES && size >= 0);
    char *body = buf_reserve(out, (size_t)size);
    if (!body)
        return err_set(err, ERR_LIMIT, "object of %lld bytes does not fit the buffer", (long long)size);
    struct iovec iov[2] = {{head, SEGMENT_HEADER_BYTES + key.len}, {body, (size_t)size}};
    int fd;
    OpenSegment *slot;
    if (segments_borrow(s, id, &fd, &slot, err) < 0)
        return -1;
    int result = segments_read_exactly(fd, iov, size ? 2 : 1, position, id, err);
    segments_give_back(s, fd, slot);
    if (result < 0)
        return -1;
    uint32_t header_crc = crc32c_update(0, head + 8, SEGMENT_HEADER_BYTES - 8 + key.len);
    if (get_u32(head) != SEGMENT_MAGIC || get_u32(head + 4) != header_crc ||
        get_u64(head + 8) != generation || get_u32(head + 16) != bucket || get_u32(head + 20) != key.len ||
        get_u32(head + 24) != (uint64_t)size || memcmp(head + SEGMENT_HEADER_BYTES, key.ptr, key.len) != 0) {
        return err_set(err, ERR_CORRUPT,
                       "segment %08" PRIx32 ": the record at %" PRIu64 " is not the object's", id, position);
    }
    if (crc32c_update(0, body, (size_t)size) != get_u32(head + 28)) {
        return err_set(err, ERR_CORRUPT,
                       "segment %08" PRIx32 ": checksum of the record at %" PRIu64 " is wrong", id, position);
    }
    out->len += (size_t)size;
    return 0;
}

int segments_scan(Segments *s, uint32_t id, uint64_t *position, uint64_t end, Arena *arena,
                  SegmentRecord *ret, Error *err)
{
    uint8_t head[SEGMENT_HEADER_BYTES];
    int fd;
    OpenSegment *slot;
    if (*position + sizeof head > end)
        return err_set(err, ERR_NOT_FOUND, "no more records");
    if (segments_borrow(s, id, &fd, &slot, err) < 0)
        return -1;
    struct iovec iov = {head, sizeof head};
    int result = segments_read_exactly(fd, &iov, 1, *position, id, err);
    size_t key_len = get_u32(head + 20), body_len = get_u32(head + 24);
    if (result == 0 && (get_u32(head) != SEGMENT_MAGIC || key_len > S3_KEY_BYTES ||
                        *position + sizeof head + key_len + body_len > end)) {
        result = err_set(err, ERR_CORRUPT, "segment %08" PRIx32 ": no record at %" PRIu64, id, *position);
    }
    if (result == 0) {
        char *bytes = arena_try(arena, key_len + body_len + 1, err);
        iov = (struct iovec){bytes, key_len + body_len};
        result = bytes ? segments_read_exactly(fd, &iov, 1, *position + sizeof head, id, err) : -1;
        if (result == 0 &&
            crc32c_update(crc32c_update(0, head + 8, sizeof head - 8), bytes, key_len) != get_u32(head + 4)) {
            result = err_set(err, ERR_CORRUPT, "segment %08" PRIx32 ": header at %" PRIu64 " is damaged", id,
                             *position);
        }
        *ret = (SegmentRecord){.bucket = get_u32(head + 16),
                               .generation = get_u64(head + 8),
                               .key = str_of(bytes, key_len),
                               .body = str_of(bytes ? bytes + key_len : NULL, body_len)};
        if (result == 0 && crc32c_update(0, ret->body.ptr, body_len) != get_u32(head + 28))
            ret->body = STR_NULL;
    }
    segments_give_back(s, fd, slot);
    if (result == 0)
        *position += sizeof head + key_len + body_len;
    return result;
}

int segments_remove(Segments *s, uint32_t id, Error *err)
{
    char path[SEGMENT_PATH_MAX];
    segments_path(s, id, path);
    {
        MUTEX_GUARD(&s->lock);
        OpenSegment *o = segments_find_open(s, id);
        if (o && o->users == 0) {
            close(o->fd);
            *o = (OpenSegment){0};
        }
    }
    return fs_unlink(path, err);
}
