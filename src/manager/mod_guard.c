/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "manager/mod_guard.h"

#include <string.h>

#include "config/mod_sections.h"
#include "memory/mod_segments.h"

int svb_guard_may_act(request_rec *r)
{
    const svb_section *section =
        ap_get_module_config(r->per_dir_config, &servoy_balancer_module);

    return section && section->manager_actions == 1;
}

/* Takes as long for a wrong nonce as for the right one. */
int svb_guard_is_nonce(const char *given)
{
    const char *right = svb_segments_shared()->nonce;
    apr_size_t len = strlen(right);
    unsigned char differ = strlen(given) != len;

    for (apr_size_t i = 0; i < len && given[i]; i++) {
        differ |= (unsigned char)(given[i] ^ right[i]);
    }
    return !differ;
}
