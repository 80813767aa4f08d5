#include "aws/credentials_env.h"

void credentials_env_start(const credentials_fetch_t *fetch, const credentials_done_t *done)
{
    const credentials_settings_t *settings = fetch->settings;
    const credentials_t fields = {.access_key_id = settings->access_key_id,
                                  .secret_access_key = settings->secret_access_key,
                                  .session_token = settings->session_token,
                                  .source = "the environment"};

    if (settings->access_key_id == NULL) {
        credentials_source_absent(done, "AWS_ACCESS_KEY_ID is not set in httpd's environment");
    } else if (settings->secret_access_key == NULL) {
        credentials_source_failed(fetch, done,
                                  "reading the environment: AWS_ACCESS_KEY_ID is set, but "
                                  "AWS_SECRET_ACCESS_KEY is not");
    } else {
        credentials_source_made(fetch, done, &fields, "the environment");
    }
}
