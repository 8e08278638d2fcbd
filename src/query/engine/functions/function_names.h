/* function_names.h - what the emitter may ask about t_* functions, without DuckDB's types. */
#pragma once

#include "base/str.h"

/* Does the function see NULLs (or is there none of that name)? */
bool t_function_takes_nulls(Str name);
