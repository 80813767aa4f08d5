#include "emulator/gunzip.h"

#include <stdint.h>
#include <string.h>
#include <zlib.h>

#define PIECE     16384
#define GZIP_ONLY 16 /* added to the window's bits: no zlib header */

static int inflate_all(z_stream *stream, buffer_t *out)
{
    int status;

    do {
        char *room = buffer_reserve(out, PIECE);
        if (room == NULL) {
            return 0;
        }
        stream->next_out = (unsigned char *)room;
        stream->avail_out = PIECE;
        status = inflate(stream, Z_NO_FLUSH);
        out->length += PIECE - stream->avail_out;
        out->data[out->length] = '\0';
    } while (status == Z_OK);
    return status == Z_STREAM_END && stream->avail_in == 0;
}

int gunzip_bytes(const char *bytes, size_t length, buffer_t *out)
{
    z_stream stream;
    int good;

    memset(&stream, 0, sizeof(stream));
    if (inflateInit2(&stream, MAX_WBITS + GZIP_ONLY) != Z_OK) {
        return 0;
    }
    stream.next_in = (unsigned char *)(uintptr_t)bytes;
    stream.avail_in = (uInt)length;
    good = inflate_all(&stream, out);
    (void)inflateEnd(&stream);
    return good;
}
