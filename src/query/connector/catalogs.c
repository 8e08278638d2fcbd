#include "query/connector/catalogs.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "query/connector/catalogs_internal.h"
#include "query/connector/iceberg_materialized.h"
#include "query/connector/generated.h"
#include "query/connector/iceberg_layout.h"
#include "query/connector/information_schema.h"

enum { OPTIONS_BYTES = 1 << 20, MANIFEST_LIST_BYTES = 256 << 20, PROBE_TIMEOUT_MS = 1000 };

/* ---- life ---- */

static void copy_options(Catalogs *c, const CatalogsOptions *o)
{
    c->options = *o;
    Str *strings[] = {&c->options.iceberg_name, &c->options.data_dir,  &c->options.run_dir,
                      &c->options.capability,   &c->options.warehouse, &c->options.node_uri,
                      &c->options.node_id};
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++)
        *strings[i] = arena_str(c->arena, *strings[i]);
}

/* DuckDB takes a file's name with these characters for a pattern; escaped, its check of allowed folders
 * refuses it. */
static int check_data_dir(Str dir, Error *err)
{
    for (size_t i = 0; i < dir.len; i++)
        if (strchr("*?[", dir.ptr[i]))
            return err_set(err, ERR_CONFIG, "data: the folder's path must not contain '%c': %.*s", dir.ptr[i],
                           STR_ARG(dir));
    return 0;
}

int catalogs_new(const CatalogsOptions *options, Catalogs **ret, Error *err)
{
    if (check_data_dir(options->data_dir, err))
        return -1;
    Catalogs *c = calloc(1, sizeof *c);
    if (!c)
        abort();
    c->arena = arena_new(OPTIONS_BYTES);
    copy_options(c, options);
    c->started_us = clock_now_us();
    Str storage = arena_printf(c->arena, "unix:%.*s/storage.sock", STR_ARG(options->run_dir));
    Str catalog = arena_printf(c->arena, "unix:%.*s/catalog.sock", STR_ARG(options->run_dir));
    c->tables = arena_cache_new(TABLE_CACHE_TABLES, TABLE_CACHE_BYTES);
    c->manifests = manifest_cache_new(MANIFEST_CACHE_BYTES);
    c->layouts = layout_cache_new();
    c->in_flight = in_flight_new();
    c->generated = generated_data_new();
    c->storage = storage_client_new(storage, c->options.capability, err);
    c->catalog = c->storage ? catalog_client_new(catalog, c->options.capability, err) : NULL;
    c->catalog_probe = c->catalog ? http_client_new(catalog, c->options.capability, err) : NULL;
    if (!c->catalog_probe) {
        catalogs_free(c);
        return -1;
    }
    *ret = c;
    return 0;
}

void catalogs_free(Catalogs *c)
{
    if (!c)
        return;
    generated_data_free(c->generated);
    arena_cache_free(c->tables);
    manifest_cache_free(c->manifests);
    layout_cache_free(c->layouts);
    in_flight_free(c->in_flight);
    http_client_free(c->catalog_probe);
    if (c->catalog)
        catalog_client_free(c->catalog);
    if (c->storage)
        storage_client_free(c->storage);
    arena_free(c->arena);
    free(c);
}

bool catalogs_storage_ready(Catalogs *c)
{
    return storage_client_is_connected(c->storage);
}

/* A catalog that is down may still have its socket, where a call waits: readiness must not, or a start that
 * failed could not be ended. */
static bool catalog_answers(Catalogs *c, Arena *arena)
{
    HttpResponse response;
    HttpCall call = {.method = "GET", .target = STR("/health"), .timeout_ms = PROBE_TIMEOUT_MS};
    return http_client_call(c->catalog_probe, &call, arena, &response, NULL) == 0 && response.status == 200;
}

bool catalogs_catalog_ready(Catalogs *c)
{
    CatalogConfig config;
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    return catalog_answers(c, arena) && catalog_config(c->catalog, STR(""), arena, &config, NULL) == 0;
}

/* ---- names ---- */

const Connector *catalogs_connector(const Catalogs *c, Str catalog)
{
    if (str_eq(catalog, c->options.iceberg_name))
        return &iceberg_connector;
    if (str_is(catalog, "tpch"))
        return &tpch_connector;
    if (str_is(catalog, "tpcds"))
        return &tpcds_connector;
    return str_is(catalog, "system") ? &system_connector : NULL;
}

static int compare_names(const void *a, const void *b)
{
    return str_cmp(*(const Str *)a, *(const Str *)b);
}

int catalogs_names(Catalogs *c, Arena *arena, const Str **ret, size_t *ret_n, Error *err)
{
    const Str all[] = {c->options.iceberg_name, STR("system"), STR("tpcds"), STR("tpch")};
    enum { N = sizeof all / sizeof *all };
    Str *names = arena_array(arena, Str, N);
    memcpy(names, all, sizeof all);
    qsort(names, N, sizeof *names, compare_names);
    *ret = names;
    *ret_n = N;
    (void)err;
    return 0;
}

Str namespace_of_schema(Str schema, Arena *arena)
{
    Str copy = arena_str(arena, schema);
    for (size_t i = 0; i < copy.len; i++)
        if (copy.ptr[i] == '.')
            ((char *)copy.ptr)[i] = CATALOG_LEVEL_SEPARATOR;
    return copy;
}

Str schema_of_namespace(Str namespace_, Arena *arena)
{
    Str copy = arena_str(arena, namespace_);
    for (size_t i = 0; i < copy.len; i++)
        if (copy.ptr[i] == CATALOG_LEVEL_SEPARATOR)
            ((char *)copy.ptr)[i] = '.';
    return copy;
}

static bool is_plain_name(Str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && !(i && c >= '0' && c <= '9'))
            return false;
    }
    return name.len > 0;
}

static void put_name(Buf *out, Str name)
{
    if (is_plain_name(name)) {
        buf_add(out, name);
        return;
    }
    buf_putc(out, '"');
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == '"')
            buf_putc(out, '"');
        buf_putc(out, name.ptr[i]);
    }
    buf_putc(out, '"');
}

Str table_name_text(Arena *arena, Str catalog, Str schema, Str table)
{
    Buf out = BUF_INIT(1 << 20);
    Str parts[] = {catalog, schema, table};
    for (size_t i = 0; i < 3; i++) {
        if (!parts[i].ptr)
            continue;
        buf_puts(&out, i ? "." : "");
        put_name(&out, parts[i]);
    }
    Str text = arena_str(arena, buf_str(&out));
    buf_free(&out);
    return text;
}

int catalogs_resolve_name(const StatementContext *context, const QualifiedName *name, size_t n_parts,
                          Str ret_parts[3], Error *err)
{
    Arena *arena = context->arena;
    const AnalyzerSession *session = context->session;
    Str defaults[2] = {session ? session->catalog : STR(""), session ? session->schema : STR("")};
    if (name->n > n_parts)
        return err_set_sql(err, ERR_SYNTAX, name->pos.line, name->pos.column, "Too many parts in %s name",
                           n_parts == 2 ? "schema" : "table");
    size_t missing = n_parts - name->n;
    for (size_t i = 0; i < n_parts; i++)
        ret_parts[i] =
            i < missing ? (i < 2 ? defaults[i] : STR("")) : arena_lower(arena, name->parts[i - missing].text);
    if (!ret_parts[0].len)
        return err_set_sql(err, ERR_MISSING_CATALOG_NAME, name->pos.line, name->pos.column,
                           n_parts == 2 ? "Catalog must be specified when session catalog is not set"
                                        : "Catalog must be specified when session catalog is not set");
    if (!ret_parts[1].len)
        return err_set_sql(err, ERR_MISSING_SCHEMA_NAME, name->pos.line, name->pos.column,
                           "Schema must be specified when session schema is not set");
    return 0;
}

/* ---- one statement's view ---- */

typedef struct StatementTables {
    MetadataSource source;
    StatementContext *context;
    Vec(KnownTable) tables;
} StatementTables;

static int catalog_exists(MetadataSource *self, Str catalog, bool *ret, Error *err)
{
    (void)err;
    *ret = catalogs_connector(((StatementTables *)self)->context->catalogs, catalog) != NULL;
    return 0;
}

static int schema_exists(MetadataSource *self, Str catalog, Str schema, bool *ret, Error *err)
{
    StatementContext *context = ((StatementTables *)self)->context;
    const Connector *connector = catalogs_connector(context->catalogs, catalog);
    *ret = false;
    if (!connector)
        return 0;
    if (str_is(schema, "information_schema")) {
        *ret = true;
        return 0;
    }
    return connector->schema_exists(context, schema, ret, err);
}

static int find_table(StatementContext *context, Str catalog, Str schema, Str table,
                      const Relation *reference, const TableHandle **ret, Error *err)
{
    const Connector *connector = catalogs_connector(context->catalogs, catalog);
    *ret = NULL;
    if (!connector)
        return 0;
    if (str_is(schema, "information_schema"))
        return information_schema_table(context, catalog, table, ret, err);
    return connector->get_table(context, catalog, schema, table, reference, context->arena, ret, err);
}

static int get_table(MetadataSource *self, Str catalog, Str schema, Str table, const Relation *reference,
                     Arena *arena, const TableHandle **ret, Error *err)
{
    StatementTables *s = (StatementTables *)self;
    bool versioned =
        reference && reference->kind == REL_TABLE &&
        (reference->table.version || reference->table.timestamp || reference->table.branch.text.ptr ||
         reference->table.is_changes);
    (void)arena; /* the statement's: what one reference saw, all later ones see */
    for (size_t i = 0; i < s->tables.n; i++) {
        const KnownTable *k = &s->tables.items[i];
        if (str_eq(k->table, table) && str_eq(k->schema, schema) && str_eq(k->catalog, catalog) &&
            k->reference == (versioned ? reference : NULL)) {
            *ret = k->handle;
            return 0;
        }
    }
    if (find_table(s->context, catalog, schema, table, versioned ? reference : NULL, ret, err))
        return -1;
    Arena *own = s->context->arena;
    *vec_push(own, &s->tables) = (KnownTable){arena_str(own, catalog), arena_str(own, schema),
                                              arena_str(own, table), versioned ? reference : NULL, *ret};
    return 0;
}

static int get_view(MetadataSource *self, Str catalog, Str schema, Str view, Arena *arena,
                    ViewDefinition *ret, Error *err)
{
    const TableHandle *handle;
    *ret = (ViewDefinition){0};
    if (get_table(self, catalog, schema, view, NULL, arena, &handle, err))
        return -1;
    if (!handle || handle->ops != &iceberg_view_ops)
        return 0;
    return view_is_materialized(handle)
               ? materialized_reading(((StatementTables *)self)->context, handle, arena, ret, err)
               : iceberg_view_definition(handle, arena, ret, err);
}

static int get_materialized(MetadataSource *self, Str catalog, Str schema, Str view, Arena *arena,
                            MaterializedView *ret, Error *err)
{
    const TableHandle *handle;
    *ret = (MaterializedView){0};
    if (get_table(self, catalog, schema, view, NULL, arena, &handle, err))
        return -1;
    if (!view_is_materialized(handle))
        return 0;
    return iceberg_view_definition(handle, arena, &ret->definition, err) ||
                   materialized_storage(((StatementTables *)self)->context, handle, &ret->storage, err)
               ? -1
               : 0;
}

MetadataSource *catalogs_metadata(StatementContext *context)
{
    if (!context->metadata) {
        StatementTables *s = arena_new_of(context->arena, StatementTables);
        *s = (StatementTables){.source = {catalog_exists, schema_exists, get_table, get_view,
                                          get_materialized},
                               .context = context};
        context->metadata = &s->source;
    }
    return context->metadata;
}

bool catalogs_tables_are_lasting(StatementContext *context, const KnownTable **ret, size_t *ret_n)
{
    const StatementTables *s = (const StatementTables *)catalogs_metadata(context);
    *ret = s->tables.items;
    *ret_n = s->tables.n;
    for (size_t i = 0; i < s->tables.n; i++) {
        const KnownTable *k = &s->tables.items[i];
        if (k->reference || !k->handle || !k->handle->ops->is_same)
            return false;
    }
    return true;
}

int catalogs_find_again(StatementContext *context, const KnownTable *then, size_t n, const TableHandle **ret,
                        bool *ret_same, Error *err)
{
    MetadataSource *now = catalogs_metadata(context);
    *ret_same = true;
    for (size_t i = 0; i < n && *ret_same; i++) {
        const KnownTable *k = &then[i];
        if (get_table(now, k->catalog, k->schema, k->table, NULL, context->arena, &ret[i], err))
            return -1;
        *ret_same = ret[i] && ret[i]->ops == k->handle->ops && k->handle->ops->is_same(k->handle, ret[i]);
    }
    return 0;
}

int catalogs_get_table(StatementContext *context, Str catalog, Str schema, Str table,
                       const Relation *reference, Arena *arena, const TableHandle **ret, Error *err)
{
    return get_table(catalogs_metadata(context), catalog, schema, table, reference, arena, ret, err);
}

Str session_property(const StatementContext *context, Str catalog, const char *name, Str default_value)
{
    for (size_t i = 0; i < context->n_properties; i++) {
        const SessionProperty *p = &context->properties[i];
        if (str_eq(p->catalog, catalog) && str_is(p->name, name))
            return p->value;
    }
    return default_value;
}

/* ---- manifests ---- */

static int read_manifest(void *arg, Str path, int64_t length_bytes, Arena *arena, Str *ret_bytes, Error *err)
{
    Catalogs *c = arg;
    (void)length_bytes; /* what storage has is what counts: some writers note another length */
    if (storage_get(c->storage, path, MANIFEST_LIST_BYTES, arena, ret_bytes, NULL, err) == 0)
        return 0;
    if (err &&
        (err->code == ERR_NO_SUCH_KEY || err->code == ERR_NO_SUCH_BUCKET || err->code == ERR_NOT_FOUND)) {
        err_set(err, ERR_ICEBERG_MISSING_METADATA, "Metadata file is missing: %.*s", STR_ARG(path));
        snprintf(err->resource, sizeof err->resource, "%.*s", STR_ARG(path));
    }
    return -1;
}

ManifestSource catalogs_manifest_source(Catalogs *c)
{
    return (ManifestSource){.read = read_manifest, .arg = c, .cache = c->manifests};
}
