/* Runs a fuzz target over the files given, and prints TAP: a broken promise ends it early. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX (1U << 20)

/* The bytes of a file, in memory of just their size; NULL when it cannot be read. */
static uint8_t *slurp(const char *path, size_t *size)
{
    static uint8_t content[FILE_MAX];
    FILE *file = fopen(path, "rb");
    uint8_t *copy = NULL;

    if (file == NULL) {
        return NULL;
    }
    *size = fread(content, 1, sizeof(content), file);
    if (!ferror(file)) {
        copy = malloc(*size > 0 ? *size : 1);
    }
    (void)fclose(file);
    if (copy != NULL) {
        memcpy(copy, content, *size);
    }
    return copy;
}

int main(int count, char **paths)
{
    int failed = 0;
    int i;

    printf("1..%d\n", count - 1);
    for (i = 1; i < count; i++) {
        size_t size;
        uint8_t *content = slurp(paths[i], &size);
        if (content != NULL) {
            (void)LLVMFuzzerTestOneInput(content, size);
        }
        failed += content == NULL;
        printf("%s %d - %s\n", content != NULL ? "ok" : "not ok", i, paths[i]);
        (void)fflush(stdout);
        free(content);
    }
    return failed > 0;
}
