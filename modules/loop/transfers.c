/* The transfers' share of the loop: made with it and gone with it. */
#include "base/log.h"
#include "loop/transfer_private.h"

#include <stdlib.h>

static void look_at_libcurl(transfers_t *transfers)
{
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);

    if ((info->features & CURL_VERSION_ASYNCHDNS) == 0) {
        log_error("CHAT0056: making the I/O loop: this libcurl (%s) looks up names in line, so a "
                  "slow name server will hold up every chat; install one built with the threaded "
                  "or the c-ares resolver",
                  info->version);
    }
    if (info->age >= CURLVERSION_SEVENTH) {
        transfers->ca_file = info->cainfo;
    }
}

apr_status_t transfers_create(transfers_t **result, loop_t *loop)
{
    transfers_t *transfers;

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        log_error("CHAT0057: making the I/O loop: libcurl cannot be initialised");
        return APR_EGENERAL;
    }
    transfers = calloc(1, sizeof(*transfers));
    if (transfers == NULL || (transfers->share = curl_share_init()) == NULL) {
        log_error("CHAT0058: making the I/O loop: out of memory");
        free(transfers);
        curl_global_cleanup();
        return APR_ENOMEM;
    }
    (void)curl_share_setopt(transfers->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
    (void)curl_share_setopt(transfers->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    transfers->loop = loop;
    transfers->later_end = &transfers->later;
    look_at_libcurl(transfers);
    *result = transfers;
    return APR_SUCCESS;
}

void transfers_destroy(transfers_t *transfers)
{
    transfer_destroy_all(transfers);
    shard_destroy_all(transfers);
    loop_timer_disarm(transfers->loop, &transfers->later_timer);
    (void)curl_share_cleanup(transfers->share);
    free(transfers);
    curl_global_cleanup();
}
