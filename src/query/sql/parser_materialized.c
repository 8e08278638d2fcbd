/* parser_materialized.c - CREATE and ALTER MATERIALIZED VIEW. */
#include "query/sql/parser_internal.h"

static int parse_freshness(Parser *p, Statement *s)
{
    if (accept(p, KW_GRACE)) {
        if (expect(p, KW_PERIOD) < 0)
            return -1;
        if (!sees(p, KW_INTERVAL))
            return syntax_error(p);
        s->grace_period = parse_interval_literal(p);
        if (!s->grace_period)
            return -1;
    }
    if (!accept(p, KW_WHEN))
        return 0;
    if (expect(p, KW_STALE) < 0)
        return -1;
    s->when_stale = accept(p, KW_INLINE) ? WHEN_STALE_INLINE : WHEN_STALE_FAIL;
    return s->when_stale == WHEN_STALE_INLINE ? 0 : expect(p, KW_FAIL);
}

int parse_create_materialized_view(Parser *p, Statement *s)
{
    s->kind = STMT_CREATE_MATERIALIZED_VIEW;
    if (expect(p, KW_VIEW) < 0 || parse_if_not_exists(p, &s->if_not_exists) < 0 ||
        parse_qualified_name(p, &s->name) < 0 || parse_freshness(p, s) < 0 ||
        parse_optional_string(p, KW_COMMENT, &s->comment) < 0)
        return -1;
    if (accept(p, KW_WITH) && parse_properties(p, &s->properties, &s->n_properties) < 0)
        return -1;
    if (expect(p, KW_AS) < 0)
        return -1;
    s->query = parse_root_query(p);
    return s->query ? 0 : -1;
}

int parse_alter_materialized_view(Parser *p, Statement *s)
{
    if (expect(p, KW_VIEW) < 0 || parse_if_exists(p, &s->if_exists) < 0 ||
        parse_qualified_name(p, &s->name) < 0)
        return -1;
    if (accept(p, KW_RENAME))
        return parse_rename_to(p, s, STMT_RENAME_MATERIALIZED_VIEW);
    if (expect(p, KW_SET) < 0)
        return -1;
    if (accept(p, KW_AUTHORIZATION))
        return parse_unsupported(p, s, "ALTER MATERIALIZED VIEW SET AUTHORIZATION");
    s->kind = STMT_SET_MATERIALIZED_VIEW_PROPERTIES;
    return expect(p, KW_PROPERTIES) < 0 ? -1 : parse_property_list(p, &s->properties, &s->n_properties);
}
