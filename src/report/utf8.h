/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * UTF-8, read with care. The parser of what comes in must agree with the escaping
 * of what goes out, so both read it here.
 *
 * Pure: no state; any thread, any phase.
 */
#ifndef SVB_REPORT_UTF8_H
#define SVB_REPORT_UTF8_H

#include <apr.h>

/**
 * Read one character of UTF-8: no overlong forms, no surrogates, nothing above
 * U+10FFFF.
 * @param data bytes
 * @param len their number, above zero
 * @param size is set to how many bytes were read; 1 where there is an error
 * @return the code point, or -1 where the first byte does not start a
 *         well-formed sequence
 */
apr_int32_t svb_utf8_read(const char *data, apr_size_t len, apr_size_t *size);

#endif /* SVB_REPORT_UTF8_H */
