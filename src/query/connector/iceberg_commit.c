#include <stdio.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/rng.h"
#include "query/connector/iceberg_write.h"

enum {
    RETRIES_DEFAULT = 20,
    RETRIES_MAX = 1000,
    RESOLVE_TRIES = 8,
    RESOLVE_MS = 60000,
    ADOPT_FILES_MAX = 256,
    TABLE_ARENA_BYTES = 512 << 20,
    COMMIT_BYTES_MAX = 256 << 20
};

typedef struct Commit {
    StatementContext *context;
    Catalogs *catalogs;
    const CommitTarget *target;
    const TableMetadata *base; /* of this attempt */
    const TableMetadata *view; /* what its snapshot is built on: base, or base as it is replaced */
    WrittenFiles *files;
    Arena *arena;
    int64_t snapshot_id;
    Str uuid;
    AddedFiles added;
    SnapshotChange change;
    Vec(Str) stored; /* to be removed when nothing comes of it */
} Commit;

/* ---- storing ---- */

typedef struct Store {
    Commit *commit;
    const IceOutputFile *output; /* NULL: adopt the data files */
} Store;

static bool is_broken(const Error *err)
{
    return err && (err->code == ERR_IO || err->code == ERR_TIMEOUT || err->code == ERR_UNAVAILABLE);
}

/* In parts: a request of storage has a budget. What a failed write has adopted is removed again. */
static int adopt(Commit *c, Error *err)
{
    WrittenFiles *f = c->files;
    _cleanup_arena_ Arena *scratch = arena_new(256 << 20);
    StorageAdopt *list = arena_array(scratch, StorageAdopt, f->n + 1);
    size_t n_list = 0;
    for (size_t i = 0; i < f->n; i++)
        if (f->files[i].stage_name.len) /* else it stands in the file of another */
            list[n_list++] = (StorageAdopt){f->files[i].stage_name, f->files[i].uri};
    for (size_t from = 0; from < n_list; from += ADOPT_FILES_MAX) {
        size_t n = n_list - from < ADOPT_FILES_MAX ? n_list - from : ADOPT_FILES_MAX;
        if (fault_point("query.write.adopt", err))
            return -1;
        if (!storage_adopt(f->stage, list + from, n, scratch, NULL, err))
            continue;
        if (!is_broken(err) || storage_adopt(f->stage, list + from, n, scratch, NULL, err))
            return -1;
    }
    return 0;
}

static int store_one(void *item, Error *err)
{
    Store *s = item;
    StorageClient *storage = s->commit->catalogs->storage;
    if (!s->output)
        return adopt(s->commit, err);
    if (fault_point("query.write.manifest", err))
        return -1;
    if (!storage_put(storage, s->output->path, STR("application/avro"), s->output->bytes, STORAGE_PUT_REPLACE,
                     NULL, NULL, err))
        return 0;
    return is_broken(err) ? storage_put(storage, s->output->path, STR("application/avro"), s->output->bytes,
                                        STORAGE_PUT_REPLACE, NULL, NULL, err)
                          : -1;
}

/* Data files, manifests and the list, side by side: storage makes them durable in one group. */
static int store_all(Commit *c, const NewSnapshot *snapshot, bool first, Error *err)
{
    size_t n = 0, max = 1 + c->added.n + snapshot->n_outputs, noted = c->stored.n;
    Store *stores = arena_array(c->arena, Store, max);
    void **items = arena_array(c->arena, void *, max);
    if (first) {
        if (c->files && c->files->n)
            stores[n++] = (Store){c, NULL};
        for (size_t i = 0; c->files && i < c->files->n; i++)
            *vec_push(c->arena, &c->stored) = c->files->files[i].uri;
        for (size_t i = 0; i < c->added.n; i++)
            stores[n++] = (Store){c, &c->added.outputs[i]};
    }
    for (size_t i = 0; i < snapshot->n_outputs; i++)
        stores[n++] = (Store){c, &snapshot->outputs[i]};
    for (size_t i = 0; i < n; i++) {
        items[i] = &stores[i];
        if (stores[i].output)
            *vec_push(c->arena, &c->stored) = stores[i].output->path;
    }
    in_flight_add(c->catalogs->in_flight, c->stored.items + noted, c->stored.n - noted);
    return run_parallel(store_one, items, n, err);
}

static void remove_stored(Commit *c)
{
    Error ignored;
    if (c->stored.n && storage_delete_many(c->catalogs->storage, c->stored.items, c->stored.n, &ignored))
        log_warn("query.cleanup", L_ERR(&ignored));
}

/* ---- the commit ---- */

static Str joined_updates(const CommitTarget *t, Arena *arena, Str updates)
{
    if (!t->n_create_updates)
        return updates;
    Buf out = BUF_INIT(COMMIT_BYTES_MAX);
    buf_putc(&out, '[');
    for (size_t i = 0; i < t->n_create_updates; i++) {
        buf_puts(&out, i ? "," : "");
        buf_add(&out, t->create_updates[i]);
    }
    Str rest = str_trim(updates);
    rest = str_slice(rest, 1, rest.len);
    buf_puts(&out, rest.len > 1 ? "," : "");
    buf_add(&out, rest);
    Str text = arena_str(arena, buf_str(&out));
    buf_free(&out);
    return text;
}

int iceberg_replaced(const CommitTarget *t, const TableMetadata *base, Arena *arena,
                     const TableMetadata **ret, Error *err)
{
    const Json *updates;
    return json_parse(joined_updates(t, arena, STR("[]")), arena, &updates, err) ||
                   metadata_apply(base, STR(""), NULL, updates, arena, ret, err)
               ? -1
               : 0;
}

/* Files in hand are written for one schema and spec: another commit may not take their numbers. */
static int choose_view(Commit *c, Error *err)
{
    const TableMetadata *before = c->view;
    c->view = c->base;
    if (!c->target->replaces)
        return 0;
    if (iceberg_replaced(c->target, c->base, c->arena, &c->view, err))
        return -1;
    if (before && (before->current_schema_id != c->view->current_schema_id ||
                   before->default_spec_id != c->view->default_spec_id ||
                   before->default_sort_order_id != c->view->default_sort_order_id ||
                   before->last_column_id != c->view->last_column_id ||
                   before->last_partition_id != c->view->last_partition_id))
        return err_set(err, ERR_COMMIT_FAILED, "Table %.*s was changed while it was replaced",
                       STR_ARG(c->target->name));
    return 0;
}

static void put_expected(JsonWriter *w, const char *type, const char *key, int64_t value)
{
    json_object(w);
    json_kv_cstr(w, "type", type);
    json_kv_int(w, key, value);
    json_end_object(w);
}

static Str replace_requirements(Commit *c)
{
    const TableMetadata *m = c->base;
    _cleanup_buf_ Buf out = BUF_INIT(1 << 16);
    JsonWriter w = JSON_WRITER(&out);
    json_array(&w);
    json_object(&w);
    json_kv_cstr(&w, "type", "assert-table-uuid");
    json_kv_str(&w, "uuid", m->table_uuid);
    json_end_object(&w);
    json_object(&w);
    json_kv_cstr(&w, "type", "assert-ref-snapshot-id");
    json_kv_cstr(&w, "ref", "main");
    json_key(&w, "snapshot-id");
    if (metadata_current_snapshot(m))
        json_int(&w, m->current_snapshot_id);
    else
        json_null(&w);
    json_end_object(&w);
    put_expected(&w, "assert-last-assigned-field-id", "last-assigned-field-id", m->last_column_id);
    put_expected(&w, "assert-last-assigned-partition-id", "last-assigned-partition-id",
                 m->last_partition_id);
    json_end_array(&w);
    return arena_str(c->arena, buf_str(&out));
}

static bool is_unknown(const Error *err)
{
    return err->code == ERR_COMMIT_UNKNOWN || err->code == ERR_IO || err->code == ERR_TIMEOUT;
}

/* Did the commit whose answer was lost happen? 1: it did, 0: it did not (yet), -1: nobody answers. */
static int look_for_snapshot(Commit *c)
{
    LoadedTable loaded;
    Error err;
    const CommitTarget *t = c->target;
    if (table_cache_load(c->catalogs->tables, c->catalogs->catalog, t->namespace_, t->name, c->arena, &loaded,
                         &err))
        return err.code == ERR_NO_SUCH_TABLE ? 0 : -1;
    return metadata_snapshot(loaded.metadata, c->snapshot_id) != NULL;
}

/* false: it does not answer before the deadline. A call to a catalog that is down would wait in its socket
 * for as long as a call may take. */
static bool wait_for_catalog(Commit *c, int64_t deadline_us)
{
    while (!catalogs_catalog_ready(c->catalogs)) {
        if (clock_monotonic_us() >= deadline_us)
            return false;
        clock_sleep_ms(50);
    }
    return true;
}

/* No more attempts. maybe: one of them may have happened, whatever the last one says; what was written for it
 * must then stay. Only a catalog that answers about the key of all of them can tell that none did. */
static int give_up(Commit *c, bool maybe, Error *err)
{
    if (!maybe)
        return -1;
    int there = catalogs_catalog_ready(c->catalogs) ? look_for_snapshot(c) : -1;
    if (there == 1)
        return 0;
    if (there == 0 && !is_unknown(err) && err->code != ERR_UNAVAILABLE)
        return -1;
    return err_set(err, ERR_COMMIT_UNKNOWN,
                   "The outcome of the commit to %.*s is unknown; its snapshot would be %lld",
                   STR_ARG(c->target->name), (long long)c->snapshot_id);
}

/* Sends one attempt, and the same again under the same key for as long as its outcome is unknown. */
static int send(Commit *c, const NewSnapshot *snapshot, Error *err)
{
    char key[UUID_TEXT_LEN + 1];
    CatalogTable answer = {0};
    const CommitTarget *t = c->target;
    bool creates = t->n_create_updates > 0 && !t->replaces, maybe = false;
    CatalogCommit commit = {.namespace_ = t->namespace_,
                            .name = t->name,
                            .updates = joined_updates(t, c->arena, snapshot->updates),
                            .requirements = creates       ? STR("[{\"type\":\"assert-create\"}]")
                                            : t->replaces ? replace_requirements(c)
                                                          : snapshot->requirements,
                            .task_key = c->context->task_key};
    int64_t deadline_us = clock_monotonic_us() + (int64_t)RESOLVE_MS * 1000;
    uuid7_text(key);
    for (int i = 0;; i++) {
        Arena *owned = arena_new(TABLE_ARENA_BYTES);
        if (!fault_point("query.write.commit", err) &&
            !catalog_commit_table(c->catalogs->catalog, &commit, str_from(key), owned, &answer, err)) {
            table_cache_put(c->catalogs->tables, t->namespace_, t->name, owned, &answer);
            return 0;
        }
        arena_free(owned);
        bool unknown = is_unknown(err);
        maybe |= unknown;
        if ((!unknown && err->code != ERR_UNAVAILABLE) || i >= RESOLVE_TRIES)
            return give_up(c, maybe, err);
        clock_sleep_ms(50 << i);
        if (!wait_for_catalog(c, deadline_us))
            return give_up(c, maybe, err);
        if (unknown && look_for_snapshot(c) == 1)
            return 0;
    }
}

static int64_t max_retries(const TableMetadata *table)
{
    int64_t n;
    Str text = metadata_property(table, "commit.retry.num-retries", STR(""));
    return str_to_i64(text, 0, RETRIES_MAX, &n, NULL) ? RETRIES_DEFAULT : n;
}

static void wait_before_retry(int attempt)
{
    int64_t limit = 5LL << (attempt < 8 ? attempt : 8);
    clock_sleep_ms(1 + (int64_t)(rng_u64() % (uint64_t)limit));
}

static bool may_repeat(const Commit *c, int attempt, int64_t retries, const Error *err)
{
    return err->code == ERR_COMMIT_FAILED && (!c->target->n_create_updates || c->target->replaces) &&
           attempt < retries && !atomic_load(&c->context->cancelled);
}

/* The table as it is now, for the next attempt. */
static int load_base(Commit *c, Error *err)
{
    LoadedTable loaded;
    const CommitTarget *t = c->target;
    if (table_cache_load(c->catalogs->tables, c->catalogs->catalog, t->namespace_, t->name, c->arena, &loaded,
                         err))
        return -1;
    if (!str_eq(loaded.metadata->table_uuid, c->base->table_uuid))
        return err_set(err, ERR_COMMIT_FAILED, "Table %.*s was dropped and created anew meanwhile",
                       STR_ARG(t->name));
    c->base = loaded.metadata;
    return choose_view(c, err);
}

static int commit_attempts(Commit *c, Error *err)
{
    const CommitTarget *t = c->target;
    ManifestSource source = catalogs_manifest_source(c->catalogs);
    int64_t retries = max_retries(c->base);
    for (int attempt = 0;; attempt++) {
        NewSnapshot snapshot;
        int64_t started_us = clock_monotonic_us();
        c->change.attempt = attempt;
        if (attempt && t->checks && snapshot_check(c->view, t->branch, t->checks, &source, c->arena, err))
            return -1;
        if (snapshot_build(c->view, &c->change, &source, c->arena, &snapshot, err))
            return -1;
        int64_t built_us = clock_monotonic_us();
        if (store_all(c, &snapshot, attempt == 0, err))
            return -1;
        int64_t stored_us = clock_monotonic_us();
        if (atomic_load(&c->context->cancelled))
            return err_set(err, ERR_USER_CANCELED, "Query was canceled");
        int r = send(c, &snapshot, err);
        log_debug("query.commit", L_INT("attempt", attempt), L_INT("build_us", built_us - started_us),
                  L_INT("store_us", stored_us - built_us),
                  L_INT("commit_us", clock_monotonic_us() - stored_us));
        if (!r)
            return 0;
        if (!may_repeat(c, attempt, retries, err))
            return -1;
        wait_before_retry(attempt);
        if (load_base(c, err))
            return -1;
    }
}

static const IceProperty *summary_of(Commit *c, size_t *ret_n)
{
    const AnalyzerSession *session = c->context->session;
    const IceProperty items[] = {
        {STR("engine-name"), STR("lakehouse")},
        {STR("engine-version"), STR(LAKEHOUSE_VERSION)},
        {STR("trino_query_id"), c->context->query_id},
        {STR("trino_user"), session ? session->user : STR("")},
    };
    const CommitTarget *t = c->target;
    IceProperty *copy = arena_array(c->arena, IceProperty, 4 + t->n_summary);
    size_t n = 0;
    for (size_t i = 0; i < t->n_summary; i++)
        copy[n++] = t->summary[i];
    for (size_t i = 0; i < 4; i++)
        if (items[i].value.len)
            copy[n++] = items[i];
    *ret_n = n;
    return copy;
}

static int prepare(Commit *c, Error *err)
{
    char uuid[UUID_TEXT_LEN + 1];
    size_t n = c->files ? c->files->n : 0;
    if (choose_view(c, err))
        return -1;
    uuid4_text(uuid);
    c->uuid = arena_str(c->arena, str_from(uuid));
    c->snapshot_id = rng_positive_i64();
    NewFile *files = arena_array(c->arena, NewFile, n + 1);
    for (size_t i = 0; i < n; i++)
        files[i] = (NewFile){&c->files->files[i].file,
                             c->target->data_sequence_number ? c->target->data_sequence_number : -1};
    if (n && snapshot_add_files(c->view, files, n, c->snapshot_id, c->uuid, c->arena, &c->added, err))
        return -1;
    c->change = (SnapshotChange){.operation = c->target->operation,
                                 .snapshot_id = c->snapshot_id,
                                 .timestamp_ms = clock_now_ms(),
                                 .uuid = c->uuid,
                                 .branch = c->target->branch,
                                 .added = n ? &c->added : NULL,
                                 .removed = c->target->removed,
                                 .n_removed = c->target->n_removed,
                                 .merge_manifests = true};
    Str merge = session_property(c->context, c->catalogs->options.iceberg_name, "merge_manifests_on_write",
                                 STR("true"));
    c->change.merge_manifests = !str_is(merge, "false") || c->target->merges_all_manifests;
    c->change.merge_min_count = c->target->merges_all_manifests ? 2 : 0;
    c->change.summary = summary_of(c, &c->change.n_summary);
    return 0;
}

int iceberg_commit_files(StatementContext *context, const CommitTarget *target, WrittenFiles *files,
                         int64_t *ret_snapshot_id, Error *err)
{
    Error e = {0};
    Commit c = {.context = context,
                .catalogs = context->catalogs,
                .target = target,
                .base = target->base,
                .files = files,
                .arena = context->arena};
    if (prepare(&c, err))
        return -1;
    int r = commit_attempts(&c, &e);
    if (r && e.code != ERR_COMMIT_UNKNOWN)
        remove_stored(&c);
    if (!r || e.code != ERR_COMMIT_UNKNOWN)
        in_flight_remove(c.catalogs->in_flight, c.stored.items, c.stored.n);
    if (r && e.code == ERR_COMMIT_FAILED) {
        Error why = e;
        err_set(&e, ERR_ICEBERG_COMMIT_ERROR, "Failed to commit the transaction during write: %s",
                why.message);
    }
    if (r && err)
        *err = e;
    if (!r && ret_snapshot_id)
        *ret_snapshot_id = c.snapshot_id;
    if (files)
        written_files_free(files);
    return r;
}

int iceberg_commit_updates(StatementContext *context, Str namespace_, Str name, Str requirements, Str updates,
                           Error *err)
{
    char key[UUID_TEXT_LEN + 1];
    CatalogTable answer = {0};
    Catalogs *c = context->catalogs;
    Arena *owned = arena_new(TABLE_ARENA_BYTES);
    CatalogCommit commit = {
        .namespace_ = namespace_, .name = name, .requirements = requirements, .updates = updates};
    uuid7_text(key);
    if (catalog_commit_table(c->catalog, &commit, str_from(key), owned, &answer, err)) {
        arena_free(owned);
        table_cache_drop(c->tables, namespace_, name);
        return -1;
    }
    table_cache_put(c->tables, namespace_, name, owned, &answer);
    return 0;
}
