/* fault.h - named places where a test can make things go wrong.
 *
 * `if (fault_point("storage.index.commit", err)) return -1;` stands before every write, sync, rename, commit
 * and spawn. LAKEHOUSE_FAULT="name:N[:mode]" makes the Nth pass of that point (1-based; "*" is any point)
 * fail with ERR_IO (mode fail), kill the process with SIGKILL (mode kill) or fail as a full disk (mode full).
 * Without that variable a point costs one load. */
#pragma once

#include <stdbool.h>

#include "base/error.h"

extern bool fault_armed;
bool fault_hit(const char *name, Error *err);
#define fault_point(name, err) (__builtin_expect(fault_armed, 0) && fault_hit((name), (err)))
void fault_init_from_environment(void);
void fault_arm_for_test(const char *spec);   /* NULL disarms */
