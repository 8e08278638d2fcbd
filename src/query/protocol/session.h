/* session.h - what a client says of itself in X-Trino-* headers.
 *
 * All session state lives in the client and comes with every request; only open transactions will live here.
 * Strings are copied into the arena. Source: Trino client protocol, ProtocolHeaders. */
#pragma once

#include "net/http_server.h"
#include "query/connector/statement_context.h"

typedef struct PreparedStatement { Str name, sql; } PreparedStatement;

/* us 0: none. `text` as in Trino's messages: "1.50m". */
typedef struct TimeLimit { int64_t us; char text[24]; } TimeLimit;

typedef struct ClientSession {
    Str user, source, catalog, schema, path, time_zone, language, client_info, client_tags, trace_token,
        task_key;
    bool has_transactions;                /* X-Trino-Transaction-Id was sent */
    Str transaction_id;                   /* "NONE" or an id; ptr NULL: none */
    const SessionProperty *properties; size_t n_properties;
    const PreparedStatement *prepared; size_t n_prepared;
    TimeLimit max_run_time, max_execution_time, max_planning_time;     /* by session properties */
    bool parametric_datetime, number_type, variant_type;      /* client capabilities */
    /* False for Node.js' trino-client, which drops the rows and the error of the answer to its POST. */
    bool reads_first_answer;
    Str base_uri;                         /* "http://HOST" for nextUri, from Host and X-Forwarded-Proto */
} ClientSession;

/* A copy of what a client sent as text: U+FFFD stands for what is no UTF-8, and for NUL when `no_nul`. */
Str session_text(Str sent, bool no_nul, Arena *arena);
/* ERR_UNAUTHORIZED without a user; ERR_BAD_REQUEST with Trino's text otherwise. */
int session_read(HttpRequest *r, Arena *arena, ClientSession *ret, Error *err);

/* Session properties that exist, by session_properties.def. ERR_INVALID_SESSION_PROPERTY names the property.
 */
int session_check_properties(const ClientSession *session, Str iceberg_catalog, Error *err);
int session_check_property(Str catalog, Str name, Str value, Str iceberg_catalog, Error *err);

/* "10m", "1.5 h": a number and ns, us, ms, s, m, h or d. ERR_INVALID_SESSION_PROPERTY. */
int session_parse_duration(Str text, TimeLimit *ret, Error *err);
TimeLimit session_time_limit(int64_t us);
/* ERR_INVALID_SESSION_PROPERTY unless there is such a time zone. */
/* What the properties mean for the members of the session. */
void session_apply_properties(ClientSession *session);
int session_check_zone(Str zone, Error *err);

typedef struct SessionPropertyDef {
    const char *catalog;                  /* "" system, "iceberg" the Iceberg catalog's */
    const char *name, *type, *default_value, *description;
} SessionPropertyDef;
extern const SessionPropertyDef session_properties[];
extern const size_t n_session_properties;
