/* handle_views.c - views: created, loaded, replaced, registered. Dropping and renaming are those of tables
 * (handle_changes.c). */
#include <stdlib.h>

#include "base/fault.h"
#include "base/fs.h"
#include "catalog/routes.h"
#include "catalog/table_add.h"

int cat_list_views(CatRequest *q, Error *err)
{
    return cat_list_entries(q, REG_VIEW, err);
}

/* ---- loading ---- */

static int find_view(CatRequest *q, RegEntry *ret, Error *err)
{
    RegConn *conn = registry_borrow(q->catalog->registry, err);
    int rc = conn ? reg_find_entry_by_path(conn, q->namespace_path, q->name, q->arena, ret, err) : -1;

    registry_return(q->catalog->registry, conn);
    if (rc == 0 && (ret->id == 0 || ret->kind != REG_VIEW))
        return cat_fail_no_view(q->namespace_path, q->name, q->arena, err);
    return rc;
}

int cat_view_exists(CatRequest *q, Error *err)
{
    RegEntry entry;

    if (find_view(q, &entry, err) < 0)
        return -1;
    cat_reply_empty(q, 204);
    return 0;
}

int cat_load_one_view(CatRequest *q, Error *err)
{
    _cleanup_document_ Document *d = NULL;
    RegEntry entry;

    if (find_view(q, &entry, err) < 0 || cat_load_view(q->catalog, entry.metadata_location, &d, err) < 0)
        return -1;
    return cat_reply_view(q, d, err);
}

/* ---- creating ---- */

static int find_place(CatRequest *q, Str asked, Str *ret_location, Error *err)
{
    RegConn *conn = registry_borrow(q->catalog->registry, err);
    RegNamespace ns;
    RegEntry entry;
    int rc = -1;

    if (!conn || reg_find_namespace(conn, q->namespace_path, q->arena, &ns, err) < 0 ||
        reg_find_entry(conn, ns.id, q->name, q->arena, &entry, err) < 0)
        goto out;
    if (entry.id != 0) {
        cat_fail_name_taken(entry.kind, REG_VIEW, q->namespace_path, q->name, q->arena, err);
    } else if (asked.len > 0 && cat_location_is_ours(asked)) {
        *ret_location = asked;
        rc = cat_location_check(q->catalog, conn, asked, 0, q->arena, err);
    } else {
        rc = cat_location_choose(q->catalog, conn, &ns, q->name, q->arena, ret_location, err);
    }
out:
    registry_return(q->catalog->registry, conn);
    return rc;
}

/* Writes the file, then adds the view. */
static int add_view(CatRequest *q, const ViewMetadata *view, Document **ret, Error *err)
{
    _cleanup_arena_ Arena *job_arena = arena_new(CATALOG_ARENA_BYTES);
    TableAdd add = {.namespace_path = q->namespace_path,
                    .name = q->name,
                    .kind = REG_VIEW,
                    .uuid = view->view_uuid,
                    .location = view->location,
                    .catalog = q->catalog,
                    .arena = job_arena};
    Document *d;

    add.metadata_location = cat_view_file_location(view, 0, q->arena);
    Outcome outcome = {200, CAT_IS_VIEW, add.metadata_location};
    if (cat_document_of_view(add.metadata_location, view, &d, err) < 0)
        return -1;
    int rc = cat_store(q->catalog, d, err);
    if (rc == 0) {
        rc = cat_write(q, cat_table_add_job, &add, &outcome, err);
        if (rc == 0 || err->code != ERR_COMMIT_UNKNOWN)
            cat_stored(q->catalog, add.metadata_location, rc == 0);
    }
    if (rc < 0)
        cat_document_unref(d);
    else
        *ret = d;
    return rc;
}

int cat_create_view(CatRequest *q, Error *err)
{
    _cleanup_document_ Document *d = NULL;
    const ViewMetadata *view;
    Str asked, location = STR_NULL;

    if (json_need_string(q->json, "name", &q->name, err) < 0 || cat_name_check(q->name, err) < 0 ||
        json_get_string(q->json, "location", STR_NULL, &asked, err) < 0 ||
        find_place(q, asked, &location, err) < 0 || view_new(q->json, location, q->arena, &view, err) < 0 ||
        add_view(q, view, &d, err) < 0)
        return -1;
    cat_document_cache_put(q->catalog->documents, d);
    return cat_reply_view(q, d, err);
}

int cat_register_view(CatRequest *q, Error *err)
{
    _cleanup_arena_ Arena *job_arena = arena_new(CATALOG_ARENA_BYTES);
    _cleanup_document_ Document *d = NULL;
    TableAdd add = {
        .namespace_path = q->namespace_path, .kind = REG_VIEW, .catalog = q->catalog, .arena = job_arena};
    const ViewMetadata *view;

    if (json_need_string(q->json, "name", &add.name, err) < 0 || cat_name_check(add.name, err) < 0 ||
        json_need_string(q->json, "metadata-location", &add.metadata_location, err) < 0)
        return -1;
    if (!cat_location_is_ours(add.metadata_location))
        return err_set(err, ERR_BAD_REQUEST, "metadata-location: expected a file of this storage (s3://…)");
    if (cat_load_view(q->catalog, add.metadata_location, &d, err) < 0 ||
        view_parse(cat_document_text(d), job_arena, &view, err) < 0) {
        if (err->code == ERR_ICEBERG_INVALID_METADATA)
            err->code = ERR_BAD_REQUEST;
        return -1;
    }
    add.uuid = view->view_uuid;
    add.location = view->location;
    add.version = cat_metadata_file_version(add.metadata_location);
    Outcome outcome = {200, CAT_IS_VIEW, add.metadata_location};
    if (cat_write(q, cat_table_add_job, &add, &outcome, err) < 0)
        return -1;
    return cat_reply_view(q, d, err);
}

/* ---- replacing ---- */

typedef struct ViewSwap {
    Catalog *catalog;
    Arena *arena;
    RegEntry entry;
    const ViewMetadata *old, *view;
    Str metadata_location;
    bool lost;
} ViewSwap;

static int swap_job(RegConn *conn, void *arg, Error *err)
{
    ViewSwap *s = arg;
    bool swapped;
    Str owned;

    s->lost = false;
    if (reg_swap_entry(conn, s->entry.id, s->entry.metadata_location, s->metadata_location,
                       s->entry.version + 1, &swapped, err) < 0)
        return -1;
    if (!swapped) {
        s->lost = true;
        return err_set(err, ERR_COMMIT_FAILED, "The view was changed meanwhile");
    }
    if (str_eq(s->old->location, s->view->location))
        return 0;
    if (cat_location_check(s->catalog, conn, s->view->location, s->entry.id, s->arena, err) < 0 ||
        cat_location_owned_form(s->view->location, s->arena, &owned, err) < 0)
        return -1;
    return reg_add_location(conn, owned, s->entry.id, err);
}

/* Before anything is written there; the swap checks again. */
static int check_location(CatRequest *q, const ViewSwap *s, Error *err)
{
    RegConn *conn;

    if (str_eq(s->old->location, s->view->location))
        return 0;
    conn = registry_borrow(q->catalog->registry, err);
    int rc = conn ? cat_location_check(q->catalog, conn, s->view->location, s->entry.id, q->arena, err) : -1;
    registry_return(q->catalog->registry, conn);
    return rc;
}

static int replace_once(CatRequest *q, ViewSwap *s, Document **ret, Error *err)
{
    _cleanup_document_ Document *old = NULL, *d = NULL;
    const Json *requirements, *updates;
    Outcome outcome = {200, CAT_IS_VIEW, STR_NULL};

    if (json_get_array(q->json, "requirements", &requirements, err) < 0 ||
        json_get_array(q->json, "updates", &updates, err) < 0 || find_view(q, &s->entry, err) < 0 ||
        cat_load_view(q->catalog, s->entry.metadata_location, &old, err) < 0 ||
        view_parse(cat_document_text(old), s->arena, &s->old, err) < 0 ||
        view_apply(s->old, requirements, updates, s->arena, &s->view, err) < 0)
        return -1;
    outcome.metadata_location = s->entry.metadata_location;
    if (s->view == s->old) {
        *ret = TAKE_PTR(old);
        return cat_write(q, NULL, NULL, &outcome, err);
    }
    if (check_location(q, s, err) < 0)
        return -1;
    s->metadata_location = cat_view_file_location(s->view, s->entry.version + 1, q->arena);
    outcome.metadata_location = s->metadata_location;
    if (cat_document_of_view(s->metadata_location, s->view, &d, err) < 0 || cat_store(q->catalog, d, err) < 0)
        return -1;
    int rc = fault_point("catalog.view.swap", err) ? -1 : cat_write(q, swap_job, s, &outcome, err);
    if (rc == 0 || err->code != ERR_COMMIT_UNKNOWN)
        cat_stored(q->catalog, s->metadata_location, rc == 0);
    if (rc < 0)
        return -1;
    cat_document_cache_remove(q->catalog->documents, s->entry.metadata_location);
    cat_document_cache_put(q->catalog->documents, d);
    *ret = TAKE_PTR(d);
    return 0;
}

int cat_replace_view(CatRequest *q, Error *err)
{
    _cleanup_document_ Document *d = NULL;
    TableLocks locks = {.n = 0};
    Catalog *c = q->catalog;
    bool lost = true;
    int rc = -1;

    cat_table_locks_add(&locks, q->namespace_path, q->name);
    cat_table_locks_take(c, &locks);
    for (int i = 0; lost && i < CATALOG_COMMIT_ATTEMPTS; i++) {
        ViewSwap s = {.catalog = c, .arena = arena_new(CATALOG_ARENA_BYTES)};
        rc = replace_once(q, &s, &d, err);
        lost = rc < 0 && s.lost;
        arena_free(s.arena);
    }
    cat_table_locks_release(c, &locks);
    return rc < 0 ? -1 : cat_reply_view(q, d, err);
}
