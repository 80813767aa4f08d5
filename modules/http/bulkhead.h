/*
 * A bulkhead around calls that may block for longer than anybody should wait:
 * they are made on threads of its own, and the caller waits for a limited time.
 *
 * A call that nobody waits for any more goes on until it returns by itself. As
 * long as there is one, others are refused; so there are never more threads
 * than callers at a time.
 */
#ifndef HTTP_BULKHEAD_H
#define HTTP_BULKHEAD_H

#include <apr_pools.h>
#include <apr_time.h>
#include <pthread.h>

typedef struct bulkhead_t bulkhead_t;

/* A call, embedded in the caller's own struct, on the heap or in a pool of its own: it may outlive
 * the caller's patience. */
typedef struct bulkhead_call_t bulkhead_call_t;
struct bulkhead_call_t {
    void (*run)(bulkhead_call_t *call);     /* on a thread of the bulkhead's */
    void (*destroy)(bulkhead_call_t *call); /* frees it, once nobody waits and it has returned */
    /* The bulkhead's own. */
    pthread_cond_t done;
    bulkhead_call_t *next;
    int state;
};

/* Its threads are joined when `pool` goes, but for those that do not return. Child. NULL when
 * memory is out. */
bulkhead_t *bulkhead_create(apr_pool_t *pool);

/* 1: the call was made, and is the caller's again. 0: it was refused, or did not return within the
 * time; it is the bulkhead's to destroy. Any thread. */
int bulkhead_call(bulkhead_t *bulkhead, bulkhead_call_t *call, apr_interval_time_t time);

#endif
