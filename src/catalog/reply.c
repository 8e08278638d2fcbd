/* reply.c - the answers. */
#include <stdio.h>

#include "base/metrics.h"
#include "catalog/catalog.h"

static void count_reply(const CatRequest *q, int status)
{
    char code[16];

    snprintf(code, sizeof code, "%d", status);
    metric_inc(METRIC_CATALOG_REQUESTS, q->route ? q->route->operation : "none", code);
}

void cat_reply_json(CatRequest *q, int status, Buf *body)
{
    cat_replay_end(q, NULL);
    count_reply(q, status);
    http_reply_buf(q->http, status, "application/json", body);
}

void cat_reply_text(CatRequest *q, int status, Str json)
{
    cat_replay_end(q, NULL);
    count_reply(q, status);
    http_reply(q->http, status, "application/json", json);
}

void cat_reply_empty(CatRequest *q, int status)
{
    cat_replay_end(q, NULL);
    count_reply(q, status);
    http_reply(q->http, status, NULL, STR(""));
}

void cat_reply_error(CatRequest *q, const Error *err)
{
    int status = err_info(err->code)->http_status;

    count_reply(q, status);
    /* Nothing was changed: with this header clients ask again by themselves, also for a commit. */
    if (err->code == ERR_UNAVAILABLE || err->code == ERR_OVERLOADED)
        http_set_header(q->http, "Retry-After", STR("1"));
    http_reply_error(q->http, err);
}

Str cat_table_etag(Str metadata_location, bool refs_only, Arena *arena)
{
    uint64_t hash = hash_bytes(metadata_location.ptr, metadata_location.len, refs_only ? 2 : 1);
    return arena_printf(arena, "%016llx", (unsigned long long)hash);
}

/* {"metadata-location":…,"metadata":…,"config":{}} */
static int write_result(Buf *body, Str location, Str text, Error *err)
{
    JsonWriter w = JSON_WRITER(body);

    if (buf_reserve(body, text.len + location.len + 256)) { /* else it overflows below */
        json_object(&w);
        if (location.ptr)
            json_kv_str(&w, "metadata-location", location);
        json_key(&w, "metadata");
        json_raw(&w, text);
        json_key(&w, "config");
        json_object(&w);
        json_end_object(&w);
        json_end_object(&w);
    }
    if (buf_check(body, NULL) == 0 && body->len > 0)
        return 0;
    buf_free(body);
    return err_set(err, ERR_LIMIT, "The metadata is too large for a reply");
}

int cat_reply_table(CatRequest *q, Document *document, bool staged, bool refs_only, Error *err)
{
    Buf body = BUF_INIT(CATALOG_REPLY_BYTES);
    Str text = cat_document_text(document), location = cat_document_location(document);

    if ((refs_only && cat_document_refs_text(document, &text, err) < 0) ||
        write_result(&body, staged ? STR_NULL : location, text, err) < 0)
        return -1;
    if (!staged)
        http_set_headerf(q->http, "ETag", "\"%.*s\"", STR_ARG(cat_table_etag(location, refs_only, q->arena)));
    cat_reply_json(q, 200, &body);
    return 0;
}

int cat_reply_view(CatRequest *q, const Document *document, Error *err)
{
    Buf body = BUF_INIT(CATALOG_REPLY_BYTES);

    if (write_result(&body, cat_document_location(document), cat_document_text(document), err) < 0)
        return -1;
    cat_reply_json(q, 200, &body);
    return 0;
}
