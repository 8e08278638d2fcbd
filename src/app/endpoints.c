#include "app/endpoints.h"

#include "app/instance.h"
#include "base/fs.h"
#include "format/json.h"

int endpoints_write_run_file(const EndpointList *list, const Config *config, Arena *arena, Error *err)
{
    _cleanup_buf_ Buf out = BUF_INIT(1 << 16);
    JsonWriter w = JSON_WRITER(&out);
    json_object(&w);
    for (size_t i = 0; i < list->n; i++) {
        json_key(&w, list->items[i].role);
        json_object(&w);
        json_kv_str(&w, "url", list->items[i].url);
        json_kv_int(&w, "pid", list->items[i].pid);
        json_kv_int(&w, "restarts", list->items[i].n_restarts);
        json_end_object(&w);
    }
    json_kv_cstr(&w, "version", LAKEHOUSE_VERSION);
    json_kv_int(&w, "pid", list->pid);
    json_end_object(&w);
    if (buf_check(&out, err))
        return -1;
    return fs_write_file_atomic(instance_endpoints_path(list->data_dir, arena).ptr, buf_str(&out), 0600, err);
}

/* The storage role's file of lines "access_key=…" and "secret_key=…". */
static int read_root_keys(const EndpointList *list, const Config *config, Arena *arena, Str *ret_user,
                          Str *ret_password, Error *err)
{
    *ret_user = config_str(config, "storage.root_user");
    *ret_password = config_str(config, "storage.root_password");
    if (ret_user->ptr && ret_password->ptr)
        return 0;
    _cleanup_buf_ Buf text = BUF_INIT(4096);
    Str path = arena_printf(arena, "%.*s/storage/root-credentials", STR_ARG(list->data_dir));
    if (fs_read_file(path.ptr, 4096, &text, err))
        return err_prefix(err, "root credentials");
    for (Str rest = buf_str(&text); rest.ptr;) {
        Str value, name = str_cut(str_cut(rest, '\n', &rest), '=', &value);
        if (str_is(name, "access_key"))
            *ret_user = arena_str(arena, value);
        else if (str_is(name, "secret_key"))
            *ret_password = arena_str(arena, value);
    }
    if (!ret_user->len || !ret_password->len)
        return err_set(err, ERR_CORRUPT, "%s: expected lines access_key=… and secret_key=…", path.ptr);
    return 0;
}

int endpoints_write_client_file(const EndpointList *list, const Config *config, const char *path,
                                Arena *arena, Error *err)
{
    Str user, password;
    if (read_root_keys(list, config, arena, &user, &password, err))
        return -1;
    _cleanup_buf_ Buf out = BUF_INIT(1 << 16);
    JsonWriter w = JSON_WRITER(&out);
    json_object(&w);
    for (size_t i = 0; i < list->n; i++) {
        json_key(&w, list->items[i].role);
        json_object(&w);
        json_kv_str(&w, "url", list->items[i].url);
        if (strcmp(list->items[i].role, "storage") == 0) {
            json_kv_str(&w, "region", config_str(config, "storage.region"));
            json_kv_str(&w, "access_key", user);
            json_kv_str(&w, "secret_key", password);
        } else if (strcmp(list->items[i].role, "catalog") == 0)
            json_kv_str(&w, "warehouse", config_str(config, "catalog.warehouse"));
        else if (strcmp(list->items[i].role, "query") == 0)
            json_kv_str(&w, "catalog", config_str(config, "query.catalog"));
        json_end_object(&w);
    }
    json_kv_int(&w, "pid", list->pid);
    json_end_object(&w);
    if (buf_check(&out, err))
        return -1;
    return fs_write_file_atomic(path, buf_str(&out), 0600, err);
}
