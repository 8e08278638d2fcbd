/* fault.c - see fault.h. */
#include "base/fault.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/str.h"

bool fault_armed;

enum { FAULT_NAME_MAX = 96 };

static struct {
    char name[FAULT_NAME_MAX + 1];
    size_t len;
    bool prefix;        /* the name ended in '*' */
    enum { FAULT_FAIL, FAULT_KILL, FAULT_FULL } mode;
    uint64_t nth;
    uint64_t passed;    /* atomic */
} fault;

/* A test that asks for a fault and does not get it would pass for the wrong reason. */
static _Noreturn void fault_bad_spec(const char *spec)
{
    fprintf(stderr, "lakehouse: LAKEHOUSE_FAULT=\"%s\" is not name:N[:fail|kill|full]\n", spec);
    abort();
}

void fault_arm_for_test(const char *spec)
{
    fault_armed = false;
    if (!spec)
        return;
    Str rest, mode;
    Str name = str_cut(str_from(spec), ':', &rest);
    Str nth = str_cut(rest, ':', &mode);
    if (name.len == 0 || name.len > FAULT_NAME_MAX || str_to_u64(nth, UINT32_MAX, &fault.nth, NULL) < 0 ||
        fault.nth == 0)
        fault_bad_spec(spec);
    if (!mode.ptr || str_is(mode, "fail"))
        fault.mode = FAULT_FAIL;
    else if (str_is(mode, "kill"))
        fault.mode = FAULT_KILL;
    else if (str_is(mode, "full"))
        fault.mode = FAULT_FULL;
    else
        fault_bad_spec(spec);
    fault.prefix = name.ptr[name.len - 1] == '*';
    fault.len = name.len - fault.prefix;
    memcpy(fault.name, name.ptr, fault.len);
    fault.name[fault.len] = '\0';
    __atomic_store_n(&fault.passed, 0, __ATOMIC_RELAXED);
    fault_armed = true;
}

void fault_init_from_environment(void)
{
    fault_arm_for_test(getenv("LAKEHOUSE_FAULT"));
}

bool fault_hit(const char *name, Error *err)
{
    Str wanted = { fault.name, fault.len };
    if (fault.prefix ? !str_has_prefix(str_from(name), wanted) : !str_is(wanted, name))
        return false;
    uint64_t pass = __atomic_add_fetch(&fault.passed, 1, __ATOMIC_RELAXED);
    if (pass != fault.nth)
        return false;
    switch (fault.mode) {
    case FAULT_KILL:
        kill(getpid(), SIGKILL);
        for (;;)
            pause();
    case FAULT_FULL:
        err_set_errno(err, ERR_DISK_FULL, ENOSPC, "%s: injected fault", name);
        return true;
    case FAULT_FAIL:
        break;
    }
    err_set_errno(err, ERR_IO, EIO, "%s: injected fault", name);
    return true;
}
