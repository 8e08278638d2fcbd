/* table_add.c - see table_add.h. */
#include "catalog/table_add.h"

int cat_fail_name_taken(RegKind taken, RegKind wanted, Str namespace_path, Str name, Arena *arena, Error *err)
{
    return err_set(err, ERR_ALREADY_EXISTS, "%s%s already exists: %.*s", taken == REG_VIEW ? "View" : "Table",
                   taken == wanted ? "" : " with same name",
                   STR_ARG(reg_display_name(namespace_path, name, arena)));
}

int cat_fail_no_view(Str namespace_path, Str name, Arena *arena, Error *err)
{
    return err_set(err, ERR_NO_SUCH_VIEW, "View does not exist: %.*s",
                   STR_ARG(reg_display_name(namespace_path, name, arena)));
}

int cat_fail_no_table(Str namespace_path, Str name, Arena *arena, Error *err)
{
    return err_set(err, ERR_NO_SUCH_TABLE, "Table does not exist: %.*s",
                   STR_ARG(reg_display_name(namespace_path, name, arena)));
}

static int overwrite(TableAdd *add, RegConn *conn, Str owned, Error *err)
{
    bool swapped;

    if (reg_swap_entry(conn, add->old.id, add->old.metadata_location, add->metadata_location, add->version,
                       &swapped, err) < 0 ||
        reg_set_entry_uuid(conn, add->old.id, add->uuid, err) < 0)
        return -1;
    return reg_add_location(conn, owned, add->old.id, err);
}

int cat_table_add_job(RegConn *conn, void *arg, Error *err)
{
    TableAdd *add = arg;
    RegNamespace ns;
    int64_t id;
    Str owned;

    add->location_taken = false;
    if (reg_find_namespace(conn, add->namespace_path, add->arena, &ns, err) < 0 ||
        reg_find_entry(conn, ns.id, add->name, add->arena, &add->old, err) < 0)
        return -1;
    if (add->old.id != 0 && (!add->overwrite || add->old.kind != add->kind))
        return cat_fail_name_taken(add->old.kind, add->kind, add->namespace_path, add->name, add->arena, err);
    if (cat_location_owned_form(add->location, add->arena, &owned, err) < 0)
        return -1;
    if (cat_location_check(add->catalog, conn, add->location, add->old.id, add->arena, err) < 0) {
        add->location_taken = err->code == ERR_VALIDATION;
        return -1;
    }
    if (add->old.id != 0)
        return overwrite(add, conn, owned, err);
    RegEntry entry = {.namespace_id = ns.id,
                      .kind = add->kind,
                      .name = add->name,
                      .uuid = add->uuid,
                      .metadata_location = add->metadata_location,
                      .version = add->version};
    if (!entry.uuid.ptr)
        entry.uuid = STR("");
    if (reg_add_entry(conn, &entry, &id, err) < 0)
        return -1;
    return reg_add_location(conn, owned, id, err);
}
