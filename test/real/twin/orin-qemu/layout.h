#ifndef LAYOUT_H
#define LAYOUT_H

#include "arguments.h"

// Has the guest see each device with a base at that address. Ends where there is no room for one.
void layout_add(struct arguments* arguments);

#endif
