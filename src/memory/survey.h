/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * How many clients of each node have something open, of all that is held in the rows of
 * the server's processes: a client with five windows is one. It is added up once a
 * second, and noted in the node's record (SVB_WORD_HELD).
 *
 * For one thread of a process at a time. Takes memory that grows with what is held; no
 * locks, no logging.
 */
#ifndef SVB_MEMORY_SURVEY_H
#define SVB_MEMORY_SURVEY_H

#include "memory/records.h"
#include "memory/rows.h"

/** What has been added up so far. */
typedef struct svb_survey svb_survey;

/** @param p keeps it */
svb_survey *svb_survey_make(apr_pool_t *p);

/** Something is held. */
void svb_survey_add(svb_survey *survey, const svb_held *held);

/** Note of each node what was added, and begin again. */
void svb_survey_end(svb_survey *survey, svb_records *records);

#endif /* SVB_MEMORY_SURVEY_H */
