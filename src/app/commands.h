/* commands.h - the commands' entry points; each returns the exit code: 0, 1 (it failed), 2 (wrong use or
 * configuration). */
#pragma once

#include "app/options.h"

int command_up(const Parsed *parsed);
int command_stop(const Parsed *parsed);
int command_status(const Parsed *parsed);
int command_config(const Parsed *parsed);
int command_sql(const Parsed *parsed);
int command_import(const Parsed *parsed);

int command_fail(const Error *err);      /* prints "lakehouse: …" and answers 2 for wrong use, else 1 */
/* --server, LAKEHOUSE_SERVER, or the default. */
Str command_server(const Parsed *parsed);
