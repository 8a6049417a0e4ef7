/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * libFuzzer target: the manager's form parser. Any bytes must give either a
 * well-formed action or a message that can be logged.
 */

#include "manager/form.h"
#include "memory/names.h"
#include "output.h"

static void check_field(const char *value, apr_size_t most)
{
    MUST(*value);
    check_clean(value, most);
}

static void check_form(apr_pool_t *p, const char *data, apr_size_t len)
{
    svb_form form;
    const char *error = svb_form_parse(p, data, len, &form);

    if (error) {
        MUST(strlen(error) < 400);
        check_error(error);
        return;
    }
    check_field(form.action.fleet, SVB_NAME_MAX);
    check_field(form.action.node, SVB_NAME_MAX);
    check_field(form.nonce, 128);
    MUST(*svb_action_name(form.action.kind));
    if (form.action.kind == SVB_ACTION_LOADFACTOR) {
        MUST(form.action.value >= SVB_LOADFACTOR_MIN);
        MUST(form.action.value <= SVB_LOADFACTOR_MAX);
    }
    else {
        MUST(form.action.value == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *p;

    apr_pool_create(&p, root_pool());
    check_form(p, (const char *)data, size);
    apr_pool_destroy(p);
    return 0;
}
