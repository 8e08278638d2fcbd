/* error.h - how a function says what went wrong in the world.
 *
 * A function that can fail returns 0 or -1 and takes `Error *err` as its last parameter (NULL: the caller
 * does not care). The Error lives on the caller's stack; it is written on failure only. A message names the
 * thing, what was wrong and what was expected, in one line. `assert` is for our own bugs, Error for
 * everything else.
 *
 * errors.def is the only place where a code meets its protocols. */
#pragma once

#include <stdbool.h>

typedef enum ErrCode {
#define E(code, http, s3, iceberg, trino, number) ERR_##code,
#include "base/errors.def"
#undef E
    ERR_COUNT_,
} ErrCode;

enum { ERROR_MESSAGE_MAX = 1024 };

typedef struct Error {
    ErrCode code;
    char message[ERROR_MESSAGE_MAX]; /* always ends in NUL; cut at a UTF-8 boundary when too long */
    const char *file;                /* static; where it was raised */
    int line;
    int os_errno;                    /* 0 when no system call was involved */
    int sql_line, sql_column;        /* 1-based position in the SQL text; 0 when none */
    char resource[256];              /* the S3 resource, table or file the error is about; may be empty */
} Error;

/* Each sets *err (when not NULL) and returns -1, so that `return err_set(err, ERR_X, "...")` reads well. */
#define err_set(err, code, ...) err_failed_(err_set_at((err), (code), __FILE__, __LINE__, 0, __VA_ARGS__))
#define err_set_errno(err, code, os_errno, ...) \
    err_failed_(err_set_at((err), (code), __FILE__, __LINE__, (os_errno), __VA_ARGS__))
/* Lets the compiler see that what failed has set none of its results. */
static inline int err_failed_(int minus_one) { (void)minus_one; return -1; }
int err_set_at(Error *err, ErrCode code, const char *file, int line, int os_errno, const char *format, ...)
    __attribute__((format(printf, 6, 7)));
/* The code that a failed system call maps to: ENOSPC and EDQUOT are ERR_DISK_FULL, ENOENT is ERR_NOT_FOUND,
 * else ERR_IO. */
ErrCode err_code_of_errno(int os_errno);
/* With a position in SQL; the message gets Trino's prefix "line L:C: ". */
int err_set_sql_at(Error *err, ErrCode code, const char *file, int line, int sql_line, int sql_column,
                   const char *format, ...) __attribute__((format(printf, 7, 8)));
#define err_set_sql(err, code, sql_line, sql_column, ...) \
    err_failed_(err_set_sql_at((err), (code), __FILE__, __LINE__, (sql_line), (sql_column), __VA_ARGS__))
/* Puts "format: " before the message that is there. Returns -1. */
int err_prefix(Error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

typedef struct ErrInfo {
    const char *name;         /* "NO_SUCH_KEY" */
    int http_status;
    const char *s3_code;      /* "NoSuchKey" */
    const char *iceberg_type; /* "NoSuchTableException" */
    const char *trino_name;   /* "TABLE_NOT_FOUND" */
    int trino_code;
} ErrInfo;

const ErrInfo *err_info(ErrCode code);        /* static */
const char *
err_trino_type(ErrCode code); /* "USER_ERROR", "INTERNAL_ERROR", "INSUFFICIENT_RESOURCES", "EXTERNAL" */
/* The code whose Trino number or name is given; ERR_INTERNAL when there is none. */
ErrCode err_code_of_trino(int trino_code);
ErrCode err_code_of_trino_name(const char *name);
ErrCode err_code_of_iceberg_type(const char *type, int http_status);
