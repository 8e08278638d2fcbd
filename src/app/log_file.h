/* log_file.h - the roles' log files do not grow without bound. */
#pragma once

#include "base/error.h"

enum { LOG_FILE_BYTES = 64 << 20 };        /* then FILE becomes FILE.1, over the one before */

/* The file stays the same, since its writers have it open (to append): its content is copied and cut off;
 * what is written meanwhile may be lost. `fd` is open for writing. */
void log_file_trim(const char *path, int fd);
