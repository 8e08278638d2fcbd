/* location.c - whose folder is whose. A table's location belongs to it, so that to delete a table's files, or
 * what is orphaned there, can never touch another's. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/rng.h"
#include "base/thread.h"
#include "catalog/catalog.h"

enum { CHOOSE_ATTEMPTS = 8, COMPONENT_BYTES = 128 };

bool cat_location_is_ours(Str location)
{
    return str_has_prefix(location, STR("s3://")) || str_has_prefix(location, STR("s3a://")) ||
           str_has_prefix(location, STR("s3n://"));
}

int cat_location_owned_form(Str location, Arena *arena, Str *ret, Error *err)
{
    Str bucket, key;

    if (!cat_location_is_ours(location))
        return err_set(err, ERR_VALIDATION, "Invalid location %.*s: expected s3://bucket/path",
                       STR_ARG(str_slice(location, 0, 300)));
    for (size_t i = 0; i < location.len; i++)
        if ((unsigned char)location.ptr[i] < 0x20 || location.ptr[i] == 0x7f)
            return err_set(err, ERR_VALIDATION, "Invalid location: it holds a control character");
    location = str_slice(location, (size_t)str_find(location, STR("://")), location.len);
    location = arena_printf(arena, "s3%.*s", STR_ARG(location));
    if (storage_uri_split(location, &bucket, &key, err) < 0)
        return -1;
    while (key.len > 0 && key.ptr[key.len - 1] == '/')
        key.len--;
    if (key.len == 0 || bucket.len == 0)
        return err_set(err, ERR_VALIDATION, "Invalid location %.*s: a whole bucket cannot be a table",
                       STR_ARG(str_slice(location, 0, 300)));
    if (location.len > CATALOG_LOCATION_BYTES)
        return err_set(err, ERR_VALIDATION, "Invalid location: %zu bytes, at most %d are accepted",
                       location.len, CATALOG_LOCATION_BYTES);
    *ret = arena_printf(arena, "s3://%.*s/%.*s/", STR_ARG(bucket), STR_ARG(key));
    return 0;
}

/* ---- reservations ---- */

static int64_t *reservation_new(int64_t end_ms)
{
    int64_t *end = malloc(sizeof *end);
    if (!end)
        abort();
    *end = end_ms;
    return end;
}

static void expire_reservations(Catalog *c, int64_t now_ms)
{
    Str key;
    void *value;
    bool found;

    do { /* the map must not change while it is walked */
        found = false;
        for (size_t i = 0; !found && map_next(c->reservations, &i, &key, &value);)
            found = *(int64_t *)value < now_ms;
        if (found)
            free(map_remove(c->reservations, key));
    } while (found);
}

void cat_location_reserve(Catalog *c, Str owned)
{
    int64_t now = clock_now_ms();

    MUTEX_GUARD(&c->reservations_lock);
    if (map_count(c->reservations) >= CATALOG_RESERVATIONS_MAX)
        expire_reservations(c, now);
    if (map_count(c->reservations) < CATALOG_RESERVATIONS_MAX)
        free(map_put(c->reservations, owned, reservation_new(now + CATALOG_RESERVATION_MS)));
}

void cat_location_unreserve(Catalog *c, Str owned)
{
    MUTEX_GUARD(&c->reservations_lock);
    free(map_remove(c->reservations, owned));
}

static bool is_reserved(Catalog *c, Str owned)
{
    Str key;
    void *value;

    MUTEX_GUARD(&c->reservations_lock);
    for (size_t i = 0; map_next(c->reservations, &i, &key, &value);)
        if ((str_has_prefix(key, owned) || str_has_prefix(owned, key)) && *(int64_t *)value >= clock_now_ms())
            return true;
    return false;
}

/* ---- choosing ---- */

/* A name as a folder: what URIs, globs and tools trip over becomes '_'. */
static void add_component(Buf *out, Str name)
{
    size_t start = out->len;

    if (name.len > COMPONENT_BYTES) {
        name.len = COMPONENT_BYTES;
        while (name.len > 0 && ((unsigned char)name.ptr[name.len] & 0xC0) == 0x80)
            name.len--;
    }
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                     c == '_' || c == '.' || (unsigned char)c >= 0x80;
        buf_putc(out, plain ? c : '_');
    }
    if (out->data[start] == '.')
        out->data[start] = '_'; /* no ".." and nothing hidden */
}

static int namespace_folder(Catalog *c, const RegNamespace *ns, Arena *arena, Buf *out, Error *err)
{
    const Json *properties;
    Str location = STR_NULL, rest = ns->path;

    if (json_parse(ns->properties, arena, &properties, err) < 0 ||
        json_get_string(properties, "location", STR_NULL, &location, err) < 0)
        return -1;
    if (location.ptr && cat_location_is_ours(location) &&
        cat_location_owned_form(location, arena, &location, NULL) == 0)
        return buf_add(out, location);
    buf_add(out, c->warehouse);
    while (rest.ptr) {
        add_component(out, str_cut(rest, '\x1f', &rest));
        buf_putc(out, '/');
    }
    return buf_check(out, err);
}

/* What stands in the way is beside (another suffix helps) or above: then it is the folder above that gets
 * one. */
static Str next_candidate(Str base, const RegLocation *other, Arena *arena, Str *ret_base)
{
    unsigned suffix = (unsigned)rng_u64();

    if (other->id != 0 && other->uri.len <= base.len && str_has_prefix(base, other->uri)) {
        *ret_base = arena_printf(arena, "%.*s-%08x%.*s", (int)other->uri.len - 1, base.ptr, suffix,
                                 STR_ARG(str_slice(base, other->uri.len - 1, base.len)));
        return arena_printf(arena, "%.*s/", STR_ARG(*ret_base));
    }
    return arena_printf(arena, "%.*s-%08x/", STR_ARG(base), suffix);
}

int cat_location_choose(Catalog *c, RegConn *conn, const RegNamespace *ns, Str name, Arena *arena, Str *ret,
                        Error *err)
{
    _cleanup_buf_ Buf folder = BUF_INIT(4096);
    RegLocation other;

    if (namespace_folder(c, ns, arena, &folder, err) < 0)
        return -1;
    add_component(&folder, name);
    if (buf_check(&folder, err) < 0)
        return -1;
    Str base = arena_str(arena, buf_str(&folder)), owned = arena_printf(arena, "%.*s/", STR_ARG(base));
    for (int attempt = 0; attempt < CHOOSE_ATTEMPTS; attempt++) {
        if (reg_find_overlap(conn, owned, REG_LOCATION_PURGED, 0, arena, &other, err) < 0)
            return -1;
        if (other.id == 0 && !is_reserved(c, owned)) {
            *ret = str_slice(owned, 0, owned.len - 1);
            return 0;
        }
        owned = next_candidate(base, &other, arena, &base);
    }
    return err_set(err, ERR_VALIDATION, "No location is left for %.*s at %.*s", STR_ARG(name), STR_ARG(base));
}

int cat_location_check(Catalog *c, RegConn *conn, Str location, int64_t entry_id, Arena *arena, Error *err)
{
    RegLocation other;
    Str owned;

    if (cat_location_owned_form(location, arena, &owned, err) < 0)
        return -1;
    if (str_has_prefix(c->warehouse, owned))
        return err_set(err, ERR_VALIDATION, "Invalid location %.*s: it holds the whole warehouse",
                       STR_ARG(location));
    if (reg_find_overlap(conn, owned, REG_LOCATION_PURGING, entry_id, arena, &other, err) < 0)
        return -1;
    if (other.id == 0)
        return 0;
    return err_set(err, ERR_VALIDATION, "Invalid location %.*s: %.*s %s", STR_ARG(location),
                   STR_ARG(other.uri),
                   other.state == REG_LOCATION_PURGING ? "is being purged" : "belongs to another table");
}
