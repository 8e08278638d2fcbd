/* replay_main.c - runs a fuzz target over every file of the folders (or the files) that are given: how
 * corpora become tests where there is no libFuzzer. A crash names the file. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FILE_MAX = 64 << 20, PATH_BYTES = 4096 };

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat status;
    if (!file || fstat(fileno(file), &status) != 0 || status.st_size > FILE_MAX) {
        fprintf(stderr, "%s cannot be read\n", path);
        if (file)
            fclose(file);
        return -1;
    }
    size_t size = (size_t)status.st_size;
    uint8_t *data = malloc(size ? size : 1);        /* exactly as large: a read past the end is seen */
    size_t got = data ? fread(data, 1, size, file) : 0;
    fclose(file);
    char last[PATH_BYTES];
    int n = snprintf(last, sizeof last, "replaying %s\n", path);
    if (getenv("FUZZ_VERBOSE") && write(STDERR_FILENO, last, (size_t)n < sizeof last ? (size_t)n : 0) < 0)
        perror("write");
    if (data && got == size)
        LLVMFuzzerTestOneInput(data, size);
    free(data);
    return data && got == size ? 0 : -1;
}

static int replay_folder(const char *path, size_t *n_files)
{
    DIR *folder = opendir(path);
    if (!folder) {
        fprintf(stderr, "%s cannot be opened\n", path);
        return -1;
    }
    int result = 0;
    for (const struct dirent *entry; result == 0 && (entry = readdir(folder));) {
        char name[PATH_BYTES];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        result = replay_file(name);
        ++*n_files;
    }
    closedir(folder);
    return result;
}

int main(int argc, char **argv)
{
    size_t n_files = 0;
    int result = 0;
    for (int i = 1; i < argc && result == 0; i++) {
        struct stat status;
        if (stat(argv[i], &status) == 0 && S_ISDIR(status.st_mode)) {
            result = replay_folder(argv[i], &n_files);
        } else {
            result = replay_file(argv[i]);
            n_files++;
        }
    }
    printf("%zu inputs replayed\n", n_files);
    return result != 0 || n_files == 0;
}
