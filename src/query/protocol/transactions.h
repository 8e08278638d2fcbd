/* transactions.h - open transactions, which a client names in X-Trino-Transaction-Id.
 *
 * A transaction here only brackets statements that read: each sees the tables as they are when it runs, which
 * is READ COMMITTED. So statements that write are refused in one, and in the stricter levels those that read
 * tables which can change. A statement that fails ends its transaction for all but COMMIT and ROLLBACK.
 *
 * One that nobody used for TRANSACTION_IDLE_US is forgotten. Thread-safe. */
#pragma once

#include "query/protocol/statement.h"

enum { TRANSACTIONS_MAX = 1024, TRANSACTION_ID_SIZE = 37 };
#define TRANSACTION_IDLE_US (5 * 60 * INT64_C(1000000))

typedef struct Transaction {
    char id[TRANSACTION_ID_SIZE];          /* empty: free */
    bool is_strict;                        /* REPEATABLE READ or SERIALIZABLE */
    bool is_read_only, is_failed;
    int64_t used_us;                       /* monotonic */
} Transaction;

typedef struct Transactions {
    pthread_mutex_t lock;
    Transaction items[TRANSACTIONS_MAX];
} Transactions;

/* START TRANSACTION, COMMIT, ROLLBACK. */
int run_transaction_statement(RunningStatement *s, const Statement *ast, Error *err);
/* Before a statement runs: may it, in the transaction that the client named? */
int transaction_check(RunningStatement *s, const Statement *ast, Error *err);
/* When it has been analyzed: may it read these tables? */
int transaction_check_tables(RunningStatement *s, const Analysis *analysis, Error *err);
/* A statement in it failed. */
void transaction_failed(RunningStatement *s);
