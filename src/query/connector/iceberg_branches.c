/* iceberg_branches.c - CREATE, DROP, ALTER and SHOW BRANCH, and tags as table procedures: references of table
 * metadata that are set by one commit each, tried again when another writer was first. Source: Iceberg table
 * spec, "Snapshot References"; Trino's statements, which its own Iceberg connector refuses. */
#include <stdlib.h>

#include "query/connector/iceberg_ddl.h"
#include "query/connector/iceberg_procedures.h"
#include "query/connector/sql_text.h"

enum { BRANCH_TRIES = 8, REQUESTS_BYTES_MAX = 1 << 20 };

typedef struct RefChange {
    StatementContext *context;
    const Statement *statement;
    DdlName name;
    const TableMetadata *table; /* of this try */
    IceRef ref;                 /* that is set; its snapshot is the try's */
    Error *err;
} RefChange;

static bool is_kind(const IceRef *ref, bool is_tag)
{
    return ref && ref->is_tag == is_tag;
}

static int no_branch(RefChange *c, Str name)
{
    return ddl_fail(c->err, ERR_BRANCH_NOT_FOUND, c->statement, "Branch '%.*s' does not exist",
                    STR_ARG(name));
}

static int load(RefChange *c)
{
    LoadedTable loaded;
    Error e;
    StatementContext *context = c->context;
    Catalogs *all = context->catalogs;
    if (!table_cache_load(all->tables, all->catalog, c->name.namespace_, c->name.table, context->arena,
                          &loaded, &e)) {
        c->table = loaded.metadata;
        return 0;
    }
    if (e.code == ERR_NO_SUCH_TABLE || e.code == ERR_NO_SUCH_NAMESPACE)
        return ddl_fail(
            c->err, ERR_TABLE_NOT_FOUND, c->statement, "Table '%.*s' does not exist",
            STR_ARG(table_name_text(context->arena, c->name.catalog, c->name.schema, c->name.table)));
    if (c->err)
        *c->err = e;
    return -1;
}

/* ---- commits ---- */

/* The reference as this try found it: who moves it meanwhile wins. */
static void put_requirements(const RefChange *c, Buf *out)
{
    JsonWriter w = JSON_WRITER(out);
    const IceRef *old = metadata_ref(c->table, c->ref.name);
    json_array(&w);
    json_object(&w);
    json_kv_cstr(&w, "type", "assert-table-uuid");
    json_kv_str(&w, "uuid", c->table->table_uuid);
    json_end_object(&w);
    json_object(&w);
    json_kv_cstr(&w, "type", "assert-ref-snapshot-id");
    json_kv_str(&w, "ref", c->ref.name);
    json_key(&w, "snapshot-id");
    if (old)
        json_int(&w, old->snapshot_id);
    else
        json_null(&w);
    json_end_object(&w);
    json_end_array(&w);
}

static void put_limit(JsonWriter *w, const char *key, int64_t value)
{
    if (value > 0)
        json_kv_int(w, key, value);
}

static void put_update(const RefChange *c, bool removes, Buf *out)
{
    JsonWriter w = JSON_WRITER(out);
    json_array(&w);
    json_object(&w);
    json_kv_cstr(&w, "action", removes ? "remove-snapshot-ref" : "set-snapshot-ref");
    json_kv_str(&w, "ref-name", c->ref.name);
    if (!removes) {
        json_kv_cstr(&w, "type", c->ref.is_tag ? "tag" : "branch");
        json_kv_int(&w, "snapshot-id", c->ref.snapshot_id);
        put_limit(&w, "max-ref-age-ms", c->ref.max_ref_age_ms);
        put_limit(&w, "max-snapshot-age-ms", c->ref.max_snapshot_age_ms);
        put_limit(&w, "min-snapshots-to-keep", c->ref.min_snapshots_to_keep);
    }
    json_end_object(&w);
    json_end_array(&w);
}

static int commit(RefChange *c, bool removes)
{
    _cleanup_buf_ Buf requirements = BUF_INIT(REQUESTS_BYTES_MAX), updates = BUF_INIT(REQUESTS_BYTES_MAX);
    put_requirements(c, &requirements);
    put_update(c, removes, &updates);
    if (buf_check(&requirements, c->err) || buf_check(&updates, c->err))
        return -1;
    return iceberg_commit_updates(c->context, c->name.namespace_, c->name.table, buf_str(&requirements),
                                  buf_str(&updates), c->err);
}

/* One try on the metadata of now. */
typedef int (*RefStep)(RefChange *c);

static int run(RefChange *c, RefStep step)
{
    Error e = {0}, *caller = c->err;
    int r = -1;
    c->err = &e;
    for (int i = 0; i < BRANCH_TRIES && (i == 0 || e.code == ERR_COMMIT_FAILED); i++)
        if (!(r = load(c) || step(c) ? -1 : 0))
            break;
    c->err = caller;
    if (r && caller)
        *caller = e;
    return r;
}

static int begin(RefChange *c, StatementContext *context, const Statement *s, const char *what, Error *err)
{
    *c = (RefChange){.context = context, .statement = s, .err = err};
    c->ref = (IceRef){.name = arena_lower(context->arena, s->branch.text),
                      .min_snapshots_to_keep = -1,
                      .max_snapshot_age_ms = -1,
                      .max_ref_age_ms = -1};
    return ddl_name(context, &s->name, 3, what, &c->name, err);
}

/* ---- CREATE BRANCH ---- */

static int bad_property(const RefChange *c, const Property *p, const char *type)
{
    return err_set_sql(c->err, ERR_INVALID_BRANCH_PROPERTY, p->pos.line, p->pos.column,
                       "Invalid value for catalog '%.*s' branch property '%.*s': Cannot convert the value "
                       "to %s",
                       STR_ARG(c->name.catalog), STR_ARG(arena_lower(c->context->arena, p->name.text)), type);
}

/* How long the branch and its snapshots stay, for expire_snapshots. */
static int read_retention(RefChange *c)
{
    for (size_t i = 0; i < c->statement->n_properties; i++) {
        const Property *p = &c->statement->properties[i];
        Str key = arena_lower(c->context->arena, p->name.text), text;
        bool counts = str_is(key, "min_snapshots_to_keep");
        int64_t *age = str_is(key, "max_snapshot_age")    ? &c->ref.max_snapshot_age_ms
                       : str_is(key, "max_reference_age") ? &c->ref.max_ref_age_ms
                                                          : NULL;
        if (!counts && !age)
            return err_set_sql(c->err, ERR_INVALID_BRANCH_PROPERTY, p->pos.line, p->pos.column,
                               "Catalog '%.*s' branch property '%.*s' does not exist",
                               STR_ARG(c->name.catalog), STR_ARG(key));
        if (!p->value) /* DEFAULT */
            continue;
        if (counts &&
            (!expr_constant_int(p->value, &c->ref.min_snapshots_to_keep) ||
             c->ref.min_snapshots_to_keep < 1 || c->ref.min_snapshots_to_keep > INT32_MAX))
            return bad_property(c, p, "a positive integer");
        if (age && (!expr_constant_text(p->value, &text) || !procedure_parse_duration(text, age) || *age < 1))
            return bad_property(c, p, "duration");
    }
    return 0;
}

/* The head of a branch; main is there as soon as the table has a snapshot. */
static int head_of(RefChange *c, Str branch, int64_t *ret)
{
    const IceRef *ref = metadata_ref(c->table, branch);
    bool is_main = str_is(branch, "main");
    if (!is_kind(ref, false) && !(is_main && !ref && metadata_current_snapshot(c->table))) {
        if (is_main && !ref)
            return ddl_fail(c->err, ERR_NOT_SUPPORTED, c->statement,
                            "A table without snapshots cannot have branches");
        return no_branch(c, branch);
    }
    *ret = ref ? ref->snapshot_id : c->table->current_snapshot_id;
    return 0;
}

static int create_step(RefChange *c)
{
    const Statement *s = c->statement;
    const IceRef *old = metadata_ref(c->table, c->ref.name);
    Str from = s->other_branch.text.ptr ? arena_lower(c->context->arena, s->other_branch.text) : STR("main");
    if (head_of(c, from, &c->ref.snapshot_id))
        return -1;
    if (is_kind(old, true))
        return ddl_fail(c->err, ERR_BRANCH_ALREADY_EXISTS, s, "'%.*s' already exists as a tag",
                        STR_ARG(c->ref.name));
    bool is_main = str_is(c->ref.name, "main");
    if (old || is_main) {
        if (s->if_not_exists)
            return 0;
        if (!s->or_replace)
            return ddl_fail(c->err, ERR_BRANCH_ALREADY_EXISTS, s, "Branch '%.*s' already exists",
                            STR_ARG(c->ref.name));
        if (is_main)
            return ddl_fail(c->err, ERR_NOT_SUPPORTED, s, "Cannot replace 'main' branch");
    }
    return commit(c, false);
}

int ddl_create_branch(StatementContext *context, const Statement *s, Error *err)
{
    RefChange c;
    return begin(&c, context, s, "creating branches", err) || read_retention(&c) || run(&c, create_step) ? -1
                                                                                                         : 0;
}

/* ---- DROP BRANCH, FAST FORWARD ---- */

static int drop_step(RefChange *c)
{
    if (!is_kind(metadata_ref(c->table, c->ref.name), false))
        return c->statement->if_exists ? 0 : no_branch(c, c->ref.name);
    if (str_is(c->ref.name, "main"))
        return ddl_fail(c->err, ERR_NOT_SUPPORTED, c->statement, "Cannot drop 'main' branch");
    return commit(c, true);
}

int ddl_drop_branch(StatementContext *context, const Statement *s, Error *err)
{
    RefChange c;
    return begin(&c, context, s, "dropping branches", err) || run(&c, drop_step) ? -1 : 0;
}

static bool is_ancestor(const TableMetadata *t, int64_t wanted, int64_t of)
{
    for (const IceSnapshot *s = metadata_snapshot(t, of); s;
         s = s->parent_id >= 0 ? metadata_snapshot(t, s->parent_id) : NULL)
        if (s->snapshot_id == wanted)
            return true;
    return false;
}

static int forward_step(RefChange *c)
{
    int64_t from, to;
    Str target = arena_lower(c->context->arena, c->statement->other_branch.text);
    if (head_of(c, c->ref.name, &from) || head_of(c, target, &to))
        return -1;
    if (from == to)
        return 0;
    if (!is_ancestor(c->table, from, to))
        return ddl_fail(c->err, ERR_INVALID_ARGUMENTS, c->statement,
                        "Branch '%.*s' is not an ancestor of '%.*s'", STR_ARG(c->ref.name), STR_ARG(target));
    const IceRef *old = metadata_ref(c->table, c->ref.name);
    if (old) /* its retention stays */
        c->ref = *old;
    c->ref.snapshot_id = to;
    return commit(c, false);
}

int ddl_fast_forward_branch(StatementContext *context, const Statement *s, Error *err)
{
    RefChange c;
    return begin(&c, context, s, "fast-forwarding branches", err) || run(&c, forward_step) ? -1 : 0;
}

/* ---- SHOW BRANCHES ---- */

static int compare_names(const void *a, const void *b)
{
    return str_cmp(*(const Str *)a, *(const Str *)b);
}

int catalogs_branches(StatementContext *context, const Statement *s, const Str **ret, size_t *ret_n,
                      Error *err)
{
    RefChange c = {.context = context, .statement = s, .err = err};
    Arena *arena = context->arena;
    *ret_n = 0;
    if (ddl_name(context, &s->name, 3, "branches", &c.name, err) || load(&c))
        return -1;
    Str *names = arena_array(arena, Str, c.table->n_refs + 1);
    for (size_t i = 0; i < c.table->n_refs; i++)
        if (!c.table->refs[i].is_tag)
            names[(*ret_n)++] = c.table->refs[i].name;
    qsort(names, *ret_n, sizeof *names, compare_names);
    *ret = names;
    return 0;
}

/* ---- tags ---- */

static int tag_change(Procedure *p, RefChange *c, Error *err)
{
    Str name = p->args[0].text;
    if (!name.len)
        return err_set(err, ERR_INVALID_PROCEDURE_ARGUMENT, "A tag's name must not be empty");
    *c = (RefChange){.context = p->context, .statement = p->statement, .err = err};
    c->name = (DdlName){p->handle->catalog, p->handle->schema, p->table->name, p->table->namespace_};
    c->ref = (IceRef){.name = arena_lower(p->arena, name),
                      .is_tag = true,
                      .min_snapshots_to_keep = -1,
                      .max_snapshot_age_ms = -1,
                      .max_ref_age_ms = -1};
    return 0;
}

static int tag_step(RefChange *c)
{
    const IceRef *old = metadata_ref(c->table, c->ref.name);
    if (old)
        return err_set(c->err, ERR_TRINO_ALREADY_EXISTS, "%s '%.*s' already exists",
                       old->is_tag ? "Tag" : "Branch", STR_ARG(c->ref.name));
    if (c->ref.snapshot_id < 0)
        c->ref.snapshot_id = c->table->current_snapshot_id;
    if (c->ref.snapshot_id < 0 || !metadata_snapshot(c->table, c->ref.snapshot_id))
        return err_set(c->err, ERR_ICEBERG_INVALID_SNAPSHOT_ID, "Iceberg snapshot ID does not exists: %lld",
                       (long long)c->ref.snapshot_id);
    return commit(c, false);
}

/* create_tag(name, snapshot_id, max_reference_age) */
int procedure_create_tag(Procedure *p, Error *err)
{
    RefChange c;
    if (tag_change(p, &c, err))
        return -1;
    c.ref.snapshot_id = p->args[1].is_given ? p->args[1].number : -1;
    if (p->args[2].is_given)
        c.ref.max_ref_age_ms = p->args[2].number;
    return run(&c, tag_step);
}

static int untag_step(RefChange *c)
{
    if (!is_kind(metadata_ref(c->table, c->ref.name), true))
        return err_set(c->err, ERR_TRINO_NOT_FOUND, "Tag '%.*s' does not exist", STR_ARG(c->ref.name));
    return commit(c, true);
}

/* drop_tag(name) */
int procedure_drop_tag(Procedure *p, Error *err)
{
    RefChange c;
    return tag_change(p, &c, err) || run(&c, untag_step) ? -1 : 0;
}
