#include "app/log_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/log.h"

static int copy_file(const char *from, const char *to, Error *err)
{
    _cleanup_close_ int in = -1, out = -1;
    if (fs_open(from, O_RDONLY, 0, &in, err) || fs_open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600, &out, err))
        return -1;
    ssize_t n;
    while ((n = sendfile(out, in, NULL, 1 << 20)) > 0)
        ;
    return n < 0 ? err_set_errno(err, ERR_IO, errno, "cannot copy %s: %s", from, strerror(errno)) : 0;
}

void log_file_trim(const char *path, int fd)
{
    struct stat st;
    Error err;
    char old[4096];
    if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size <= LOG_FILE_BYTES)
        return;
    snprintf(old, sizeof old, "%s.1", path);
    /* On a full disk the old lines go, so that others can be written. */
    if (copy_file(path, old, &err)) {
        log_warn("supervisor.log_copy", L_ERR(&err));
        fs_unlink(old, NULL);
    }
    if (fs_truncate(fd, 0, &err))
        log_warn("supervisor.log_trim", L_ERR(&err));
}
