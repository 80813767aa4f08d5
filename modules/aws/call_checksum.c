#include "aws/call_checksum.h"

#include <apr_strings.h>
#include <string.h>
#include <zlib.h>

void call_checksum_start(call_checksum_t *checksum, const char *header)
{
    (void)apr_cpystrn(checksum->wanted, header != NULL ? header : "", sizeof(checksum->wanted));
    checksum->crc = crc32_z(0, NULL, 0);
}

void call_checksum_add(call_checksum_t *checksum, const char *bytes, size_t length)
{
    if (checksum->wanted[0] != '\0') {
        checksum->crc = crc32_z(checksum->crc, (const Bytef *)bytes, length);
    }
}

int call_checksum_differs(const call_checksum_t *checksum)
{
    char is[CALL_CHECKSUM_MAX];

    (void)apr_snprintf(is, sizeof(is), "%lu", checksum->crc);
    return checksum->wanted[0] != '\0' && strcmp(checksum->wanted, is) != 0;
}
