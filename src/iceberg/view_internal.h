/* view_internal.h - what view*.c share. */
#pragma once

#include "iceberg/metadata_internal.h"
#include "iceberg/view.h"

int ice_view_version_parse(const Json *json, Arena *arena, IceViewVersion **ret, Error *err);
