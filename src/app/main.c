/* main.c - the command line: a table of commands. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/commands.h"
#include "app/config_load.h"
#include "app/roles.h"

static const Option up_options[] = {
    CONFIG_OPTIONS,
    { "listen", 0, "HOST[:0]", "address to listen on; with :0 every role gets a free port", false },
    { "endpoints", 0, "FILE", "write the endpoints as JSON to FILE once all roles are ready", false },
    { "detach", 0, NULL, "return when everything is ready; the platform runs on in the background", false },
    { "notify-fd", 0, "N", "(internal) write a byte to this descriptor once ready", false },
    { 0 },
};
static const Option config_options[] = { CONFIG_OPTIONS, { 0 } };
static const Option status_options[] = {
    CONFIG_OPTIONS, { "json", 0, NULL, "print what is known as JSON", false }, { 0 } };
static const Option no_options[] = { { 0 } };
#define CLIENT_OPTIONS                                                                                       \
    {"server", 's', "URL", "the query role (default $LAKEHOUSE_SERVER, else http://127.0.0.1:8080)", false}, \
    {                                                                                                        \
        "user", 'u', "NAME", "user (default: the system's name for you)", false                              \
    }
static const Option sql_options[] = {
    CLIENT_OPTIONS,
    {"catalog", 0, "NAME", "catalog (default iceberg)", false},
    {"schema", 0, "NAME", "schema", false},
    {"execute", 'e', "SQL", "run these statements and exit", false},
    {"file", 'f', "FILE", "run the statements of FILE (- for standard input) and exit", false},
    {"output-format", 0, "FORMAT",
     "ALIGNED, VERTICAL, CSV, CSV_HEADER, CSV_UNQUOTED, TSV, TSV_HEADER, JSON, MARKDOWN, NULL", false},
    {"session", 0, "KEY=VALUE", "session property", true},
    {"timezone", 0, "ZONE", "session time zone (default: the system's)", false},
    {"no-progress", 0, NULL, "show no progress", false},
    {"no-pager", 0, NULL, "do not page long results", false},
    {"ignore-errors", 0, NULL, "go on after a statement failed (with --execute and --file)", false},
    {0},
};
static const Option import_options[] = {
    CLIENT_OPTIONS,
    {"table", 't', "SCHEMA.TABLE", "table to create or to append to; CATALOG.SCHEMA.TABLE too", false},
    {"format", 0, "FORMAT", "parquet, csv or json (default: by the file's name and content)", false},
    {"partitioned-by", 0, "TRANSFORM",
     "partition a new table: 'month(date)', 'bucket(id, 8)'; may stand several times", true},
    {"no-progress", 0, NULL, "show no progress", false},
    {0},
};

static int command_version(const Parsed *parsed)
{
    printf("lakehouse %s\n", LAKEHOUSE_VERSION);
    return 0;
}

static const Command commands[] = {
    {"up", "", "Start the platform: one process a role, supervised.",
     "  lakehouse up\n  lakehouse up --detach --data /srv/lake\n  lakehouse up --listen 127.0.0.1:0 "
     "--endpoints ep.json\n",
     up_options, 0, 0, command_up},
    {"stop", "", "Drain and stop the platform that runs on a data folder.",
     "  lakehouse stop --data ./data\n", config_options, 0, 0, command_stop},
    {"serve", "ROLE", "Run one role in this process (containers do this).",
     "  lakehouse serve storage --data /srv/lake\n", config_options, 1, 1, serve_run},
    {"status", "", "Show the roles, their state and addresses; exit code 0 when all are ready.",
     "  lakehouse status\n", status_options, 0, 0, command_status},
    {"sql", "", "The SQL shell; with --execute or --file, run statements and exit.",
     "  lakehouse sql\n  lakehouse sql --execute 'SELECT count(*) FROM demo.flights'\n"
     "  lakehouse sql --file report.sql --output-format CSV_HEADER > report.csv\n",
     sql_options, 0, 0, command_sql},
    {"import", "FILE", "Load a Parquet, CSV or JSON file (- for standard input) into a table.",
     "  lakehouse import flights.parquet --table demo.flights --partitioned-by 'month(date)'\n"
     "  gzip -dc events.json.gz | lakehouse import - --format json --table demo.events\n",
     import_options, 1, 1, command_import},
    {"config", "show", "Show the configuration and where each value came from.",
     "  lakehouse config show --set query.memory_limit=8GiB\n", config_options, 1, 1, command_config},
    {"version", "", "Print the version.", NULL, no_options, 0, 0, command_version},
};

enum { N_COMMANDS = sizeof commands / sizeof *commands, COMMAND_ARENA = 16 << 20 };

static void print_help(FILE *out)
{
    fprintf(out,
            "lakehouse %s: an S3 store, an Iceberg REST catalog and a Trino SQL engine in one program\n\n"
            "Usage: lakehouse COMMAND [options]\n\n",
            LAKEHOUSE_VERSION);
    for (size_t i = 0; i < N_COMMANDS; i++)
        fprintf(out, "  %-9s %s\n", commands[i].name, commands[i].summary);
    fprintf(out, "\nlakehouse COMMAND --help tells more.\n");
}

int command_fail(const Error *err)
{
    fprintf(stderr, "lakehouse: %s\n", err->message);
    return err->code == ERR_CONFIG ? 2 : 1;
}

Str command_server(const Parsed *parsed)
{
    const char *server = option_value(parsed, "server");
    if (!server)
        server = getenv("LAKEHOUSE_SERVER");
    return server && *server ? str_from(server) : STR("http://127.0.0.1:8080");
}

static bool wants_help(int argc, char **argv)
{
    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

static int run(const Command *command, int argc, char **argv)
{
    if (wants_help(argc, argv)) {
        options_print_help(command, STDOUT_FILENO);
        return 0;
    }
    _cleanup_arena_ Arena *arena = arena_new(COMMAND_ARENA);
    Parsed parsed;
    Error err;
    if (options_parse(command, argc, argv, arena, &parsed, &err))
        return command_fail(&err);
    return command->run(&parsed);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return 2;
    }
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        print_help(stdout);
        return 0;
    }
    if (strcmp(name, "--version") == 0)
        name = "version";
    for (size_t i = 0; i < N_COMMANDS; i++)
        if (strcmp(name, commands[i].name) == 0)
            return run(&commands[i], argc - 2, argv + 2);
    fprintf(stderr, "lakehouse: unknown command %s (lakehouse --help lists them)\n", name);
    return 2;
}
