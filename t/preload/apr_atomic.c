/*
 * APR's atomics once more, for ThreadSanitizer: libapr is not built with it, so the order that
 * httpd makes with them would not be seen, and memory that one connection gives to the next (the
 * MPM's list of free pools is a compare-and-swap) would look like a race. Loaded in front of
 * libapr, it takes their place. What each does, and which order it makes, is said in apr_atomic.h.
 */
#pragma GCC visibility push(default)
#include <apr_atomic.h>

#define ORDER __ATOMIC_SEQ_CST

apr_status_t apr_atomic_init(apr_pool_t *pool)
{
    (void)pool;
    return APR_SUCCESS;
}

#define ATOMICS(BITS)                                                                              \
    apr_uint##BITS##_t apr_atomic_read##BITS(volatile apr_uint##BITS##_t *mem)                     \
    {                                                                                              \
        return __atomic_load_n(mem, ORDER);                                                        \
    }                                                                                              \
    void apr_atomic_set##BITS(volatile apr_uint##BITS##_t *mem, apr_uint##BITS##_t value)          \
    {                                                                                              \
        __atomic_store_n(mem, value, ORDER);                                                       \
    }                                                                                              \
    apr_uint##BITS##_t apr_atomic_add##BITS(volatile apr_uint##BITS##_t *mem,                      \
                                            apr_uint##BITS##_t value)                              \
    {                                                                                              \
        return __atomic_fetch_add(mem, value, ORDER);                                              \
    }                                                                                              \
    void apr_atomic_sub##BITS(volatile apr_uint##BITS##_t *mem, apr_uint##BITS##_t value)          \
    {                                                                                              \
        __atomic_fetch_sub(mem, value, ORDER);                                                     \
    }                                                                                              \
    apr_uint##BITS##_t apr_atomic_inc##BITS(volatile apr_uint##BITS##_t *mem)                      \
    {                                                                                              \
        return __atomic_fetch_add(mem, 1, ORDER);                                                  \
    }                                                                                              \
    int apr_atomic_dec##BITS(volatile apr_uint##BITS##_t *mem)                                     \
    {                                                                                              \
        return __atomic_sub_fetch(mem, 1, ORDER) != 0;                                             \
    }                                                                                              \
    apr_uint##BITS##_t apr_atomic_cas##BITS(volatile apr_uint##BITS##_t *mem,                      \
                                            apr_uint##BITS##_t with, apr_uint##BITS##_t expected)  \
    {                                                                                              \
        __atomic_compare_exchange_n(mem, &expected, with, 0, ORDER, ORDER);                        \
        return expected;                                                                           \
    }                                                                                              \
    apr_uint##BITS##_t apr_atomic_xchg##BITS(volatile apr_uint##BITS##_t *mem,                     \
                                             apr_uint##BITS##_t value)                             \
    {                                                                                              \
        return __atomic_exchange_n(mem, value, ORDER);                                             \
    }

ATOMICS(32)
ATOMICS(64)

void *apr_atomic_casptr(volatile void **mem, void *with, const void *expected)
{
    volatile void *found = (volatile void *)(uintptr_t)expected;
    __atomic_compare_exchange_n(mem, &found, with, 0, ORDER, ORDER);
    return (void *)(uintptr_t)found;
}

void *apr_atomic_xchgptr(volatile void **mem, void *with)
{
    return (void *)(uintptr_t)__atomic_exchange_n(mem, with, ORDER);
}
