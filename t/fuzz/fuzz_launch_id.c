/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * libFuzzer harness of svb_session_is_launch(). The input is an id, and a Cookie
 * header with ids. What is taken for an id of a launch cookie has the looks of
 * one, and what becomes of it goes into another cookie as it is.
 */

#include "fuzz.h"
#include "choice/session.h"

static int has_looks(const char *id, apr_size_t len)
{
    for (apr_size_t i = 0; i < len && i < SVB_SESSION_LAUNCH_LEN; i++) {
        if ((id[i] < '0' || id[i] > '9') && (id[i] < 'a' || id[i] > 'f')) {
            return 0;
        }
    }
    return len > SVB_SESSION_LAUNCH_LEN + 1
           && len <= SVB_SESSION_LAUNCH_LEN + 1 + SVB_ROUTE_MAX
           && id[SVB_SESSION_LAUNCH_LEN] == '.';
}

static void check_id(const svb_session_id *id)
{
    apr_size_t pos = 0, len = 0;
    const char *route = NULL;

    MUST(!svb_session_is_launch(id) == !has_looks(id->id, id->len));
    if (svb_session_is_launch(id)) {
        MUST(svb_session_next_route(id, &pos, &route, &len));
        MUST(route == id->id + SVB_SESSION_LAUNCH_LEN + 1);
        MUST(svb_session_base_len(id, len) == SVB_SESSION_LAUNCH_LEN);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    svb_session_id whole = {(const char *)data, size, "SERVOYLAUNCH", 0};
    char *cookie = input_text(data, size);
    apr_array_header_t *names;
    svb_session_ids ids;
    apr_pool_t *p;

    apr_pool_create(&p, root_pool());
    names = apr_array_make(p, 1, sizeof(const char *));
    APR_ARRAY_PUSH(names, const char *) = "SERVOYLAUNCH";

    /* the input itself has no NUL behind it, so that reading on is seen */
    check_id(&whole);
    svb_session_from_cookie(&ids, cookie, names);
    for (int i = 0; i < ids.n; i++) {
        check_id(&ids.ids[i]);
    }

    free(cookie);
    apr_pool_destroy(p);
    return 0;
}
