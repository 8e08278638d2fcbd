/* error.c - see error.h. */
#include "base/error.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/internal.h"

static const ErrInfo err_infos[] = {
#define E(code, http, s3, iceberg, trino, number) { #code, (http), (s3), (iceberg), (trino), (number) },
#include "base/errors.def"
#undef E
};

/* Formats into a buffer of our own first: the arguments may point into err->message. */
static void err_fill(Error *err, ErrCode code, const char *file, int line, const char *prefix,
                     const char *format, va_list args) __attribute__((format(printf, 6, 0)));
static void err_fill(Error *err, ErrCode code, const char *file, int line, const char *prefix,
                     const char *format, va_list args)
{
    char text[ERROR_MESSAGE_MAX];
    int n = snprintf(text, sizeof text, "%s", prefix);
    assert(n >= 0 && (size_t)n < sizeof text);
    int m = vsnprintf(text + n, sizeof text - (size_t)n, format, args);
    size_t len = m < 0 ? (size_t)n : (size_t)n + (size_t)m;
    if (len >= sizeof text)
        len = utf8_cut(text, sizeof text - 1);
    err->code = code;
    memcpy(err->message, text, len);
    err->message[len] = '\0';
    err->file = file;
    err->line = line;
    err->os_errno = 0;
    err->sql_line = err->sql_column = 0;
    err->resource[0] = '\0';
}

int err_set_at(Error *err, ErrCode code, const char *file, int line, int os_errno, const char *format, ...)
{
    assert(code > ERR_OK && code < ERR_COUNT_);
    if (!err)
        return -1;
    va_list args;
    va_start(args, format);
    err_fill(err, code, file, line, "", format, args);
    va_end(args);
    if (os_errno == 0)
        return -1;
    err->os_errno = os_errno;
    /* Some callers put the system's words in themselves; the message has them once either way. */
    const char *words = strerrordesc_np(os_errno);
    if (words && !strstr(err->message, words)) {
        size_t len = strlen(err->message);
        size_t room = sizeof err->message - len;
        if (strlen(words) + 3 <= room)
            snprintf(err->message + len, room, ": %s", words);
    }
    return -1;
}

ErrCode err_code_of_errno(int os_errno)
{
    switch (os_errno) {
    case ENOSPC:
    case EDQUOT:
        return ERR_DISK_FULL;
    case ENOENT:
        return ERR_NOT_FOUND;
    default:
        return ERR_IO;
    }
}

int err_set_sql_at(Error *err, ErrCode code, const char *file, int line, int sql_line, int sql_column,
                   const char *format, ...)
{
    assert(code > ERR_OK && code < ERR_COUNT_);
    if (!err)
        return -1;
    char prefix[48] = "";
    if (sql_line > 0)
        snprintf(prefix, sizeof prefix, "line %d:%d: ", sql_line, sql_column);
    va_list args;
    va_start(args, format);
    err_fill(err, code, file, line, prefix, format, args);
    va_end(args);
    err->sql_line = sql_line;
    err->sql_column = sql_column;
    return -1;
}

int err_prefix(Error *err, const char *format, ...)
{
    if (!err)
        return -1;
    char text[ERROR_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n < 0)
        return -1;
    size_t len = (size_t)n;
    if (len >= sizeof text)
        len = utf8_cut(text, sizeof text - 1);
    int m = snprintf(text + len, sizeof text - len, ": %s", err->message);
    len += m < 0 ? 0 : (size_t)m;
    if (len >= sizeof text)
        len = utf8_cut(text, sizeof text - 1);
    memcpy(err->message, text, len);
    err->message[len] = '\0';
    return -1;
}

const ErrInfo *err_info(ErrCode code)
{
    assert(code >= ERR_OK && code < ERR_COUNT_);
    return &err_infos[code];
}

const char *err_trino_type(ErrCode code)
{
    int number = err_info(code)->trino_code;
    if (number < 65536)
        return "USER_ERROR";
    if (number < 131072)
        return "INTERNAL_ERROR";
    return number < 196608 ? "INSUFFICIENT_RESOURCES" : "EXTERNAL";
}

/* How well the code stands for its Trino error. Several of ours map to one of Trino's; on the way back
 * Trino's own is meant: TRINO_x where x was taken by a code of ours, else the one of the same name. */
static int trino_rank(const ErrInfo *info)
{
    if (strncmp(info->name, "TRINO_", 6) == 0 && strcmp(info->name + 6, info->trino_name) == 0)
        return 3;
    return strcmp(info->name, info->trino_name) == 0 ? 2 : 1;
}

static ErrCode trino_find(int number, const char *name)
{
    ErrCode best = ERR_INTERNAL;
    int best_rank = 0;
    for (int i = ERR_OK + 1; i < ERR_COUNT_; i++) {
        const ErrInfo *info = &err_infos[i];
        if (name ? strcmp(info->trino_name, name) != 0 : info->trino_code != number)
            continue;
        if (trino_rank(info) > best_rank) {
            best_rank = trino_rank(info);
            best = (ErrCode)i;
        }
    }
    return best;
}

ErrCode err_code_of_trino(int trino_code)
{
    return trino_find(trino_code, NULL);
}

ErrCode err_code_of_trino_name(const char *name)
{
    return name ? trino_find(0, name) : ERR_INTERNAL;
}

/* For answers without a type that we know. 409 without one is a lost race: catalogs that do not follow the
 * specification's types answer it to commits. */
static ErrCode code_of_http_status(int status)
{
    static const struct { int status; ErrCode code; } codes[] = {
        { 400, ERR_BAD_REQUEST }, { 401, ERR_UNAUTHORIZED }, { 403, ERR_FORBIDDEN }, { 404, ERR_NOT_FOUND },
        { 405, ERR_METHOD_NOT_ALLOWED }, { 406, ERR_UNSUPPORTED_OPERATION }, { 408, ERR_TIMEOUT },
        { 409, ERR_COMMIT_FAILED }, { 419, ERR_UNAUTHORIZED }, { 422, ERR_UNPROCESSABLE },
        { 429, ERR_OVERLOADED }, { 501, ERR_NOT_IMPLEMENTED }, { 502, ERR_UNAVAILABLE },
        { 503, ERR_UNAVAILABLE }, { 504, ERR_TIMEOUT }, { 507, ERR_DISK_FULL },
    };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (codes[i].status == status)
            return codes[i].code;
    return status >= 400 && status < 500 ? ERR_BAD_REQUEST : ERR_INTERNAL;
}

/* status 0: any. The Iceberg part of errors.def first, then the general one; S3's codes never come from a
 * catalog. */
static ErrCode iceberg_find(const char *type, int status)
{
    static const struct { ErrCode from, to; } parts[] = {
        { ERR_NO_SUCH_TABLE, ERR_UNPROCESSABLE }, { ERR_INTERNAL, ERR_MISDIRECTED },
    };
    for (size_t p = 0; p < sizeof parts / sizeof *parts; p++)
        for (int i = (int)parts[p].from; i <= (int)parts[p].to; i++)
            if (strcmp(err_infos[i].iceberg_type, type) == 0 &&
                (status == 0 || err_infos[i].http_status == status))
                return (ErrCode)i;
    return ERR_OK;
}

ErrCode err_code_of_iceberg_type(const char *type, int http_status)
{
    ErrCode code = ERR_OK;
    if (type && *type)
        code = iceberg_find(type, http_status);
    if (code == ERR_OK && type && *type)
        code = iceberg_find(type, 0);
    return code == ERR_OK ? code_of_http_status(http_status) : code;
}
