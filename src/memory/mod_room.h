/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Room for the nodes of a configuration: memory/records.h says whose record may be
 * used again, and how; here it is found out who has clients or requests, once, and
 * only where there is no free record left.
 *
 * In post_config, in the parent; no locks.
 */
#ifndef SVB_MEMORY_MOD_ROOM_H
#define SVB_MEMORY_MOD_ROOM_H

/** A configuration comes: what was found out for the one before is forgotten. */
void svb_room_begin(void);

/**
 * The record of a node, added when there is none. All nodes of the configuration that
 * have one must have been kept (svb_records_keep()).
 * @return its index, or -1: there is no room
 */
int svb_room_for(const char *fleet, const char *route);

#endif /* SVB_MEMORY_MOD_ROOM_H */
