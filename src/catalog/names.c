/* names.c - namespaces, tables and views by name, in paths and in JSON. */
#include "base/limits.h"
#include "catalog/catalog.h"

#define SEPARATOR '\x1f'

int cat_name_check(Str name, Error *err)
{
    if (name.len == 0)
        return err_set(err, ERR_BAD_REQUEST, "Invalid name: it is empty");
    if (name.len > CATALOG_NAME_BYTES)
        return err_set(err, ERR_BAD_REQUEST, "Invalid name: %zu bytes, at most %d are accepted", name.len,
                       CATALOG_NAME_BYTES);
    if (str_is(name, ".") || str_is(name, ".."))
        return err_set(err, ERR_BAD_REQUEST, "Invalid name: \"%.*s\" cannot stand in a URL", STR_ARG(name));
    if (!utf8_is_valid(name))
        return err_set(err, ERR_BAD_REQUEST, "Invalid name: it is not UTF-8");
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.ptr[i] < 0x20 || name.ptr[i] == 0x7f)
            return err_set(err, ERR_BAD_REQUEST, "Invalid name: it holds a control character");
    return 0;
}

int cat_namespace_of_text(Str text, Str *ret, Error *err)
{
    Str rest = text;
    size_t levels = 0;

    if (text.len == 0)
        return err_set(err, ERR_BAD_REQUEST, "Invalid namespace: it is empty");
    if (text.len > CATALOG_NAMESPACE_BYTES)
        return err_set(err, ERR_BAD_REQUEST, "Invalid namespace: %zu bytes, at most %d are accepted",
                       text.len, CATALOG_NAMESPACE_BYTES);
    while (rest.ptr) {
        Str level = str_cut(rest, SEPARATOR, &rest);
        if (cat_name_check(level, err) < 0)
            return err_prefix(err, "namespace");
        if (++levels > CATALOG_NAMESPACE_LEVELS)
            return err_set(err, ERR_BAD_REQUEST, "Invalid namespace: more than %d levels",
                           CATALOG_NAMESPACE_LEVELS);
    }
    *ret = text;
    return 0;
}

static int decode(Str raw, Arena *arena, Str *ret, Error *err)
{
    _cleanup_buf_ Buf out = BUF_INIT(LIMIT_HTTP_URI_BYTES);

    if (percent_decode(raw, false, &out, err) < 0 || buf_check(&out, err) < 0)
        return -1;
    *ret = arena_str(arena, buf_str(&out));
    return 0;
}

int cat_namespace_of_segment(Str raw, Arena *arena, Str *ret, Error *err)
{
    Str text;
    return decode(raw, arena, &text, err) < 0 ? -1 : cat_namespace_of_text(text, ret, err);
}

int cat_name_of_segment(Str raw, Arena *arena, Str *ret, Error *err)
{
    return decode(raw, arena, ret, err) < 0 ? -1 : cat_name_check(*ret, err);
}

int cat_namespace_of_json(const Json *array, Arena *arena, Str *ret, Error *err)
{
    _cleanup_buf_ Buf path = BUF_INIT(LIMIT_HTTP_URI_BYTES);

    if (!json_is(array, JSON_ARRAY))
        return err_set(err, ERR_BAD_REQUEST, "Invalid namespace: expected an array of strings");
    for (size_t i = 0; i < array->array.n; i++) {
        if (!json_is(array->array.items[i], JSON_STRING))
            return err_set(err, ERR_BAD_REQUEST, "Invalid namespace: expected an array of strings");
        Str level = array->array.items[i]->text;
        if (cat_name_check(level, err) < 0)
            return err_prefix(err, "namespace");
        if (i > 0)
            buf_putc(&path, SEPARATOR);
        buf_add(&path, level);
    }
    if (buf_check(&path, err) < 0)
        return -1;
    return cat_namespace_of_text(arena_str(arena, buf_str(&path)), ret, err);
}

void cat_namespace_to_json(JsonWriter *w, Str path)
{
    Str rest = path;

    json_array(w);
    while (rest.ptr)
        json_str(w, str_cut(rest, SEPARATOR, &rest));
    json_end_array(w);
}

int cat_identifier_of_json(const Json *object, Arena *arena, Str *ret_namespace, Str *ret_name, Error *err)
{
    if (!json_is(object, JSON_OBJECT))
        return err_set(err, ERR_BAD_REQUEST,
                       "Invalid identifier: expected an object with namespace and name");
    if (cat_namespace_of_json(json_get(object, "namespace"), arena, ret_namespace, err) < 0 ||
        json_need_string(object, "name", ret_name, err) < 0)
        return -1;
    return cat_name_check(*ret_name, err);
}

void cat_identifier_to_json(JsonWriter *w, Str namespace_path, Str name)
{
    json_object(w);
    json_key(w, "namespace");
    cat_namespace_to_json(w, namespace_path);
    json_kv_str(w, "name", name);
    json_end_object(w);
}
