/* What the guest asks for, in order: first a GPU driver's start, then an attacker. */
#ifndef STEPS_H
#define STEPS_H

#include <stddef.h>
#include <stdint.h>

#define REFUSED (-1)    /* EPERM: the policy does not grant it */
#define MALFORMED (-22) /* EINVAL: it cannot be what it says it is */
#define ANY_REPLY (-1)  /* the reply's contents are not compared */

struct step {
	const char *name;
	uint32_t mrq;
	uint32_t words[4]; /* the request's first words */
	const char *text;  /* follows the first word */
	uint64_t size;     /* the request's size, as it is claimed */
	int32_t ret;       /* the return code that is expected */
	uint64_t rx_size;  /* and the size of the reply */
	int64_t reply;     /* and its value, 4 or 8 bytes */
};

extern const struct step steps[];
extern const size_t step_count;

#endif
