#ifndef DEVICES_H
#define DEVICES_H

#include <stddef.h>

#include "arguments.h"

// Opens each device by way of its group, all in one container, and fills in its descriptor and its first region's
// size. Container, groups and devices stay open for whoever this process becomes. Ends where one cannot be had.
void devices_open(struct device* devices, size_t count);

#endif
