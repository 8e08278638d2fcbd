/* handle_tables.c - tables: listing, creating, loading. */
#include <stdlib.h>

#include "base/fs.h"
#include "catalog/routes.h"
#include "catalog/table_add.h"
#include "iceberg/metadata_internal.h"

/* ---- listing ---- */

static int list_names(RegConn *conn, const Listing *listing, Str after, int64_t limit, RegNameFn fn,
                      void *arg, Error *err)
{
    return reg_list_entries(conn, listing->namespace_id, listing->kind, after, limit, fn, arg, err);
}

static void write_name(JsonWriter *w, const Listing *listing, Str name)
{
    cat_identifier_to_json(w, listing->namespace_path, name);
}

int cat_list_entries(CatRequest *q, RegKind kind, Error *err)
{
    Registry *registry = q->catalog->registry;
    Listing listing = {.key = "identifiers",
                       .list = list_names,
                       .write = write_name,
                       .namespace_path = q->namespace_path,
                       .kind = kind};
    RegNamespace ns;
    RegConn *conn = registry_borrow(registry, err);

    if (!conn)
        return -1;
    int rc = reg_find_namespace(conn, q->namespace_path, q->arena, &ns, err);
    if (rc == 0) {
        listing.namespace_id = ns.id;
        rc = cat_reply_listing(q, conn, &listing, err);
    }
    registry_return(registry, conn);
    return rc;
}

int cat_list_tables(CatRequest *q, Error *err)
{
    return cat_list_entries(q, REG_TABLE, err);
}

/* ---- creating ---- */

typedef struct CreateRequest {
    NewTable table;
    Str location; /* as asked for; ptr NULL: the catalog chooses */
    bool stage;
} CreateRequest;

static int read_request(CatRequest *q, CreateRequest *r, Error *err)
{
    Arena *arena = q->own_arena;
    const Json *spec = json_get(q->json, "partition-spec"), *order = json_get(q->json, "write-order");
    IceSchema *schema;
    IcePartitionSpec *parsed_spec;
    IceSortOrder *parsed_order;

    *r = (CreateRequest){.stage = false};
    if (json_need_string(q->json, "name", &q->name, err) < 0 || cat_name_check(q->name, err) < 0 ||
        json_get_bool(q->json, "stage-create", false, &r->stage, err) < 0 ||
        json_get_string(q->json, "location", STR_NULL, &r->location, err) < 0 ||
        ice_properties_parse(json_get(q->json, "properties"), "properties", arena, &r->table.properties,
                             &r->table.n_properties, err) < 0)
        return -1;
    if (!json_get(q->json, "schema"))
        return err_set(err, ERR_BAD_REQUEST, "\"schema\" is missing");
    if (ice_schema_parse(json_get(q->json, "schema"), arena, &schema, err) < 0)
        return -1;
    r->table.schema = schema;
    if (!json_is_null(spec)) {
        if (ice_spec_parse(spec, arena, &parsed_spec, err) < 0)
            return -1;
        r->table.spec = parsed_spec;
    }
    if (!json_is_null(order)) {
        if (ice_sort_order_parse(order, arena, &parsed_order, err) < 0)
            return -1;
        r->table.sort_order = parsed_order;
    }
    /* A place that this storage does not have (file:, hdfs:) is the client's habit, not its need. */
    if (r->location.len == 0 || !cat_location_is_ours(r->location))
        r->location = STR_NULL;
    return 0;
}

/* The namespace and the name, and where the table goes. */
static int find_place(CatRequest *q, const CreateRequest *r, Str *ret_location, Error *err)
{
    RegConn *conn = registry_borrow(q->catalog->registry, err);
    RegNamespace ns;
    RegEntry entry;
    int rc = -1;

    if (!conn || reg_find_namespace(conn, q->namespace_path, q->arena, &ns, err) < 0 ||
        reg_find_entry(conn, ns.id, q->name, q->arena, &entry, err) < 0)
        goto out;
    if (entry.id != 0) {
        cat_fail_name_taken(entry.kind, REG_TABLE, q->namespace_path, q->name, q->arena, err);
    } else if (r->location.ptr) {
        *ret_location = r->location;
        rc = cat_location_check(q->catalog, conn, r->location, 0, q->arena, err);
    } else {
        rc = cat_location_choose(q->catalog, conn, &ns, q->name, q->arena, ret_location, err);
    }
out:
    registry_return(q->catalog->registry, conn);
    return rc;
}

static int create_staged(CatRequest *q, const TableMetadata *table, Error *err)
{
    Document *d;
    Str owned;

    if (cat_location_owned_form(table->location, q->arena, &owned, err) < 0 ||
        cat_document_new(STR(""), table, &d, err) < 0)
        return -1;
    cat_location_reserve(q->catalog, owned);
    int rc = cat_reply_table(q, d, true, false, err);
    cat_document_unref(d);
    return rc;
}

/* One attempt; *ret_again: somebody else took the place that was chosen. */
static int create_at(CatRequest *q, const TableMetadata *table, Document **ret, bool *ret_again, Error *err)
{
    _cleanup_arena_ Arena *job_arena = arena_new(CATALOG_ARENA_BYTES);
    TableAdd add = {.namespace_path = q->namespace_path,
                    .name = q->name,
                    .uuid = table->table_uuid,
                    .location = table->location,
                    .catalog = q->catalog,
                    .arena = job_arena};
    Document *d;

    add.metadata_location = cat_metadata_file_location(table, 0, q->arena);
    Outcome outcome = {200, STR_NULL, add.metadata_location};
    if (cat_document_new(add.metadata_location, table, &d, err) < 0)
        return -1;
    int rc = cat_store(q->catalog, d, err);
    if (rc == 0) {
        rc = cat_write(q, cat_table_add_job, &add, &outcome, err);
        if (rc == 0 || err->code != ERR_COMMIT_UNKNOWN)
            cat_stored(q->catalog, add.metadata_location, rc == 0);
    }
    *ret_again = rc < 0 && add.location_taken;
    if (rc < 0)
        cat_document_unref(d);
    else
        *ret = d;
    return rc;
}

int cat_create_table(CatRequest *q, Error *err)
{
    CreateRequest r;
    const TableMetadata *table;
    Document *d = NULL;
    bool again = true;
    int rc = -1;

    if (read_request(q, &r, err) < 0)
        return -1;
    for (int i = 0; again && i < CATALOG_COMMIT_ATTEMPTS; i++) {
        again = false;
        if (find_place(q, &r, &r.table.location, err) < 0 ||
            metadata_new(&r.table, q->own_arena, &table, err) < 0)
            return -1;
        if (r.stage)
            return create_staged(q, table, err);
        rc = create_at(q, table, &d, &again, err);
        again = again && !r.location.ptr;
    }
    if (rc < 0)
        return -1;
    cat_document_set_model(d, table, TAKE_PTR(q->own_arena), NULL);
    cat_document_cache_put(q->catalog->documents, d);
    rc = cat_reply_table(q, d, false, false, err);
    cat_document_unref(d);
    return rc;
}

/* ---- loading ---- */

/* 1 on the loop thread: a connection would have to be waited for. */
static int find_table(CatRequest *q, RegEntry *ret, Error *err)
{
    Registry *registry = q->catalog->registry;
    RegConn *conn = q->on_loop ? registry_try_borrow(registry) : registry_borrow(registry, err);
    int rc;

    if (!conn)
        return q->on_loop ? 1 : -1;
    rc = reg_find_entry_by_path(conn, q->namespace_path, q->name, q->arena, ret, err);
    registry_return(q->catalog->registry, conn);
    if (rc == 0 && (ret->id == 0 || ret->kind != REG_TABLE))
        return cat_fail_no_table(q->namespace_path, q->name, q->arena, err);
    return rc;
}

static bool is_not_modified(const CatRequest *q, Str etag)
{
    Str header = http_header(q->http, "If-None-Match");
    return header.ptr && (http_etag_matches(header, etag) || str_eq(str_trim(header), etag));
}

/* 1 on the loop thread: the document is not at hand, or too large to be copied there. */
static int load_document(CatRequest *q, Str location, bool refs_only, Document **ret, Error *err)
{
    if (!q->on_loop)
        return cat_load(q->catalog, location, ret, err);
    Document *d = cat_document_cache_get(q->catalog->documents, location);
    if (d && cat_document_text(d).len <= CATALOG_LOOP_BYTES &&
        (!refs_only || cat_document_has_refs_text(d))) {
        *ret = d;
        return 0;
    }
    cat_document_unref(d);
    return 1;
}

int cat_load_table(CatRequest *q, Error *err)
{
    Str snapshots = http_query_param(q->http, "snapshots");
    bool refs_only = str_is(snapshots, "refs");
    RegEntry entry;
    Document *d;
    int rc;

    if (snapshots.len > 0 && !refs_only && !str_is(snapshots, "all"))
        return err_set(err, ERR_BAD_REQUEST, "Invalid snapshots: expected all or refs");
    if ((rc = find_table(q, &entry, err)) != 0)
        return rc;
    Str etag = cat_table_etag(entry.metadata_location, refs_only, q->arena);
    if (is_not_modified(q, etag)) {
        http_set_headerf(q->http, "ETag", "\"%.*s\"", STR_ARG(etag));
        cat_reply_empty(q, 304);
        return 0;
    }
    if ((rc = load_document(q, entry.metadata_location, refs_only, &d, err)) != 0)
        return rc;
    rc = cat_reply_table(q, d, false, refs_only, err);
    cat_document_unref(d);
    return rc;
}

int cat_table_exists(CatRequest *q, Error *err)
{
    RegEntry entry;
    int rc = find_table(q, &entry, err);

    if (rc == 0)
        cat_reply_empty(q, 204);
    return rc;
}

int cat_report_metrics(CatRequest *q, Error *err)
{
    RegEntry entry;
    Str type;

    if (json_need_string(q->json, "report-type", &type, err) < 0 || find_table(q, &entry, err) < 0)
        return -1;
    cat_reply_empty(q, 204);
    return 0;
}
