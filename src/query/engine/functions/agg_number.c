/* agg_number.c - sum and avg of the number type: value after value, each sum rounded as + rounds it; the
 * average is that sum divided by the count, with the scale that / has. */
#include "query/engine/functions/aggregate.h"
#include "query/engine/functions/number.h"

typedef struct NumberSum {
    AggObject head;
    int64_t count;
    size_t n; /* bytes of the sum */
    uint8_t bytes[NUMBER_BYTES_MAX];
} NumberSum;

enum { NUMBER_SUM, NUMBER_AVG };

static void add_bytes(AggCall *c, NumberSum *s, Str value, int64_t count)
{
    Number sum = {.scale = 0}, v;
    s->count += count;
    if (!number_decode(value, &v)) {
        agg_fail(c, ERR_INTERNAL, "%s: the argument is no number", c->def->name);
        return;
    }
    if (s->n == 0)
        sum = v;
    else if (number_decode(str_of((const char *)s->bytes, s->n), &sum))
        number_add(&sum, &v);
    s->n = number_encode(&sum, s->bytes);
    if (s->n == 0)
        agg_fail(c, ERR_NUMERIC_VALUE_OUT_OF_RANGE, "Scale out of range: %d", sum.scale);
}

static void add(AggCall *c, void *object, size_t row)
{
    add_bytes(c, object, agg_str(c, 0, row), 1);
}

static void merge(AggCall *c, void *into, const void *from)
{
    const NumberSum *b = from;
    add_bytes(c, into, str_of((const char *)b->bytes, b->n), b->count);
}

static void finish(AggCall *c, void *object, size_t row)
{
    NumberSum *s = object;
    Number sum = {.scale = 0}, count;
    if (c->def->arg == NUMBER_AVG && number_decode(str_of((const char *)s->bytes, s->n), &sum)) {
        uint8_t ignored[NUMBER_BYTES_MAX];
        number_of_i128(&count, s->count, 0);
        (void)number_encode(&count, ignored); /* without zeros at the end, as operands are */
        (void)number_divide(&sum, &count);
        s->n = number_encode(&sum, s->bytes);
    }
    if (s->n == 0)
        agg_fail(c, ERR_NUMERIC_VALUE_OUT_OF_RANGE, "Scale out of range: %d", sum.scale);
    else
        agg_put_str(c, row, str_of((const char *)s->bytes, s->n));
}

const AggDef agg_number_aggregates[] = {
    {"t_number_sum", "x>x", sizeof(NumberSum), add, merge, finish, NULL, NUMBER_SUM},
    {"t_number_avg", "x>x", sizeof(NumberSum), add, merge, finish, NULL, NUMBER_AVG},
    {NULL},
};
