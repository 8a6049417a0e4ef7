/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * batch: as of a version that reads formats 2 and 3, between those before and after it.
 */
#define SVB_BATCH_FORMAT 3
#define SVB_BATCH_FORMAT_LEAST 2
/* The code itself, as it is then. */
#include "share/batch.c"
#include "unit.h"

static const unsigned char key[SVB_MAC_KEY] = "fifteen letters";

/* In which it is to be written, and is; and what it is when it comes in that. */
static const struct {
    unsigned asked;
    char written;
    char read;
    svb_batch_verdict verdict;
} rows[] = {
    {0, '2', '1', SVB_BATCH_OTHER}, {1, '2', '2', SVB_BATCH_GOOD},
    {2, '2', '3', SVB_BATCH_GOOD},  {3, '3', '4', SVB_BATCH_OTHER},
    {4, '3', '0', SVB_BATCH_OTHER}, {99, '3', '9', SVB_BATCH_OTHER},
    {3, '3', 'b', SVB_BATCH_OTHER}, {3, '3', '\0', SVB_BATCH_OTHER},
};

START_TEST(format)
{
    svb_mac mac = svb_mac_of(key, "log", "svb:{prod}", "fe1");
    svb_batch batch = {.format = rows[_i].asked, .number = 1}, back;
    svb_exchange_bytes bytes;
    char *data;

    pool_setup();
    bytes = svb_batch_write(&batch, &mac, pool);
    ck_assert_int_eq(bytes.data[3], rows[_i].written);
    ck_assert_int_eq(svb_batch_read(&bytes, &mac, &back, pool), SVB_BATCH_GOOD);
    ck_assert_uint_eq(back.format, (unsigned)rows[_i].written - '0');
    data = (char *)bytes.data;
    data[3] = rows[_i].read;
    if (rows[_i].read != rows[_i].written) {
        ck_assert_int_eq(svb_batch_read(&bytes, &mac, &back, pool),
                         SVB_BATCH_FORGED);
    }
    svb_mac_put(&mac, (unsigned char *)data, bytes.len - SVB_MAC_SIZE);
    ck_assert_int_eq(svb_batch_read(&bytes, &mac, &back, pool),
                     rows[_i].verdict);
    pool_teardown();
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("batch_formats");
    TCase *tc = tcase_create("batch_formats");

    tcase_add_loop_test(tc, format, 0, COUNT(rows));
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(srunner_create(suite()));
}
