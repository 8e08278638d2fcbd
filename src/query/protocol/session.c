#include "query/protocol/session.h"

#include <stdio.h>

#include "query/engine/functions/zones.h"

enum { DECODED_MAX = 1 << 20 };        /* headers are smaller anyway */

const SessionPropertyDef session_properties[] = {
#define P(catalog, name, type, default_value, description) {catalog, name, type, default_value, description},
#include "query/protocol/session_properties.def"
#undef P
};
const size_t n_session_properties = sizeof session_properties / sizeof *session_properties;

Str session_text(Str sent, bool no_nul, Arena *arena)
{
    bool has_nul = no_nul && sent.len && memchr(sent.ptr, 0, sent.len);
    if (!has_nul && utf8_is_valid(sent))
        return arena_str(arena, sent);
    char *out = arena_alloc(arena, 3 * sent.len + 1), *to = out;
    for (size_t i = 0; i < sent.len;) {
        uint32_t code_point;
        size_t n = utf8_decode(str_slice(sent, i, sent.len), &code_point);
        if (n == 0 || (no_nul && code_point == 0))
            to += utf8_encode(0xfffd, to);
        else {
            memcpy(to, sent.ptr + i, n);
            to += n;
        }
        i += n ? n : 1;
    }
    return str_of(out, (size_t)(to - out));
}

static Str copy_header(HttpRequest *r, const char *name, Arena *arena)
{
    Str value = http_header(r, name);
    return value.ptr ? session_text(str_trim(value), true, arena) : STR_NULL;
}

static int decode(Str text, Arena *arena, Str *ret, Error *err)
{
    _cleanup_buf_ Buf out = BUF_INIT(DECODED_MAX);
    if (percent_decode(text, true, &out, err) || buf_check(&out, err))
        return -1;
    *ret = session_text(buf_str(&out), false, arena);
    return 0;
}

/* Calls fn for each element of a comma list in every header of this name. */
typedef int (*ElementFn)(void *arg, Str element, Error *err);
static int each_element(HttpRequest *r, const char *name, ElementFn fn, void *arg, Error *err)
{
    HttpHeader h;
    for (size_t i = 0; http_header_at(r, i, &h); i++) {
        if (!str_eq_nocase(h.name, str_from(name)))
            continue;
        for (Str rest = h.value; rest.ptr;) {
            Str element = str_trim(str_cut(rest, ',', &rest));
            if (element.len && fn(arg, element, err))
                return -1;
        }
    }
    return 0;
}

typedef struct Reading {
    Arena *arena;
    Vec(SessionProperty) properties;
    Vec(PreparedStatement) prepared;
    ClientSession *session;
} Reading;

static int read_property(void *arg, Str element, Error *err)
{
    Reading *x = arg;
    Str value, name = str_cut(element, '=', &value), rest;
    SessionProperty p = { 0 };
    if (!value.ptr || !name.len)
        return err_set(err, ERR_BAD_REQUEST, "Invalid X-Trino-Session header");
    if (decode(str_trim(value), x->arena, &p.value, err))
        return err_set(err, ERR_BAD_REQUEST, "Invalid X-Trino-Session header");
    Str first = str_cut(str_trim(name), '.', &rest);
    p.catalog = rest.ptr ? arena_lower(x->arena, first) : STR("");
    p.name = arena_lower(x->arena, rest.ptr ? rest : first);
    *vec_push(x->arena, &x->properties) = p;
    return 0;
}

static int read_prepared(void *arg, Str element, Error *err)
{
    Reading *x = arg;
    Str value, name = str_cut(element, '=', &value);
    PreparedStatement p;
    if (!value.ptr || decode(str_trim(name), x->arena, &p.name, err) ||
        decode(str_trim(value), x->arena, &p.sql, err))
        return err_set(err, ERR_BAD_REQUEST, "Invalid X-Trino-Prepared-Statement header");
    *vec_push(x->arena, &x->prepared) = p;
    return 0;
}

static int read_capability(void *arg, Str element, Error *err)
{
    ClientSession *s = ((Reading *)arg)->session;
    if (str_is(element, "PARAMETRIC_DATETIME"))
        s->parametric_datetime = true;
    else if (str_is(element, "NUMBER"))
        s->number_type = true;
    else if (str_is(element, "VARIANT"))
        s->variant_type = true;
    return 0;
}

static Str base_uri(HttpRequest *r, Arena *arena)
{
    Str scheme = http_header(r, "X-Forwarded-Proto"), host = http_header(r, "X-Forwarded-Host");
    if (!host.ptr)
        host = http_header(r, "Host");
    return arena_printf(arena, "%s://%.*s", str_is(scheme, "https") ? "https" : "http", STR_ARG(host));
}

/* HTTP Basic without a password names the user too. */
static Str basic_user(HttpRequest *r, Arena *arena)
{
    Str value = http_header(r, "Authorization"), rest;
    _cleanup_buf_ Buf out = BUF_INIT(1024);
    if (!str_has_prefix(value, STR("Basic ")) ||
        base64_decode(str_trim(str_slice(value, 6, value.len)), false, &out, NULL))
        return STR_NULL;
    Str user = str_cut(buf_str(&out), ':', &rest);
    return user.len ? session_text(user, true, arena) : STR_NULL;
}

static int read_names(HttpRequest *r, Arena *arena, ClientSession *s, Error *err)
{
    s->user = copy_header(r, "X-Trino-User", arena);
    if (!s->user.len)
        s->user = copy_header(r, "X-Trino-Original-User", arena);
    if (!s->user.len)
        s->user = basic_user(r, arena);
    if (!s->user.len)
        return err_set(err, ERR_UNAUTHORIZED,
                       "Basic authentication or X-Trino-Original-User or X-Trino-User must be sent");
    s->source = copy_header(r, "X-Trino-Source", arena);
    s->path = copy_header(r, "X-Trino-Path", arena);
    s->language = copy_header(r, "X-Trino-Language", arena);
    s->client_info = copy_header(r, "X-Trino-Client-Info", arena);
    s->client_tags = copy_header(r, "X-Trino-Client-Tags", arena);
    s->trace_token = copy_header(r, "X-Trino-Trace-Token", arena);
    s->time_zone = copy_header(r, "X-Trino-Time-Zone", arena);
    Str catalog = copy_header(r, "X-Trino-Catalog", arena), schema = copy_header(r, "X-Trino-Schema", arena);
    s->catalog = catalog.ptr ? arena_lower(arena, catalog) : STR("");
    s->schema = schema.ptr ? arena_lower(arena, schema) : STR("");
    if (s->schema.len && !s->catalog.len)
        return err_set(err, ERR_BAD_REQUEST, "Schema is set but catalog is not");
    return 0;
}

static const struct { const char *name; size_t offset; } durations[] = {
    {"query_max_run_time", offsetof(ClientSession, max_run_time)},
    {"query_max_execution_time", offsetof(ClientSession, max_execution_time)},
    {"query_max_planning_time", offsetof(ClientSession, max_planning_time)},
};
enum { N_DURATIONS = sizeof durations / sizeof *durations };

/* What does not parse is refused later, by session_check_properties(). */
void session_apply_properties(ClientSession *s)
{
    for (size_t i = 0; i < s->n_properties; i++) {
        const SessionProperty *p = &s->properties[i];
        if (p->catalog.len)
            continue;
        if (str_is(p->name, "lakehouse_task_key"))
            s->task_key = p->value;
        else if (str_is(p->name, "time_zone_id") && p->value.len)
            s->time_zone = p->value;
        for (size_t d = 0; d < N_DURATIONS; d++)
            if (str_is(p->name, durations[d].name))
                session_parse_duration(p->value, (TimeLimit *)((char *)s + durations[d].offset), NULL);
    }
    if (!s->time_zone.len)
        s->time_zone = STR("UTC");
}

int session_read(HttpRequest *r, Arena *arena, ClientSession *ret, Error *err)
{
    ClientSession s = { 0 };
    Reading x = { .arena = arena, .session = &s };
    if (read_names(r, arena, &s, err) || each_element(r, "X-Trino-Session", read_property, &x, err) ||
        each_element(r, "X-Trino-Prepared-Statement", read_prepared, &x, err) ||
        each_element(r, "X-Trino-Client-Capabilities", read_capability, &x, err))
        return -1;
    Str transaction = http_header(r, "X-Trino-Transaction-Id");
    s.has_transactions = transaction.ptr != NULL;
    s.transaction_id = transaction.ptr && !str_eq_nocase(transaction, STR("NONE"))
                           ? arena_str(arena, transaction)
                           : STR_NULL;
    s.properties = x.properties.items;
    s.n_properties = x.properties.n;
    s.prepared = x.prepared.items;
    s.n_prepared = x.prepared.n;
    session_apply_properties(&s);
    s.base_uri = base_uri(r, arena);
    s.reads_first_answer = !str_has_prefix(s.source, STR("trino-js-client")) &&
                           !str_has_prefix(http_header(r, "User-Agent"), STR("axios/"));
    *ret = s;
    return 0;
}

static const struct { const char *unit; double us; } duration_units[] = {
    {"ns", 1e-3}, {"us", 1}, {"ms", 1e3}, {"s", 1e6}, {"m", 60e6}, {"h", 3600e6}, {"d", 86400e6},
};
enum { N_UNITS = sizeof duration_units / sizeof *duration_units };

int session_parse_duration(Str text, TimeLimit *ret, Error *err)
{
    double value;
    Str t = str_trim(text);
    size_t n = 0;
    if (!t.len)
        return err_set(err, ERR_INVALID_SESSION_PROPERTY, "duration is empty");
    while (n < t.len && ((t.ptr[n] >= '0' && t.ptr[n] <= '9') || t.ptr[n] == '.'))
        n++;
    Str unit = str_trim(str_slice(t, n, t.len));
    for (size_t i = 0; i < N_UNITS && n; i++) {
        if (!str_is(unit, duration_units[i].unit) || str_to_double(str_slice(t, 0, n), &value, NULL))
            continue;
        double us = value * duration_units[i].us;
        ret->us = us < 1 ? 1 : us > 9e18 ? INT64_MAX : (int64_t)us;
        snprintf(ret->text, sizeof ret->text, "%.2f%s", value, duration_units[i].unit);
        return 0;
    }
    return err_set(err, ERR_INVALID_SESSION_PROPERTY, "duration is not a valid data duration string: %.*s",
                   STR_ARG(text));
}

TimeLimit session_time_limit(int64_t us)
{
    TimeLimit limit = { .us = us };
    size_t unit = N_UNITS - 1;
    while (unit > 0 && (double)us < duration_units[unit].us)
        unit--;
    snprintf(limit.text, sizeof limit.text, "%.2f%s", (double)us / duration_units[unit].us,
             duration_units[unit].unit);
    return limit;
}

int session_check_zone(Str zone, Error *err)
{
    int16_t ignored;
    return zone_find(zone, &ignored) ? 0
                                     : err_set(err, ERR_INVALID_SESSION_PROPERTY,
                                               "Time zone not supported: %.*s", STR_ARG(zone));
}

/* Properties of the system whose text has a form of its own. */
static int check_form(Str name, Str value, Error *err)
{
    TimeLimit ignored;
    for (size_t i = 0; i < N_DURATIONS; i++)
        if (str_is(name, durations[i].name))
            return session_parse_duration(value, &ignored, err);
    int64_t depth;
    if (str_is(name, "max_recursion_depth") && str_to_i64(value, 1, 200, &depth, NULL))
        return err_set(err, ERR_INVALID_SESSION_PROPERTY,
                       "max_recursion_depth must be between 1 and 200: %.*s", STR_ARG(value));
    return str_is(name, "time_zone_id") && value.len ? session_check_zone(value, err) : 0;
}

static int bad_value(Str name, Str value, const char *type, Error *err)
{
    return err_set(err, ERR_INVALID_SESSION_PROPERTY, "%.*s is invalid: %.*s is no %s", STR_ARG(name),
                   STR_ARG(value), type);
}

int session_check_property(Str catalog, Str name, Str value, Str iceberg_catalog, Error *err)
{
    const char *space = catalog.len == 0 ? "" : str_eq(catalog, iceberg_catalog) ? "iceberg" : NULL;
    for (size_t i = 0; space && i < n_session_properties; i++) {
        const SessionPropertyDef *p = &session_properties[i];
        if (strcmp(p->catalog, space) || !str_is(name, p->name))
            continue;
        int64_t number;
        if (strcmp(p->type, "boolean") == 0 && !str_eq_nocase(value, STR("true")) &&
            !str_eq_nocase(value, STR("false")))
            return bad_value(name, value, p->type, err);
        if (strcmp(p->type, "integer") == 0 && str_to_i64(value, INT32_MIN, INT32_MAX, &number, NULL))
            return bad_value(name, value, p->type, err);
        return catalog.len ? 0 : check_form(name, value, err);
    }
    if (catalog.len)
        return err_set(err, ERR_INVALID_SESSION_PROPERTY, "Session property '%.*s.%.*s' does not exist",
                       STR_ARG(catalog), STR_ARG(name));
    return err_set(err, ERR_INVALID_SESSION_PROPERTY, "Session property '%.*s' does not exist",
                   STR_ARG(name));
}

int session_check_properties(const ClientSession *session, Str iceberg_catalog, Error *err)
{
    for (size_t i = 0; i < session->n_properties; i++)
        if (session_check_property(session->properties[i].catalog, session->properties[i].name,
                                   session->properties[i].value, iceberg_catalog, err))
            return -1;
    return session_check_zone(session->time_zone, err);
}
