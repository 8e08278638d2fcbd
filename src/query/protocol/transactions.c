#include "query/protocol/transactions.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/rng.h"
#include "query/protocol/server.h"

static void make_id(char out[TRANSACTION_ID_SIZE])
{
    uint8_t random[16];
    char hex[33];
    rng_bytes(random, sizeof random);
    hex_encode(random, sizeof random, hex);
    snprintf(out, TRANSACTION_ID_SIZE, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
             hex + 20);
}

/* Under the lock. NULL: not known, or forgotten. */
static Transaction *find(Transactions *all, Str id)
{
    int64_t now = clock_monotonic_us();
    for (size_t i = 0; i < TRANSACTIONS_MAX; i++) {
        Transaction *t = &all->items[i];
        if (!t->id[0] || !str_is(id, t->id))
            continue;
        if (now - t->used_us > TRANSACTION_IDLE_US) {
            t->id[0] = 0;
            return NULL;
        }
        t->used_us = now;
        return t;
    }
    return NULL;
}

static Transaction *find_free(Transactions *all)
{
    int64_t now = clock_monotonic_us();
    for (size_t i = 0; i < TRANSACTIONS_MAX; i++)
        if (!all->items[i].id[0] || now - all->items[i].used_us > TRANSACTION_IDLE_US)
            return &all->items[i];
    return NULL;
}

static int unknown(Str id, Error *err)
{
    return err_set(err, ERR_UNKNOWN_TRANSACTION,
                   "Unknown transaction ID: %.*s. Possibly expired? Commands ignored until end of "
                   "transaction block",
                   STR_ARG(id));
}

static int start(RunningStatement *s, const Statement *ast, Error *err)
{
    Transactions *all = &s->server->transactions;
    if (!s->session.has_transactions)
        return err_set(err, ERR_INCOMPATIBLE_CLIENT, "Client does not support transactions");
    if (s->session.transaction_id.ptr)
        return err_set(err, ERR_NOT_SUPPORTED, "Nested transactions not supported");
    MUTEX_GUARD(&all->lock);
    Transaction *t = find_free(all);
    if (!t)
        return err_set(err, ERR_LIMIT, "Too many open transactions (%d)", TRANSACTIONS_MAX);
    *t = (Transaction){ .is_strict = str_is(ast->isolation, "SERIALIZABLE") ||
                                     str_is(ast->isolation, "REPEATABLE READ"),
                        .is_read_only = ast->read_only,
                        .used_us = clock_monotonic_us() };
    make_id(t->id);
    statement_add_header(s, "X-Trino-Started-Transaction-Id", str_from(t->id));
    return 0;
}

static int finish(RunningStatement *s, bool commit, Error *err)
{
    Transactions *all = &s->server->transactions;
    Str id = s->session.transaction_id;
    if (!id.ptr)
        return err_set(err, ERR_NOT_IN_TRANSACTION, "No transaction in progress");
    statement_add_header(s, "X-Trino-Clear-Transaction-Id", STR("true"));
    MUTEX_GUARD(&all->lock);
    Transaction *t = find(all, id);
    if (!t)
        return unknown(id, err);
    t->id[0] = 0;
    if (commit && t->is_failed)
        return err_set(err, ERR_TRANSACTION_ALREADY_ABORTED, "Current transaction has already been aborted");
    return 0;
}

int run_transaction_statement(RunningStatement *s, const Statement *ast, Error *err)
{
    bool starts = ast->kind == STMT_START_TRANSACTION, commits = ast->kind == STMT_COMMIT;
    if (starts ? start(s, ast, err) : finish(s, commits, err))
        return -1;
    Str type = starts ? STR("START TRANSACTION") : commits ? STR("COMMIT") : STR("ROLLBACK");
    statement_set_update(s, type, -1);
    return 0;
}

static bool is_of_transactions(const Statement *ast)
{
    return ast->kind == STMT_START_TRANSACTION || ast->kind == STMT_COMMIT || ast->kind == STMT_ROLLBACK;
}

/* Of the statements that change something, those that change the client's session only. */
static bool is_of_session(const Statement *ast)
{
    return ast->kind >= STMT_SHOW_CATALOGS && ast->kind <= STMT_DESCRIBE_OUTPUT;
}

int transaction_check(RunningStatement *s, const Statement *ast, Error *err)
{
    Transactions *all = &s->server->transactions;
    Str id = s->session.transaction_id;
    if (!id.ptr || is_of_transactions(ast))
        return 0;
    MUTEX_GUARD(&all->lock);
    Transaction *t = find(all, id);
    if (!t)
        return unknown(id, err);
    if (t->is_failed)
        return err_set(err, ERR_TRANSACTION_ALREADY_ABORTED,
                       "Current transaction is aborted, commands ignored until end of transaction block");
    bool runs_inner = ast->inner && ast->kind != STMT_PREPARE && ast->kind != STMT_EXPLAIN;
    const Statement *runs = runs_inner ? ast->inner : ast;
    if (!statement_has_effects(runs) || is_of_session(runs) || runs->kind == STMT_QUERY)
        return 0;
    if (t->is_read_only)
        return err_set(err, ERR_READ_ONLY_VIOLATION, "Cannot execute write in a read-only transaction");
    return err_set_sql(err, ERR_NOT_SUPPORTED, ast->pos.line, ast->pos.column,
                       "Statements that write are not supported inside of a transaction");
}

int transaction_check_tables(RunningStatement *s, const Analysis *analysis, Error *err)
{
    Transactions *all = &s->server->transactions;
    Str id = s->session.transaction_id;
    if (!id.ptr)
        return 0;
    MUTEX_GUARD(&all->lock);
    Transaction *t = find(all, id);
    for (size_t i = 0; t && t->is_strict && i < analysis->n_tables; i++)
        if (str_eq(analysis->tables[i].handle->catalog, s->server->iceberg_name))
            return err_set(err, ERR_NOT_SUPPORTED,
                           "Tables of catalog %.*s can be read in a transaction of isolation level READ "
                           "UNCOMMITTED or READ COMMITTED only",
                           STR_ARG(s->server->iceberg_name));
    return 0;
}

void transaction_failed(RunningStatement *s)
{
    Transactions *all = &s->server->transactions;
    if (!s->session.transaction_id.ptr)
        return;
    MUTEX_GUARD(&all->lock);
    Transaction *t = find(all, s->session.transaction_id);
    if (t)
        t->is_failed = true;
}
