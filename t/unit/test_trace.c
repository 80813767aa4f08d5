/* chat/trace: which trace headers of a visitor are passed on. */
#include "chat/trace.h"

#include "tap.h"

#include <string.h>

#define TRACE  "0af7651916cd43dd8448eb211c80319c"
#define PARENT "b7ad6b7169203331"
#define ROOT   "Root=1-5759e988-bd862e3fe1be46a994272793"

static void traceparents(void)
{
    OK(trace_is_parent("00-" TRACE "-" PARENT "-01"), "a traceparent");
    OK(trace_is_parent("00-" TRACE "-" PARENT "-00"), "not sampled");
    OK(!trace_is_parent("01-" TRACE "-" PARENT "-01"), "another version");
    OK(!trace_is_parent("00-" TRACE "-" PARENT "-01-x"), "more than there is");
    OK(!trace_is_parent("00-" TRACE "-" PARENT), "less than there is");
    OK(!trace_is_parent("00-0AF7651916cd43dd8448eb211c80319c-" PARENT "-01"), "upper case");
    OK(!trace_is_parent("00-00000000000000000000000000000000-" PARENT "-01"), "no trace");
    OK(!trace_is_parent("00-" TRACE "-0000000000000000-01"), "no parent");
    OK(!trace_is_parent("00-" TRACE "-" PARENT "-0g"), "flags that are none");
    OK(!trace_is_parent(""), "nothing");
}

static void amazon_trace_ids(void)
{
    char longest[TRACE_MAX + 2];

    OK(trace_is_amazon(ROOT), "a root alone");
    OK(trace_is_amazon(ROOT ";Parent=53995c3f42cd8ad8;Sampled=1"), "with parent and decision");
    OK(trace_is_amazon("Self=1-67891234-12456789abcdef012345678;" ROOT), "a load balancer's");
    OK(trace_is_amazon(ROOT "; Sampled=?"), "a blank, and a decision asked for");
    OK(trace_is_amazon(ROOT ";lineage=a1b2c3d4:0|deadbeef:1"), "unknown fields are kept");
    OK(!trace_is_amazon("Parent=53995c3f42cd8ad8"), "no root");
    OK(!trace_is_amazon("Root=1-5759e98-bd862e3fe1be46a994272793"), "a root that is too short");
    OK(!trace_is_amazon("Root=2-5759e988-bd862e3fe1be46a994272793"), "of another version");
    OK(!trace_is_amazon(ROOT "\r\nX-Evil: 1"), "a line break");
    OK(!trace_is_amazon(ROOT ";="), "a field without a name");
    OK(!trace_is_amazon(""), "nothing");
    memset(longest, 'a', sizeof(longest));
    memcpy(longest, ROOT ";x=", strlen(ROOT ";x="));
    longest[TRACE_MAX + 1] = '\0';
    OK(!trace_is_amazon(longest), "too long");
    longest[TRACE_MAX] = '\0';
    OK(trace_is_amazon(longest), "just not too long");
}

int main(void)
{
    traceparents();
    amazon_trace_ids();
    return tap_done();
}
