/* pending.c - which files this process was writing, so that a later one removes what nothing points to.
 *
 * A line "P uri" before a file is written, "D uri" when its fate is known. The file is written without syncs:
 * it survives the process but perhaps not the machine, and it only ever gives hints, which are checked
 * against the registry. */
#include <stdio.h>
#include <stdlib.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/thread.h"
#include "catalog/catalog.h"

enum { PENDING_ROTATE_BYTES = 256 << 10, PENDING_MAX_BYTES = 64 << 20 };

struct Pending {
    pthread_mutex_t lock;
    int fd;
    size_t n_open, size;
    char *path, *old_path;
};

/* An earlier start did not come to clean: what the one after it wrote joins the old file. */
static int join_old(const Pending *p, Error *err)
{
    _cleanup_buf_ Buf text = BUF_INIT(PENDING_MAX_BYTES);
    _cleanup_close_ int fd = -1;

    if (fs_read_file(p->path, PENDING_MAX_BYTES, &text, err) < 0 ||
        fs_open(p->old_path, O_WRONLY | O_APPEND, 0, &fd, err) < 0 || fs_write_all(fd, "\n", 1, err) < 0 ||
        fs_write_all(fd, buf_str(&text).ptr, text.len, err) < 0)
        return -1;
    return fs_unlink(p->path, err);
}

int cat_pending_open(Str folder, Pending **ret, Error *err)
{
    Pending *p = calloc(1, sizeof *p);

    if (!p || asprintf(&p->path, "%.*s/pending", STR_ARG(folder)) < 0 ||
        asprintf(&p->old_path, "%s.old", p->path) < 0)
        abort();
    pthread_mutex_init(&p->lock, NULL);
    p->fd = -1;
    if (fs_exists(p->path) &&
        (fs_exists(p->old_path) ? join_old(p, err) : fs_rename(p->path, p->old_path, err)) < 0)
        goto fail;
    if (fs_open(p->path, O_WRONLY | O_CREAT | O_APPEND, 0600, &p->fd, err) < 0)
        goto fail;
    *ret = p;
    return 0;
fail:
    cat_pending_close(p);
    return -1;
}

void cat_pending_close(Pending *p)
{
    if (!p)
        return;
    closep_(&p->fd);
    free(p->path);
    free(p->old_path);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

static int append(Pending *p, char kind, Str uri, Error *err)
{
    char line[CATALOG_LOCATION_BYTES + 600];
    int n = snprintf(line, sizeof line, "%c %.*s\n", kind, STR_ARG(uri));

    if (n < 0 || (size_t)n >= sizeof line || str_find_char(uri, '\n') >= 0)
        return err_set(err, ERR_VALIDATION, "The location is too long or holds a line break: %.*s",
                       STR_ARG(str_slice(uri, 0, 200)));
    if (fs_write_all(p->fd, line, (size_t)n, err) < 0)
        return -1;
    p->size += (size_t)n;
    return 0;
}

int cat_pending_add(Pending *p, Str uri, Error *err)
{
    MUTEX_GUARD(&p->lock);
    if (append(p, 'P', uri, err) < 0)
        return -1;
    p->n_open++;
    return 0;
}

void cat_pending_end(Pending *p, Str uri)
{
    Error err;

    MUTEX_GUARD(&p->lock);
    if (append(p, 'D', uri, &err) < 0)
        log_warn("catalog.pending", L_ERR(&err));
    if (--p->n_open == 0 && p->size > PENDING_ROTATE_BYTES && fs_truncate(p->fd, 0, &err) == 0)
        p->size = 0;
}

static int read_lines(const char *path, Arena *arena, Map *open, Error *err)
{
    _cleanup_buf_ Buf text = BUF_INIT(PENDING_MAX_BYTES);

    if (!fs_exists(path))
        return 0;
    if (fs_read_file(path, PENDING_MAX_BYTES, &text, err) < 0)
        return -1;
    Str rest = buf_str(&text);
    while (rest.ptr) {
        Str line = str_cut(rest, '\n', &rest);
        if (!rest.ptr || line.len < 3)
            continue; /* cut off while it was written */
        Str uri = str_slice(line, 2, line.len);
        if (line.ptr[0] == 'P')
            map_put(open, uri, arena);
        else
            map_remove(open, uri);
    }
    return 0;
}

int cat_pending_left(Pending *p, Arena *arena, Str **ret_uris, size_t *ret_n, Error *err)
{
    Map *open = map_new();
    Str key;
    void *value;
    size_t n = 0;

    if (read_lines(p->old_path, arena, open, err) < 0) {
        map_free(open);
        return -1;
    }
    Str *uris = arena_array(arena, Str, map_count(open) + 1);
    for (size_t i = 0; map_next(open, &i, &key, &value);)
        uris[n++] = arena_str(arena, key);
    map_free(open);
    *ret_uris = uris;
    *ret_n = n;
    return 0;
}

void cat_pending_recovered(Pending *p)
{
    Error err;

    if (fs_unlink(p->old_path, &err) < 0)
        log_warn("catalog.pending", L_ERR(&err));
}
